using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Features;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Studies what a chat model knows and does not say.</summary>
internal sealed class StudyHiddenCommand : GemmaScopeCommand
{
    private static readonly HiddenStudyJobOptions Defaults = new() { Out = "" };

    private readonly MicroscopeArguments _microscope;
    private readonly StudyArguments _study;
    private readonly Option<string?> _words = CommonOptions.File(
            "--words",
            "Words that may be the secret, one a line. Default: our own few."
        ),
        _templates = CommonOptions.File(
            "--templates",
            "Conversations: JSON lines with told (with {word}), control and question. Default: our own few."
        ),
        _lens = CommonOptions.File("--lens", "A fitted lens that is read beside the logit lens."),
        _labels = CommonOptions.File("--labels", "Labels of features, whose words count too.");
    private readonly Option<int> _top = CommonOptions.Number(
            "--top",
            "N",
            "A secret counts as found among so many words of a readout.",
            Defaults.Top
        ),
        _features = CommonOptions.Number("--features", "N", "Features of a dictionary that are read.", Defaults.Features),
        _maxTokens = CommonOptions.Number("--max-tokens", "N", "Tokens of a reply.", Defaults.MaxTokens);
    private readonly Option<int?> _plantLayer = new("--plant-layer")
    {
        Description = "The layer behind which a secret is planted. Default: the middle one.",
        HelpName = "N",
    };
    private readonly Option<double> _plantStrength = CommonOptions.Share(
        "--plant-strength",
        "How strong it is, as a share of the residual stream's length.",
        Defaults.PlantStrength
    );
    private readonly Option<string[]> _text = CommonOptions.Text("What it is counted on how often features fire. ");
    private readonly Option<long> _textTokens = CommonOptions.TextTokens(Defaults.Text.Tokens);

    public StudyHiddenCommand()
        : base(
            "hidden",
            "What a chat model knows and does not say: a secret that was told or planted, read by lenses, features and a probe, beside controls.",
            "gemmascope study hidden --sae demo-sae --out hidden-demo",
            "gemmascope study hidden --model google/gemma-2-2b-it --words words.txt --lens lens.safetensors --out hidden-2b",
            "gemmascope study hidden --plant-layer 3 --plant-strength 0.2 --out faint --json"
        )
    {
        _study = new StudyArguments(this);
        _microscope = new MicroscopeArguments(this, DictionaryUse.Named, MicroscopeOptions.DemoChat);
        foreach (
            var option in (Option[])
                [_words, _templates, _lens, _labels, _top, _features, _maxTokens, _plantLayer, _plantStrength, _text, _textTokens]
        )
            Options.Add(option);
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = _study.Read(
            arguments,
            Defaults with
            {
                Words = arguments.GetValue(_words),
                Templates = arguments.GetValue(_templates),
                Lens = arguments.GetValue(_lens),
                Labels = arguments.GetValue(_labels) is { } file ? FeatureLabels.Load(file) : null,
                Top = arguments.GetValue(_top),
                Features = arguments.GetValue(_features),
                MaxTokens = arguments.GetValue(_maxTokens),
                PlantLayer = arguments.GetValue(_plantLayer),
                PlantStrength = arguments.GetValue(_plantStrength),
                Text = Defaults.Text with { Text = arguments.GetValue(_text)!, Tokens = arguments.GetValue(_textTokens) },
            }
        );
        options.Check();
        using var microscope = _microscope.Open(arguments, session);
        var result = session.Run((progress, stop) => HiddenStudyJob.RunAsync(microscope, options, progress, stop));
        return _study.Print(arguments, session, result, HiddenStudyText.Write);
    }
}
