namespace GemmaScope.Evaluation;

/// <summary>Counts of decisions; ratios whose denominator is 0 are null.</summary>
/// <param name="TruePositives">Positives that were flagged.</param>
/// <param name="FalsePositives">Negatives that were flagged.</param>
/// <param name="FalseNegatives">Positives that were not.</param>
/// <param name="TrueNegatives">Negatives that were not.</param>
public sealed record Confusion(int TruePositives, int FalsePositives, int FalseNegatives, int TrueNegatives)
{
    /// <summary>TP / (TP + FP); null where nothing was flagged.</summary>
    public double? Precision => Ratio(TruePositives, TruePositives + FalsePositives);

    /// <summary>TP / (TP + FN); null without positives.</summary>
    public double? Recall => Ratio(TruePositives, TruePositives + FalseNegatives);

    /// <summary>2 TP / (2 TP + FP + FN); null without positives where nothing was flagged either.</summary>
    public double? F1 => Ratio(2 * TruePositives, 2 * TruePositives + FalsePositives + FalseNegatives);

    /// <summary>Share of right decisions; null without rows.</summary>
    public double? Accuracy => Ratio(TruePositives + TrueNegatives, TruePositives + FalsePositives + FalseNegatives + TrueNegatives);

    /// <summary>TN / (TN + FP), the recall of the negatives; null without negatives.</summary>
    public double? TrueNegativeRate => Ratio(TrueNegatives, TrueNegatives + FalsePositives);

    /// <summary>Mean of the two classes' recalls; null with one class.</summary>
    public double? BalancedAccuracy => (Recall + TrueNegativeRate) / 2;

    /// <summary>Counts the decisions "score ≥ threshold".</summary>
    public static Confusion At(ReadOnlySpan<bool> labels, ReadOnlySpan<double> scores, double threshold)
    {
        Span<int> counts = stackalloc int[4];
        for (var i = 0; i < labels.Length; i++)
            counts[(labels[i] ? 2 : 0) + (scores[i] >= threshold ? 1 : 0)]++;
        return new Confusion(counts[3], counts[1], counts[2], counts[0]);
    }

    private static double? Ratio(int part, int whole) => whole == 0 ? null : (double)part / whole;
}
