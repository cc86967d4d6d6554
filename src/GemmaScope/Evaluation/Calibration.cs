namespace GemmaScope.Evaluation;

/// <summary>One of ten equal bins of scores between 0 and 1.</summary>
/// <param name="Bin">0 to 9.</param>
/// <param name="Count">Rows in it.</param>
/// <param name="MeanScore">Their mean score; null for none.</param>
/// <param name="FractionPositive">Their share of positives; null for none.</param>
public sealed record CalibrationBin(int Bin, int Count, double? MeanScore, double? FractionPositive);

/// <summary>Whether scores between 0 and 1 can be read as probabilities.</summary>
/// <param name="Bins">The ten bins; empty without rows or where scores are no probabilities.</param>
/// <param name="ExpectedError">ECE: Σ n_b / n |mean score − share of positives|; null where there are no bins.</param>
/// <param name="Brier">Mean (score − label)²; null without rows.</param>
public sealed record Calibration(IReadOnlyList<CalibrationBin> Bins, double? ExpectedError, double? Brier)
{
    private const int BinCount = 10;

    /// <summary>Bins the rows by score: min(9, ⌊10 s⌋).</summary>
    public static Calibration Of(ReadOnlySpan<bool> labels, ReadOnlySpan<double> scores)
    {
        Ranking.Check(labels, scores);
        var (counts, positives) = (new int[BinCount], new int[BinCount]);
        var sums = new double[BinCount];
        var squares = 0.0;
        var probabilities = labels.Length > 0;
        for (var i = 0; i < labels.Length; i++)
        {
            squares += Math.Pow(scores[i] - (labels[i] ? 1 : 0), 2);
            probabilities &= scores[i] is >= 0 and <= 1;
            if (!probabilities)
                continue;
            var bin = Math.Min(BinCount - 1, (int)(BinCount * scores[i]));
            counts[bin]++;
            sums[bin] += scores[i];
            positives[bin] += labels[i] ? 1 : 0;
        }
        double? brier = labels.Length == 0 ? null : squares / labels.Length;
        if (!probabilities)
            return new Calibration([], null, brier);
        CalibrationBin[] bins =
        [
            .. Enumerable
                .Range(0, BinCount)
                .Select(b =>
                    counts[b] == 0
                        ? new CalibrationBin(b, 0, null, null)
                        : new CalibrationBin(b, counts[b], sums[b] / counts[b], (double)positives[b] / counts[b])
                ),
        ];
        var rows = labels.Length;
        return new Calibration(
            bins,
            bins.Sum(bin => bin.Count == 0 ? 0 : (double)bin.Count / rows * Math.Abs(bin.MeanScore!.Value - bin.FractionPositive!.Value)),
            brier
        );
    }

    /// <summary>The same of the decision "score ≥ ½": how sure it was, max(s, 1 − s), against whether it was right.</summary>
    public static Calibration OfDecision(ReadOnlySpan<bool> labels, ReadOnlySpan<double> scores)
    {
        var (right, sure) = (new bool[labels.Length], new double[labels.Length]);
        for (var i = 0; i < labels.Length; i++)
            (right[i], sure[i]) = (labels[i] == scores[i] >= 0.5, Math.Max(scores[i], 1 - scores[i]));
        return Of(right, sure);
    }
}
