namespace GemmaScope.Evaluation;

/// <summary>Where scores without a natural zero are cut: the threshold that decides most training rows rightly.</summary>
public static class ScoreThreshold
{
    /// <summary>The threshold t of the rule "score ≥ t" that is right most often; between two scores the middle, of equally good ones the
    /// largest.</summary>
    /// <param name="labels">Whether each row is a positive.</param>
    /// <param name="scores">Their scores.</param>
    public static double Fit(ReadOnlySpan<bool> labels, ReadOnlySpan<double> scores)
    {
        Ranking.Check(labels, scores);
        if (labels.Length == 0)
            throw new ArgumentProblemException("there are no rows to fit a threshold on", "scores");
        var order = scores.ToArray();
        var sorted = labels.ToArray();
        Array.Sort(order, sorted);
        // Above all scores everything is called negative.
        var right = labels.Count(false);
        var (best, threshold) = (right, double.PositiveInfinity);
        for (var i = order.Length - 1; i >= 0; i--)
        {
            right += sorted[i] ? 1 : -1;
            if ((i > 0 && order[i - 1] == order[i]) || right <= best)
                continue;
            (best, threshold) = (right, i > 0 ? order[i - 1] + (order[i] - order[i - 1]) / 2 : order[i]);
        }
        return threshold;
    }
}
