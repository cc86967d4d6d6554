using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Studies who a chat model is.</summary>
internal sealed class StudyPersonaCommand : GemmaScopeCommand
{
    private static readonly PersonaStudyJobOptions Defaults = new() { Out = "" };

    private readonly MicroscopeArguments _microscope;
    private readonly StudyArguments _study;
    private readonly Option<string?> _roles = Set(
            "--roles",
            "Roles to play: JSON lines with name, instruction and, where the model is itself, default."
        ),
        _questions = Set("--questions", "Questions that anybody may ask: text with one a line, or JSON lines."),
        _traits = Set(
            "--traits",
            "Traits: JSON lines with trait, positive and negative (instructions), or trait, polarity and text (openings)."
        ),
        _conversation = Set("--conversation", "Conversations along which is projected: JSON lines with messages.");
    private readonly Option<string[]> _trait = new("--trait")
    {
        Description = "Which traits of the file; may be repeated. Default: the first ones.",
        HelpName = "NAME",
        AllowMultipleArgumentsPerToken = true,
    };
    private readonly Option<int> _train = CommonOptions.Number(
            "--train",
            "N",
            "Questions, or openings of each side, that directions are made from, at most.",
            Defaults.Train
        ),
        _validation = CommonOptions.Number("--validation", "N", "Those that choose a layer, at most.", Defaults.Validation),
        _test = CommonOptions.Number("--test", "N", "Those that results are measured on, at most.", Defaults.Test),
        _maxRoles = CommonOptions.Number("--max-roles", "N", "Roles at most, half of which make the axis.", Defaults.MaxRoles),
        _maxTraits = CommonOptions.Number("--max-traits", "N", "Traits at most; 0 for none.", Defaults.MaxTraits),
        _controls = CommonOptions.Number("--controls", "N", "Random directions beside each.", Defaults.Controls),
        _maxTokens = CommonOptions.Number("--max-tokens", "N", "Tokens of a reply.", Defaults.MaxTokens);
    private readonly Option<double> _quantile = CommonOptions.Share(
            "--cap-quantile",
            "The share of the default's tokens that lie below the cap's floor.",
            Defaults.CapQuantile
        ),
        _capFrom = CommonOptions.Share("--cap-from", "The cap acts on layers from this share of the depth on.", Defaults.CapFrom);
    private readonly Option<string> _strengths = CommonOptions.Numbers(
        "--strengths",
        "How often a trait's vector is added.",
        Defaults.Strengths
    );
    private readonly Option<string[]> _text = CommonOptions.Text("What cross-entropy is measured on. ");
    private readonly Option<long> _textTokens = CommonOptions.TextTokens(Defaults.Text.Tokens);

    public StudyPersonaCommand()
        : base(
            "persona",
            "Who a chat model is: the axis from roles to its default, a cap along it, vectors of traits and what adding them does, beside controls.",
            "gemmascope study persona --out persona-demo",
            "gemmascope study persona --model google/gemma-3-4b-it --roles roles.jsonl --questions questions.txt --out persona-4b",
            "gemmascope study persona --traits trait-contrast.jsonl.gz --trait hum/formality --out formality --json"
        )
    {
        _study = new StudyArguments(this);
        _microscope = new MicroscopeArguments(this, DictionaryUse.None, MicroscopeOptions.DemoChat);
        foreach (
            var option in (Option[])
                [
                    _roles,
                    _questions,
                    _traits,
                    _trait,
                    _conversation,
                    _train,
                    _validation,
                    _test,
                    _maxRoles,
                    _maxTraits,
                    _quantile,
                    _capFrom,
                    _strengths,
                    _controls,
                    _maxTokens,
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
                Roles = arguments.GetValue(_roles),
                Questions = arguments.GetValue(_questions),
                Traits = arguments.GetValue(_traits),
                Trait = arguments.GetValue(_trait) ?? [],
                Conversation = arguments.GetValue(_conversation),
                Train = arguments.GetValue(_train),
                Validation = arguments.GetValue(_validation),
                Test = arguments.GetValue(_test),
                MaxRoles = arguments.GetValue(_maxRoles),
                MaxTraits = arguments.GetValue(_maxTraits),
                CapQuantile = arguments.GetValue(_quantile),
                CapFrom = arguments.GetValue(_capFrom),
                Strengths = Quantity.Numbers(arguments.GetValue(_strengths)!, _strengths.Name),
                Controls = arguments.GetValue(_controls),
                MaxTokens = arguments.GetValue(_maxTokens),
                Text = Defaults.Text with { Text = arguments.GetValue(_text)!, Tokens = arguments.GetValue(_textTokens) },
            }
        );
        options.Check();
        using var microscope = _microscope.Open(arguments, session);
        var result = session.Run((progress, stop) => PersonaStudyJob.RunAsync(microscope, options, progress, stop));
        return _study.Print(arguments, session, result, PersonaStudyText.Write);
    }

    private static Option<string?> Set(string name, string what) =>
        new(name) { Description = $"{what} Default: our own few.", HelpName = "FILE" };
}
