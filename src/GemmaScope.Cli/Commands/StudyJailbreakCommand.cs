using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Studies what wrappers of requests change inside a chat model.</summary>
internal sealed class StudyJailbreakCommand : GemmaScopeCommand
{
    private static readonly JailbreakStudyJobOptions Defaults = new()
    {
        Out = "",
        Harmless = "",
        Direction = "",
    };

    private readonly MicroscopeArguments _microscope;
    private readonly StudyArguments _study;
    private readonly Option<string?> _pairs = CommonOptions.File(
            "--pairs",
            "Wrapped requests (wrapped or prompt) with the plain ones (plain or goal): JSON lines."
        ),
        _requests = CommonOptions.File("--requests", "Plain requests, each of which is put into each wrapper."),
        _wrappers = CommonOptions.File("--wrappers", "Wrappers, one a line or JSON lines with wrapper; {request} stands for the request."),
        _shield = new("--shield") { Description = "A ShieldGemma that judges requests and replies.", HelpName = "MODEL" };
    private readonly Option<string> _harmless = new("--harmless")
    {
        Description = "Harmless requests: JSON lines or a list with instruction or prompt, or text with one a line.",
        HelpName = "FILE",
        Required = true,
    };
    private readonly Option<string> _direction = new("--direction")
    {
        Description = "The refusal direction: its file, or the folder of a study of refusal.",
        HelpName = "FILE",
        Required = true,
    };
    private readonly Option<int> _limit = CommonOptions.Number("--limit", "N", "Pairs, and harmless requests, at most.", Defaults.Limit),
        _maxTokens = CommonOptions.Number(
            "--max-tokens",
            "N",
            "Tokens of a reply; 0 to judge by the first token alone.",
            Defaults.MaxTokens
        ),
        _features = CommonOptions.Number(
            "--features",
            "N",
            "Features of each dictionary that are clamped back, and probed together.",
            Defaults.Features
        ),
        _shuffles = CommonOptions.Number("--shuffles", "N", "Shuffles of labels for the control.", Defaults.Shuffles);
    private readonly Option<int?> _heldOut = new("--held-out")
    {
        Description = "Only harmless requests whose SHA-256 of the id is divisible by N; 5 for those the demo model was never trained on.",
        HelpName = "N",
    };
    private readonly Option<string[]> _tokens = new("--refusal-tokens")
    {
        Description = "Words that refusals begin with, a token each (published for Gemma: I). Default: found in the model's replies.",
        HelpName = "WORD",
        AllowMultipleArgumentsPerToken = true,
    };

    public StudyJailbreakCommand()
        : base(
            "jailbreak",
            "What wrappers of requests change: projections, features, what moving them back does, and what tells success from failure.",
            "gemmascope study jailbreak --pairs jailbreaks.jsonl --harmless dolly.jsonl --direction refusal-demo --out jailbreak-demo",
            "gemmascope study jailbreak --requests requests.txt --wrappers wrappers.txt --harmless harmless.txt --direction refusal-demo --sae demo-sae --out wrapped",
            "gemmascope study jailbreak --model google/gemma-2-2b-it --pairs jailbreaks.jsonl --harmless dolly.jsonl --direction refusal-2b --shield google/shieldgemma-2b --out jailbreak-2b --json"
        )
    {
        foreach (var option in (Option[])[_pairs, _requests, _wrappers, _harmless, _direction])
            Options.Add(option);
        _study = new StudyArguments(this);
        _microscope = new MicroscopeArguments(this, DictionaryUse.Named, MicroscopeOptions.DemoChat);
        foreach (var option in (Option[])[_shield, _limit, _heldOut, _tokens, _maxTokens, _features, _shuffles])
            Options.Add(option);
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = _study.Read(
            arguments,
            Defaults with
            {
                Pairs = arguments.GetValue(_pairs),
                Requests = arguments.GetValue(_requests),
                Wrappers = arguments.GetValue(_wrappers),
                Harmless = arguments.GetValue(_harmless)!,
                Direction = arguments.GetValue(_direction)!,
                Limit = arguments.GetValue(_limit),
                HeldOut = arguments.GetValue(_heldOut),
                RefusalTokens = arguments.GetValue(_tokens) ?? [],
                MaxTokens = arguments.GetValue(_maxTokens),
                Features = arguments.GetValue(_features),
                Shuffles = arguments.GetValue(_shuffles),
            }
        );
        options.Check();
        using var microscope = _microscope.Open(arguments, session);
        using var shield = MicroscopeArguments.OpenShield(arguments.GetValue(_shield), session);
        var result = session.Run(
            (progress, cancellationToken) => JailbreakStudyJob.RunAsync(microscope, options, shield, progress, cancellationToken)
        );
        return _study.Print(arguments, session, result, JailbreakStudyText.Write);
    }
}
