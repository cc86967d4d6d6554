using System.CommandLine;
using GemmaScope.Cli.Output;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Commands;

/// <summary>Studies what a chat model knows and what it says.</summary>
internal sealed class StudyKnowledgeCommand : GemmaScopeCommand
{
    private static readonly KnowledgeStudyJobOptions Defaults = new() { Out = "" };

    private readonly MicroscopeArguments _microscope;
    private readonly StudyArguments _study;
    private readonly Option<string[]> _statements = new("--statements")
    {
        Description = "True and false statements: a table or JSON lines with statement and label, and if there are topic, about, negated.",
        HelpName = "FILE",
        AllowMultipleArgumentsPerToken = true,
    };
    private readonly Option<string?> _facts = CommonOptions.File(
            "--facts",
            "Facts: a table or JSON lines with subject and object (or country and capital); statements are made of them too."
        ),
        _entities = CommonOptions.File(
            "--entities",
            "Names: a table or JSON lines with name, and if there are known and frequency; else facts decide what is known."
        ),
        _contrast = CommonOptions.File(
            "--contrast",
            "Texts that show a trait and that do not: JSON lines with text, trait and polarity, or text and label."
        );
    private readonly Option<string[]> _traits = new("--traits")
    {
        Description = "The traits of that file; default: all.",
        HelpName = "TRAIT",
        AllowMultipleArgumentsPerToken = true,
    };
    private readonly Option<string> _question = CommonOptions.Words("--question", "TEXT", "Asked before a statement.", Defaults.Question),
        _yes = CommonOptions.Words("--yes", "WORD", "The answer that means true, a token.", Defaults.Yes),
        _no = CommonOptions.Words("--no", "WORD", "The answer that means false.", Defaults.No),
        _entityQuestion = CommonOptions.Words("--entity-question", "TEXT", "Asked before a name.", Defaults.EntityQuestion);
    private readonly Option<int> _knownRank = CommonOptions.Number(
            "--known-rank",
            "N",
            "A fact is known if its answer is among so many of all answers.",
            Defaults.KnownRank
        ),
        _permutations = CommonOptions.Number("--permutations", "N", "Shuffles of labels of each style.", Defaults.Permutations),
        _features = CommonOptions.Number("--features", "N", "Features of each dictionary on either side.", Defaults.Features),
        _controls = CommonOptions.Number("--controls", "N", "Random directions, and sets of features, beside each.", Defaults.Controls),
        _maxTokens = CommonOptions.Number("--max-tokens", "N", "Tokens of a reply about a name; 0 for none.", Defaults.MaxTokens);
    private readonly Option<double> _confidence = CommonOptions.Real(
        "--confidence",
        "P",
        "How sure the probe has to be of a statement that is compared, from 0.5.",
        Defaults.Confidence
    );

    public StudyKnowledgeCommand()
        : base(
            "knowledge",
            "What a chat model knows and what it says: probes of truth, facts, known and unknown names, traits under changes of style.",
            "gemmascope study knowledge --statements statements.csv --out knowledge-demo",
            "gemmascope study knowledge --facts country-capital.jsonl --entities names.jsonl --sae demo-sae --out names-demo",
            "gemmascope study knowledge --contrast traits.jsonl.gz --traits deception eval_awareness --out traits-demo --json"
        )
    {
        foreach (var option in (Option[])[_statements, _facts, _entities, _contrast])
            Options.Add(option);
        _study = new StudyArguments(this);
        _microscope = new MicroscopeArguments(this, DictionaryUse.Named, MicroscopeOptions.DemoChat);
        foreach (
            var option in (Option[])
                [_traits, _question, _yes, _no, _confidence, _knownRank, _entityQuestion, _permutations, _features, _controls, _maxTokens]
        )
            Options.Add(option);
    }

    public override int Run(ParseResult arguments, Session session)
    {
        var options = _study.Read(
            arguments,
            Defaults with
            {
                Statements = arguments.GetValue(_statements) ?? [],
                Facts = arguments.GetValue(_facts),
                Entities = arguments.GetValue(_entities),
                Contrast = arguments.GetValue(_contrast),
                Traits = arguments.GetValue(_traits) ?? [],
                Question = arguments.GetValue(_question)!,
                Yes = arguments.GetValue(_yes)!,
                No = arguments.GetValue(_no)!,
                Confidence = arguments.GetValue(_confidence),
                KnownRank = arguments.GetValue(_knownRank),
                EntityQuestion = arguments.GetValue(_entityQuestion)!,
                Permutations = arguments.GetValue(_permutations),
                Features = arguments.GetValue(_features),
                Controls = arguments.GetValue(_controls),
                MaxTokens = arguments.GetValue(_maxTokens),
            }
        );
        options.Check();
        using var microscope = _microscope.Open(arguments, session);
        var result = session.Run(
            (progress, cancellationToken) => KnowledgeStudyJob.RunAsync(microscope, options, progress, cancellationToken)
        );
        return _study.Print(arguments, session, result, KnowledgeStudyText.Write);
    }
}
