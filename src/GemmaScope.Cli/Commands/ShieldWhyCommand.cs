using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Features;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Takes a verdict apart into the features of a dictionary.</summary>
internal sealed class ShieldWhyCommand : GemmaScopeCommand
{
    private static readonly ExplainVerdictJobOptions Defaults = new() { Prompt = "" };

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
        _top = Add(CommonOptions.Number("--top", "N", "Features shown.", Defaults.Top));
        _remove = Add(
            CommonOptions.Number("--remove", "N", "Features removed, one by one and together, to measure what they do.", Defaults.Remove)
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
        var options = Defaults with
        {
            Policies = _shield.Policies(arguments),
            EachPolicy = _shield.ChoosesPolicies(arguments),
            Asked = _shield.Options(arguments),
            Top = arguments.GetValue(_top),
            Remove = arguments.GetValue(_remove),
            Labels = arguments.GetValue(_labels) is { } file ? FeatureLabels.Load(file) : null,
            Prompt = _text.Read(arguments, session),
            Response = arguments.GetValue(_response),
        };
        ExplainVerdictJob.Check(options);
        using var microscope = _microscope.Open(arguments, session);
        var result = session.Run(
            (progress, cancellationToken) => ExplainVerdictJob.RunAsync(microscope, options, progress, cancellationToken)
        );
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
            ShieldWhyText.Print(session.Terminal, result);
        if (arguments.GetValue(_html) is { } page)
            session.Terminal.WritePage(page, ExplainVerdictPage.Render(result));
        return Application.Success;
    }
}
