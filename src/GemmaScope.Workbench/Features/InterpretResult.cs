using System.Text.Json.Serialization;
using GemmaScope.Evaluation;
using GemmaScope.Features.Exchange;
using GemmaScope.Features.Interpretation;
using GemmaScope.Store;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="InterpretJob"/> did, with what earlier runs with the same options had done.</summary>
public sealed record InterpretResult
{
    /// <summary>The model's name.</summary>
    public required string Model { get; init; }

    /// <summary>The dictionary's name in the database.</summary>
    public required string Dictionary { get; init; }

    /// <summary>Who explains.</summary>
    public required string Author { get; init; }

    /// <summary>How.</summary>
    public required string Method { get; init; }

    /// <summary>Tokens of a passage of the held-out text.</summary>
    public int Window { get; init; }

    /// <summary>Passages that could be asked about.</summary>
    public int Passages { get; init; }

    /// <summary>Passages that were left out because the dashboards show them.</summary>
    public int PassagesLeftOut { get; init; }

    /// <summary>Rows of the held-out text that were left out because they cannot be read.</summary>
    public long SkippedRows { get; init; }

    /// <summary>Features that never fire.</summary>
    public int Dead { get; init; }

    /// <summary>Whether the budget of requests ended the run.</summary>
    public bool BudgetUsedUp { get; init; }

    /// <summary>All features that were asked for, fire, and were come to.</summary>
    public IReadOnlyList<InterpretedFeature> Features { get; init; } = [];

    /// <summary>Balanced accuracy of detection over the features.</summary>
    public InterpretationSummary Detection => Summary(Features, one => one.Detection);

    /// <summary>Balanced accuracy of fuzzing over the features.</summary>
    public InterpretationSummary Fuzzing => Summary(Features, one => one.Fuzzing);

    /// <summary>Rules by their kind, the most frequent first; none where a language model explains.</summary>
    public IReadOnlyList<InterpretedKind> Kinds =>
        !ByRules
            ? []
            :
            [
                .. Enum.GetValues<RuleKind>()
                    .Select(TokenRule.NameOf)
                    .Select(kind => (Kind: kind, Features: Features.Where(one => one.IsOf(kind)).ToArray()))
                    .Where(one => one.Features.Length > 0)
                    .OrderByDescending(one => one.Features.Length)
                    .Select(one => new InterpretedKind(
                        one.Kind,
                        one.Features.Length,
                        Summary(one.Features, feature => feature.Detection).Mean,
                        Summary(one.Features, feature => feature.Fuzzing).Mean
                    )),
            ];

    /// <summary>Requests to language models, repeated ones included.</summary>
    public int Requests { get; init; }

    /// <summary>Requests to endpoints that were repeated.</summary>
    public int Retries { get; init; }

    /// <summary>Tokens that endpoints counted.</summary>
    public long Tokens { get; init; }

    /// <summary>Answers of endpoints that were no answer.</summary>
    public int UnreadableAnswers { get; init; }

    /// <summary>Decisions of the judge that could not be read.</summary>
    public int UnreadableDecisions => Features.Sum(one => one.UnreadableDecisions);

    /// <summary>How long it took.</summary>
    public double Seconds { get; init; }

    /// <summary>Whether labels are rules about tokens.</summary>
    [JsonIgnore]
    public bool ByRules { get; init; }

    /// <summary>Whether language models were there to be asked.</summary>
    [JsonIgnore]
    public bool Asked { get; init; }

    /// <summary>Features without a label, for this reason.</summary>
    public int Without(MissingLabel missing) => Features.Count(one => one.Missing == missing);

    private static InterpretationSummary Summary(IEnumerable<InterpretedFeature> features, Func<InterpretedFeature, double?> score) =>
        InterpretationSummary.Of([.. features.Select(one => (one.Density, score(one)))]);
}

/// <summary>Why a feature has no label.</summary>
public enum MissingLabel
{
    /// <summary>It fires in too few passages.</summary>
    Rare,

    /// <summary>Nothing was found that explains it.</summary>
    Unexplained,

    /// <summary>Most answers of the judge could not be read.</summary>
    Unjudged,
}

/// <summary>What became of a feature.</summary>
public sealed record InterpretedFeature
{
    internal InterpretedFeature(FeatureRow row, FeatureLabel? label, MissingLabel? missing = null, int unread = 0, bool isNew = true) =>
        (Feature, Density, IsNew, Label, Missing, UnreadableDecisions) = (row.Feature, row.Density, isNew, label, missing, unread);

    /// <summary>Its index.</summary>
    public int Feature { get; }

    /// <summary>Share of the counted positions where it fires.</summary>
    public double Density { get; }

    /// <summary>Whether the label was made now.</summary>
    [JsonPropertyName("new")]
    public bool IsNew { get; }

    /// <summary>What the label says, or null.</summary>
    [JsonPropertyName("label")]
    public string? Text => Label?.Text;

    /// <summary>Why there is no label; null where there is one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public MissingLabel? Missing { get; }

    /// <summary>Balanced accuracy of detection, or null.</summary>
    public double? Detection => Label?.Score;

    /// <summary>Balanced accuracy of fuzzing, or null.</summary>
    public double? Fuzzing => Label?.Fuzzing;

    /// <summary>Decisions of the judge that could not be read.</summary>
    public int UnreadableDecisions { get; }

    /// <summary>The label with all that is known of it, or null.</summary>
    [JsonIgnore]
    public FeatureLabel? Label { get; }

    /// <summary>Whether the label is a rule of this kind.</summary>
    internal bool IsOf(string kind) => Text?.StartsWith(kind + ":", StringComparison.Ordinal) == true;
}

/// <summary>Rules of one kind.</summary>
/// <param name="Kind">The kind's name.</param>
/// <param name="Features">Features that are explained so.</param>
/// <param name="Detection">Mean balanced accuracy of detection, or null.</param>
/// <param name="Fuzzing">Mean balanced accuracy of fuzzing, or null.</param>
public sealed record InterpretedKind(string Kind, int Features, double? Detection, double? Fuzzing);

/// <summary>A label is made, and in the database.</summary>
/// <param name="Feature">The feature.</param>
public sealed record FeatureInterpreted(InterpretedFeature Feature) : JobReport;
