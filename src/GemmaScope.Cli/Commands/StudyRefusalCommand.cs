using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Studies how a chat model refuses.</summary>
internal sealed class StudyRefusalCommand : GemmaScopeCommand
{
    private static readonly RefusalStudyJobOptions Defaults = new()
    {
        Out = "",
        Harmful = "",
        Harmless = "",
    };

    private readonly MicroscopeArguments _microscope;
    private readonly StudyArguments _study;
    private readonly Option<string> _harmful = Prompts("--harmful", "Requests that the model should refuse", required: true),
        _harmless = Prompts("--harmless", "Requests that it should answer", required: true);
    private readonly Option<string?> _over = CommonOptions.File(
        "--over-refusal",
        "Harmless requests that look harmful, in the same forms; of rows with 'harmful' the others are left out."
    );
    private readonly Option<string?> _tasks = CommonOptions.File(
        "--tasks",
        "What the model should still be able to do: JSON lines with prompt or question, answer, and perhaps wrong."
    );
    private readonly Option<string?> _direction = CommonOptions.File(
        "--direction",
        "Study this direction (.pt, .safetensors, .npy, with its metadata beside it) instead of looking for one."
    );
    private readonly Option<string?> _shield = new("--shield")
    {
        Description = "A ShieldGemma that judges replies to harmful requests.",
        HelpName = "MODEL",
    };
    private readonly Option<int> _train = CommonOptions.Number(
            "--train",
            "N",
            "Prompts of each side that directions are made from, at most.",
            Defaults.Train
        ),
        _validation = CommonOptions.Number("--validation", "N", "Prompts of each side that choose one, at most.", Defaults.Validation),
        _test = CommonOptions.Number("--test", "N", "Prompts of each set that results are measured on, at most.", Defaults.Test),
        _controls = CommonOptions.Number("--controls", "N", "Random directions, and sets of features, beside each.", Defaults.Controls),
        _maxTokens = CommonOptions.Number(
            "--max-tokens",
            "N",
            "Tokens of a reply; 0 to judge by the first token alone.",
            Defaults.MaxTokens
        ),
        _features = CommonOptions.Number("--features", "N", "Features of each dictionary nearest to the direction.", Defaults.Features);
    private readonly Option<int?> _heldOut = new("--held-out")
    {
        Description = "Measure on rows whose SHA-256 of the id is divisible by N; 5 for those the demo model was never trained on.",
        HelpName = "N",
    };
    private readonly Option<string[]> _tokens = new("--refusal-tokens")
    {
        Description = "Words that refusals begin with, a token each (published for Gemma: I). Default: found in the model's replies.",
        HelpName = "WORD",
        AllowMultipleArgumentsPerToken = true,
    };
    private readonly Option<double> _maxKl = CommonOptions.Real(
            "--max-kl",
            "X",
            "KL on harmless prompts of a direction at most.",
            Defaults.MaxKl
        ),
        _minAdded = CommonOptions.Real(
            "--min-added-score",
            "X",
            "Refusal score of harmless prompts with a direction added at least.",
            Defaults.MinAddedScore
        ),
        _layersBelow = CommonOptions.Real("--layers-below", "X", "Only layers below this share of the depth.", Defaults.LayersBelow);
    private readonly Option<string> _strengths = CommonOptions.Numbers(
        "--strengths",
        "How much of the direction is taken out, and how often it is added and subtracted.",
        Defaults.Strengths
    );
    private readonly Option<string[]> _text = CommonOptions.Text("What cross-entropy is measured on. ");
    private readonly Option<long> _textTokens = CommonOptions.TextTokens(Defaults.Text.Tokens);

    public StudyRefusalCommand()
        : base(
            "refusal",
            "How a chat model refuses: a direction, what it does when taken out or added, and the damage, beside random directions.",
            "gemmascope study refusal --harmful harmful.jsonl --harmless harmless.jsonl --out refusal-demo",
            "gemmascope study refusal --model google/gemma-2-2b-it --harmful advbench.jsonl --harmless dolly.jsonl --over-refusal xstest.jsonl --shield google/shieldgemma-2b --out refusal-2b",
            "gemmascope study refusal --harmful harmful.txt --harmless harmless.txt --sae demo-sae --tasks samples/pairs/agreement.jsonl --held-out 5 --out refusal-demo --json"
        )
    {
        foreach (var option in (Option[])[_harmful, _harmless, _over])
            Options.Add(option);
        _study = new StudyArguments(this);
        _microscope = new MicroscopeArguments(this, DictionaryUse.Named, MicroscopeOptions.DemoChat);
        foreach (
            var option in (Option[])
                [
                    _tasks,
                    _direction,
                    _shield,
                    _train,
                    _validation,
                    _test,
                    _heldOut,
                    _tokens,
                    _maxKl,
                    _minAdded,
                    _layersBelow,
                    _strengths,
                    _controls,
                    _maxTokens,
                    _features,
                    _text,
                    _textTokens,
                ]
        )
            Options.Add(option);
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = _study.Read(
            arguments,
            Defaults with
            {
                Harmful = arguments.GetValue(_harmful)!,
                Harmless = arguments.GetValue(_harmless)!,
                OverRefusal = arguments.GetValue(_over),
                Tasks = arguments.GetValue(_tasks),
                Direction = arguments.GetValue(_direction),
                Train = arguments.GetValue(_train),
                Validation = arguments.GetValue(_validation),
                Test = arguments.GetValue(_test),
                HeldOut = arguments.GetValue(_heldOut),
                RefusalTokens = arguments.GetValue(_tokens) ?? [],
                MaxKl = arguments.GetValue(_maxKl),
                MinAddedScore = arguments.GetValue(_minAdded),
                LayersBelow = arguments.GetValue(_layersBelow),
                Strengths = Quantity.Numbers(arguments.GetValue(_strengths)!, _strengths.Name),
                Controls = arguments.GetValue(_controls),
                MaxTokens = arguments.GetValue(_maxTokens),
                Features = arguments.GetValue(_features),
                Text = Defaults.Text with { Text = arguments.GetValue(_text)!, Tokens = arguments.GetValue(_textTokens) },
            }
        );
        options.Check();
        using var microscope = _microscope.Open(arguments, session);
        using var shield = MicroscopeArguments.OpenShield(arguments.GetValue(_shield), session);
        var result = session.Run(
            (progress, cancellationToken) => RefusalStudyJob.RunAsync(microscope, options, shield, progress, cancellationToken)
        );
        return _study.Print(arguments, session, result, RefusalStudyText.Write);
    }

    private static Option<string> Prompts(string name, string what, bool required) =>
        new(name)
        {
            Description = $"{what}: JSON lines or a list with instruction or prompt, or text with one a line.",
            HelpName = "FILE",
            Required = required,
        };
}
