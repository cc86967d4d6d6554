using GemmaScope.Evaluation;
using GemmaScope.Features.Exchange;
using GemmaScope.Features.Interpretation;
using GemmaScope.Store;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Interpretation;

/// <summary>What became of a feature.</summary>
/// <param name="Row">The feature.</param>
/// <param name="Label">Its label with scores, or null.</param>
/// <param name="Missing">Why there is none.</param>
/// <param name="Unparsed">Decisions of the judge that could not be read.</param>
/// <param name="IsNew">Whether it was made now.</param>
internal sealed record InterpretedFeature(FeatureRow Row, FeatureLabel? Label, string? Missing, int Unparsed = 0, bool IsNew = true);

/// <summary>What a run of the command did, with what earlier runs of the same command had done.</summary>
/// <param name="Dictionary">The dictionary.</param>
/// <param name="Author">Who explains.</param>
/// <param name="Method">How.</param>
/// <param name="Text">The held-out text.</param>
/// <param name="Dead">Features that never fire.</param>
/// <param name="ByRules">Whether labels are rules about tokens.</param>
internal sealed record InterpretationReport(
    StoredDictionary Dictionary,
    string Author,
    string Method,
    HeldOutText Text,
    int Dead,
    bool ByRules
)
{
    /// <summary>Why a feature has no label: it fires in too few passages, nothing was found that explains it, or most answers of the judge
    /// could not be read.</summary>
    public const string Rare = "rare",
        Unexplained = "unexplained",
        Unjudged = "unjudged";

    private readonly List<InterpretedFeature> _features = [];

    /// <summary>All features that were asked for and fire.</summary>
    public IReadOnlyList<InterpretedFeature> Features => _features;

    /// <summary>Whether the budget of requests ended the run.</summary>
    public bool Stopped { get; set; }

    public double Seconds { get; init; }

    public int Requests { get; init; }

    public IReadOnlyList<ChatEndpoint> Endpoints { get; init; } = [];

    public InterpretationSummary Detection => Summary(label => label.Score);

    public InterpretationSummary Fuzzing => Summary(label => label.Fuzzing);

    /// <summary>Labels by the kind of their rule, the most frequent first.</summary>
    public IReadOnlyList<(string Kind, InterpretationSummary Detection, InterpretationSummary Fuzzing)> Kinds =>
        !ByRules
            ? []
            :
            [
                .. Enum.GetValues<RuleKind>()
                    .Select(TokenRule.NameOf)
                    .Select(kind =>
                        (
                            kind,
                            Features: _features
                                .Where(one => one.Label?.Text.StartsWith(kind + ":", StringComparison.Ordinal) == true)
                                .ToArray()
                        )
                    )
                    .Where(one => one.Features.Length > 0)
                    .OrderByDescending(one => one.Features.Length)
                    .Select(one => (one.kind, Summary(one.Features, label => label.Score), Summary(one.Features, label => label.Fuzzing))),
            ];

    public void Add(InterpretedFeature feature) => _features.Add(feature);

    /// <summary>Features without a label, for this reason.</summary>
    public int Without(string missing) => _features.Count(one => one.Missing == missing);

    private InterpretationSummary Summary(Func<FeatureLabel, double?> score) => Summary(_features, score);

    private static InterpretationSummary Summary(IEnumerable<InterpretedFeature> features, Func<FeatureLabel, double?> score) =>
        InterpretationSummary.Of([.. features.Select(one => (one.Row.Density, one.Label is { } label ? score(label) : null))]);
}
