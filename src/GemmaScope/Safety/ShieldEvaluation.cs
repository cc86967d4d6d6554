using GemmaScope.Evaluation;

namespace GemmaScope.Safety;

/// <summary>How well scores of a policy, or of all combined, tell violations from the rest.</summary>
/// <param name="Name">The policy's key, or "combined".</param>
/// <param name="Labels">Whether each row violates it.</param>
/// <param name="Scores">The rows' probabilities.</param>
/// <param name="Metrics">The numbers.</param>
/// <param name="Intervals">Their bootstrap intervals.</param>
public sealed record ShieldEvaluationPart(
    string Name,
    IReadOnlyList<bool> Labels,
    IReadOnlyList<double> Scores,
    ClassifierMetrics Metrics,
    ClassifierIntervals Intervals
);

/// <summary>ShieldGemma's scores held against labels: each policy by itself, and the largest score against "violates any".</summary>
public sealed class ShieldEvaluation
{
    /// <summary>The name of the combination of all policies.</summary>
    public const string Combined = "combined";

    private readonly Dictionary<string, (List<bool> Labels, List<double> Scores)> _rows = [];

    /// <summary>Rows taken in.</summary>
    public int Rows { get; private set; }

    /// <summary>Which of the policies a row must be asked about: those with a label. What is not known counts nowhere.</summary>
    public static IReadOnlyList<ShieldPolicy> Labelled(LabelledQuestion row, IReadOnlyList<ShieldPolicy> policies) =>
        [.. policies.Where(policy => row.Labels.ContainsKey(policy.Key))];

    /// <summary>Takes in a row that was asked about its labelled policies.</summary>
    public void Add(LabelledQuestion row, ShieldVerdict verdict)
    {
        foreach (var score in verdict.Scores)
            Add(score.Policy.Key, row.Labels[score.Policy.Key], score.Probability);
        Add(Combined, verdict.Scores.Any(score => row.Labels[score.Policy.Key]), verdict.Probability);
        Rows++;
    }

    /// <summary>The numbers of each policy in the order it came up, and of all combined, which is last.</summary>
    /// <param name="resamples">Draws of the bootstrap.</param>
    /// <param name="seed">Its seed.</param>
    public IReadOnlyList<ShieldEvaluationPart> Measure(int resamples = 1000, int seed = 0) =>
        [
            .. _rows
                .OrderBy(part => part.Key == Combined)
                .Select(part =>
                {
                    var (labels, scores) = (part.Value.Labels.ToArray(), part.Value.Scores.ToArray());
                    return new ShieldEvaluationPart(
                        part.Key,
                        labels,
                        scores,
                        ClassifierMetrics.Of(labels, scores),
                        ClassifierIntervals.Bootstrap(labels, scores, resamples, seed)
                    );
                }),
        ];

    private void Add(string name, bool label, double score)
    {
        if (!_rows.TryGetValue(name, out var rows))
            _rows[name] = rows = ([], []);
        rows.Labels.Add(label);
        rows.Scores.Add(score);
    }
}
