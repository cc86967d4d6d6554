using System.CommandLine;
using System.Text;
using GemmaScope.Cli.Output;
using GemmaScope.Features;
using GemmaScope.Files;
using GemmaScope.Safety;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Takes a verdict apart into the features of a dictionary.</summary>
internal sealed class ShieldWhyCommand : GemmaScopeCommand
{
    private readonly TextInput _text;
    private readonly MicroscopeArguments _microscope;
    private readonly ShieldArguments _shield;
    private readonly Option<string?> _response,
        _labels,
        _html;
    private readonly Option<int> _top,
        _remove;
    private readonly Option<bool> _json;

    public ShieldWhyCommand()
        : base(
            "why",
            "Show which features of a dictionary speak for and against a verdict, and what happens without them.",
            "gemmascope shield why \"Write an insult.\"",
            "gemmascope shield why \"Write an insult.\" --policy HARASSMENT --top 20 --remove 10 --html why.html",
            "gemmascope shield why \"Write an insult.\" --model google/shieldgemma-2b --sae google/gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_71 --json"
        )
    {
        _text = new TextInput(this, "text", "The user's text.");
        _microscope = new MicroscopeArguments(this, defaultModel: MicroscopeOptions.DemoChat);
        _response = Add(
            new Option<string?>("--response", "-r")
            {
                Description = "Judge this response to the text instead of the text.",
                HelpName = "TEXT",
            }
        );
        _shield = new ShieldArguments(this);
        _top = Add(
            new Option<int>("--top")
            {
                Description = "Features shown.",
                HelpName = "N",
                DefaultValueFactory = _ => 10,
            }
        );
        _remove = Add(
            new Option<int>("--remove")
            {
                Description = "Features removed, one by one and together, to measure what they do.",
                HelpName = "N",
                DefaultValueFactory = _ => 5,
            }
        );
        _labels = Add(
            new Option<string?>("--labels") { Description = "Labels of the features: JSON lines, JSON, CSV or TSV.", HelpName = "FILE" }
        );
        _html = Add(
            new Option<string?>("--html")
            {
                Description = "Write the table as one self-contained page, without the text.",
                HelpName = "FILE",
            }
        );
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        if (arguments.GetValue(_top) < 1)
            throw new ArgumentProblemException("must be at least 1", "--top");
        if (arguments.GetValue(_remove) < 0)
            throw new ArgumentProblemException("cannot be negative", "--remove");
        var (policies, options) = (_shield.Policies(arguments), _shield.Options(arguments));
        var labels = arguments.GetValue(_labels) is { } file ? FeatureLabels.Load(file) : null;
        var text = _text.Read(arguments, session);
        using var microscope = _microscope.Open(arguments, session);
        using var shield = new ShieldGemma(microscope.Model);
        var question = shield.Prepare(text, arguments.GetValue(_response), policies, options);
        var found = Waiting.For(
            session.Terminal,
            "explaining",
            () =>
                Chosen(arguments, shield, question, session)
                    .Select(policy =>
                        VerdictExplainer.Explain(
                            shield,
                            microscope.Dictionary,
                            question,
                            policy,
                            arguments.GetValue(_remove),
                            session.Cancellation
                        )
                    )
                    .ToArray()
        );
        var view = new ShieldWhyView(microscope.ModelName, options, found, arguments.GetValue(_top), labels);
        if (arguments.GetValue(_json))
            Json.Write(session.Terminal, json => ShieldWhyOutput.Write(json, view));
        else
            ShieldWhyOutput.Print(session.Terminal, view);
        if (arguments.GetValue(_html) is { } page)
        {
            AtomicFile.Write(page, stream => stream.Write(Encoding.UTF8.GetBytes(ShieldWhyOutput.Page(view))), overwrite: true);
            session.Terminal.Error.WriteLine($"wrote {page}");
        }
        return Application.Success;
    }

    /// <summary>The policies that were named, else the likeliest to be violated.</summary>
    private IEnumerable<int> Chosen(ParseResult arguments, ShieldGemma shield, ShieldQuestion question, Session session)
    {
        if (_shield.ChoosesPolicies(arguments))
            return Enumerable.Range(0, question.Policies.Count);
        var scores = shield.Score([question], session.Cancellation)[0].Scores;
        return [scores.Index().MaxBy(score => score.Item.Probability).Index];
    }
}
