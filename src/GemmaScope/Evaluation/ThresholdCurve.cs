namespace GemmaScope.Evaluation;

/// <summary>What a threshold brings about: rows with a score of at least this are flagged.</summary>
/// <param name="Threshold">The threshold, one of the scores.</param>
/// <param name="Decisions">The counts.</param>
public readonly record struct ThresholdPoint(double Threshold, Confusion Decisions);

/// <summary>The decisions at every distinct score, highest first: the points of the precision-recall and the ROC curve.</summary>
public static class ThresholdCurve
{
    /// <summary>The points.</summary>
    /// <param name="labels">Whether each row is a positive.</param>
    /// <param name="scores">Their scores.</param>
    /// <exception cref="ArgumentProblemException">There are not as many scores as labels, or one of them is NaN.</exception>
    public static IReadOnlyList<ThresholdPoint> Of(ReadOnlySpan<bool> labels, ReadOnlySpan<double> scores)
    {
        Ranking.Check(labels, scores);
        var (order, sorted) = (scores.ToArray(), labels.ToArray());
        Array.Sort(order, sorted);
        var positives = labels.Count(true);
        var points = new List<ThresholdPoint>();
        var hits = 0;
        for (var i = order.Length - 1; i >= 0; i--)
        {
            if (sorted[i])
                hits++;
            if (i > 0 && order[i - 1] == order[i])
                continue;
            var flagged = order.Length - i;
            points.Add(new(order[i], new Confusion(hits, flagged - hits, positives - hits, order.Length - flagged - (positives - hits))));
        }
        return points;
    }
}
