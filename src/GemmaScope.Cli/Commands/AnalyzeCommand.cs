using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Features;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>The main job: takes a text apart into the features of a dictionary.</summary>
internal sealed class AnalyzeCommand : GemmaScopeCommand
{
    private static readonly AnalyzeJobOptions Defaults = new() { Text = "" };

    private readonly TextInput _text;
    private readonly MicroscopeArguments _microscope;
    private readonly Option<int> _top,
        _topText;
    private readonly Option<int?> _feature;
    private readonly Option<string?> _labels,
        _database;
    private readonly Option<bool> _noBos,
        _byActivation,
        _json;
    private readonly Option<string?> _html;
    private readonly Option<Uri> _server;

    public AnalyzeCommand()
        : base(
            "analyze",
            "Show which features of a dictionary fire on each token of a text.",
            "gemmascope analyze \"The cat sat on the mat.\"",
            "gemmascope analyze --file story.txt --html story.html",
            "gemmascope analyze \"I love Paris\" --model google/gemma-2-2b "
                + "--sae google/gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_71",
            "gemmascope analyze \"The cat sat\" --feature 756 --top 3",
            "gemmascope analyze - --json < story.txt"
        )
    {
        _text = new TextInput(this, "text", "The text.");
        _microscope = new MicroscopeArguments(this);
        _top = Add(CommonOptions.Number("--top", "N", "Strongest features shown for each token.", Defaults.Top));
        _topText = Add(CommonOptions.Number("--top-text", "N", "Strongest features shown for the whole text.", Defaults.TopText));
        _feature = Add(
            new Option<int?>("--feature")
            {
                Description = "Shade the text by this feature and show its activation at each token.",
                HelpName = "N",
            }
        );
        _labels = Add(
            new Option<string?>("--labels") { Description = "Labels of the features: JSON lines, JSON, CSV or TSV.", HelpName = "FILE" }
        );
        _database = Add(KnownFeatureOptions.Database());
        _byActivation = Add(KnownFeatureOptions.ByActivation());
        _noBos = Add(new Option<bool>("--no-bos") { Description = "Leave out the BOS in front, which models expect." });
        _html = Add(CommonOptions.OutputFile("--html", "Write the analysis as one self-contained page."));
        _server = Add(CommonOptions.Server());
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = new AnalyzeJobOptions
        {
            Text = _text.Read(arguments, session),
            Top = arguments.GetValue(_top),
            TopText = arguments.GetValue(_topText),
            Feature = arguments.GetValue(_feature),
            AddBos = !arguments.GetValue(_noBos),
            Labels = arguments.GetValue(_labels) is { } file ? FeatureLabels.Load(file) : null,
            Server = arguments.GetValue(_server)!,
            // Programs get one order, whatever is known of the features.
            ByActivation = arguments.GetValue(_byActivation) || arguments.GetValue(_json),
        };
        using var microscope = _microscope.Open(arguments, session);
        // Whoever brings labels looks for them.
        using var known =
            options.Labels is null || arguments.GetValue(_database) is not null
                ? KnownFeatureOptions.Open(arguments.GetValue(_database), microscope)
                : null;
        options = options with { Known = known };
        var result = session.Run((progress, cancellationToken) => AnalyzeJob.RunAsync(microscope, options, progress, cancellationToken));
        if (arguments.GetValue(_json))
            session.Terminal.Data.WriteLine(ResultJson.Text(result));
        else
        {
            AnalyzeText.Write(session.Terminal, result, arguments.GetResult(_top) is { Implicit: false } ? options.Top : null);
            session.Terminal.Out.WriteLine();
            AnalyzeText.NextTokens(session.Terminal, result);
            AnalyzeText.GoOn(session.Terminal, result);
        }
        if (arguments.GetValue(_html) is { } page)
        {
            AnalyzePage.Render(result).Save(page);
            session.Terminal.Error.WriteLine($"wrote {page}");
        }
        return Application.Success;
    }
}
