using System.CommandLine;
using System.Text;
using GemmaScope.Cli.Output;
using GemmaScope.Features;
using GemmaScope.Files;

namespace GemmaScope.Cli.Commands;

/// <summary>The main job: takes a text apart into the features of a dictionary.</summary>
internal sealed class AnalyzeCommand : GemmaScopeCommand
{
    private readonly TextInput _text;
    private readonly MicroscopeOptions _microscope;
    private readonly Option<int> _top,
        _topText;
    private readonly Option<int?> _feature;
    private readonly Option<string?> _labels;
    private readonly Option<bool> _noBos,
        _json;
    private readonly Option<string?> _html;
    private readonly Option<Uri> _server;

    public AnalyzeCommand()
        : base(
            "analyze",
            "Show which features of a dictionary fire on each token of a text.",
            "gemmascope analyze \"The cat sat on the mat.\"",
            "gemmascope analyze --file story.txt --html story.html",
            "gemmascope analyze \"I love Paris\" --model google/gemma-2-2b --sae google/gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_71",
            "gemmascope analyze \"The cat sat\" --feature 756 --top 3",
            "gemmascope analyze - --json < story.txt"
        )
    {
        _text = new TextInput(this, "text", "The text.");
        _microscope = new MicroscopeOptions(this);
        _top = Add(
            new Option<int>("--top")
            {
                Description = "Strongest features shown for each token.",
                HelpName = "N",
                DefaultValueFactory = _ => 5,
            }
        );
        _topText = Add(
            new Option<int>("--top-text")
            {
                Description = "Strongest features shown for the whole text.",
                HelpName = "N",
                DefaultValueFactory = _ => 10,
            }
        );
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
        _noBos = Add(new Option<bool>("--no-bos") { Description = "Leave out the BOS in front, which models expect." });
        _html = Add(CommonOptions.OutputFile("--html", "Write the analysis as one self-contained page."));
        _server = Add(CommonOptions.Server());
        _json = Add(CommonOptions.Json());
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var (top, topText, feature) = (arguments.GetValue(_top), arguments.GetValue(_topText), arguments.GetValue(_feature));
        if (top < 0 || topText < 0)
            throw new ArgumentProblemException("a number of features cannot be negative", top < 0 ? "--top" : "--top-text");
        var text = _text.Read(arguments, session);
        var labels = arguments.GetValue(_labels) is { } file ? FeatureLabels.Load(file) : null;
        using var microscope = _microscope.Open(arguments, session);
        if (feature is { } index && (uint)index >= (uint)microscope.Dictionary.Width)
            throw new ArgumentProblemException(
                $"{index} is no feature of {microscope.Dictionary.Name}, which has 0 to {microscope.Dictionary.Width - 1}",
                "--feature"
            );

        var analysis = microscope.Analyze(
            text,
            new AnalyzeOptions
            {
                TopPerToken = top,
                TopWholeText = topText,
                AddBos = !arguments.GetValue(_noBos),
                Labels = labels,
            }
        );
        var view = new AnalysisView(analysis, arguments.GetValue(_server)!);
        if (arguments.GetValue(_json))
            Json.Write(session.Terminal, json => AnalysisJson.Write(json, view, feature));
        else
        {
            AnalysisText.Write(session.Terminal, view, feature);
            session.Terminal.Out.WriteLine();
            AnalysisText.NextTokens(session.Terminal, analysis);
        }
        if (arguments.GetValue(_html) is { } page)
            WritePage(page, view, session.Terminal, feature);
        return Application.Success;
    }

    /// <summary>Writes the page, over an older one; shaded by one feature where one is given.</summary>
    public static void WritePage(string file, AnalysisView view, Terminal terminal, int? feature = null)
    {
        AtomicFile.Write(file, stream => stream.Write(Encoding.UTF8.GetBytes(AnalysisPage.Render(view, feature))), overwrite: true);
        terminal.Error.WriteLine($"wrote {file}");
    }
}
