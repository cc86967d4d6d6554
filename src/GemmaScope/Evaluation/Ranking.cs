namespace GemmaScope.Evaluation;

/// <summary>How well scores rank positives above negatives, from one pass over the distinct scores, highest first.</summary>
/// <param name="Auroc">Mann-Whitney: the chance that a positive scores above a negative, ties counting ½; null with one class.</param>
/// <param name="AveragePrecision">Σ (R_k − R_{k−1}) P_k over distinct scores, without interpolation; null without positives.</param>
/// <param name="OptimalF1">The best F1 over thresholds that are scores; null without positives.</param>
/// <param name="OptimalThreshold">The largest threshold that reaches it.</param>
/// <param name="OptimalThresholds">How many thresholds reach it.</param>
public sealed record Ranking(double? Auroc, double? AveragePrecision, double? OptimalF1, double? OptimalThreshold, int OptimalThresholds)
{
    /// <summary>Ranks the rows by their scores.</summary>
    /// <param name="labels">Whether each row is a positive.</param>
    /// <param name="scores">Their scores.</param>
    /// <exception cref="ArgumentProblemException">There are not as many scores as labels, or one of them is NaN.</exception>
    public static Ranking Of(ReadOnlySpan<bool> labels, ReadOnlySpan<double> scores)
    {
        Check(labels, scores);
        var order = scores.ToArray();
        var sorted = labels.ToArray();
        Array.Sort(order, sorted);
        long positives = labels.Count(true),
            negatives = labels.Length - positives,
            hits = 0,
            flagged = 0,
            bestHits = 0,
            bestSize = 1;
        double above = 0,
            precision = 0;
        double? threshold = null;
        var tied = 0;
        for (var end = order.Length; end > 0; )
        {
            var start = end;
            long hitsHere = 0;
            while (start > 0 && order[start - 1] == order[end - 1])
                hitsHere += sorted[--start] ? 1 : 0;
            above += hitsHere * (negatives - (flagged - hits) - (end - start - hitsHere) / 2.0);
            (hits, flagged) = (hits + hitsHere, flagged + end - start);
            precision += (double)hitsHere * hits / flagged;
            // F1 = 2 hits / (flagged + positives), compared as fractions.
            var gain = hits * bestSize - bestHits * (flagged + positives);
            if (gain > 0)
                (bestHits, bestSize, threshold, tied) = (hits, flagged + positives, order[start], 1);
            else if (gain == 0)
                tied++;
            end = start;
        }
        return new Ranking(
            positives == 0 || negatives == 0 ? null : above / (positives * (double)negatives),
            positives == 0 ? null : precision / positives,
            positives == 0 ? null : 2.0 * bestHits / bestSize,
            positives == 0 ? null : threshold,
            positives == 0 ? 0 : tied
        );
    }

    /// <summary>AUROC alone.</summary>
    /// <inheritdoc cref="Of"/>
    public static double? AurocOf(ReadOnlySpan<bool> labels, ReadOnlySpan<double> scores) => Of(labels, scores).Auroc;

    internal static void Check(ReadOnlySpan<bool> labels, ReadOnlySpan<double> scores)
    {
        if (labels.Length != scores.Length)
            throw new ArgumentProblemException($"{scores.Length} scores for {labels.Length} labels", "scores");
        foreach (var score in scores)
            if (double.IsNaN(score))
                throw new ArgumentProblemException("a score is NaN and cannot be ranked", "scores");
    }
}
