namespace GemmaScope.Evaluation;

/// <summary>Percentile intervals of the numbers of <see cref="ClassifierMetrics"/>; null where no resample defines the number.</summary>
/// <param name="Auroc">Of AUROC.</param>
/// <param name="AveragePrecision">Of the average precision.</param>
/// <param name="F1">Of F1 at ½.</param>
/// <param name="OptimalF1">Of the optimal F1, its threshold chosen anew in each resample.</param>
/// <param name="ExpectedError">Of the calibration error.</param>
public sealed record ClassifierIntervals(
    Interval? Auroc,
    Interval? AveragePrecision,
    Interval? F1,
    Interval? OptimalF1,
    Interval? ExpectedError
)
{
    /// <summary>Draws the rows again with replacement, and measures each draw. The same seed gives the same intervals.</summary>
    /// <param name="labels">Whether each row is a positive.</param>
    /// <param name="scores">Their scores.</param>
    /// <param name="resamples">How many draws.</param>
    /// <param name="seed">Seed of the draws.</param>
    /// <param name="level">The probability that an interval stands for.</param>
    /// <exception cref="ArgumentProblemException">Scores and labels do not fit together, or a setting is out of range.</exception>
    public static ClassifierIntervals Bootstrap(
        ReadOnlySpan<bool> labels,
        ReadOnlySpan<double> scores,
        int resamples = 1000,
        int seed = 0,
        double level = 0.95
    )
    {
        Ranking.Check(labels, scores);
        if (resamples < 1)
            throw new ArgumentProblemException($"is {resamples}; it must be 1 or more", "resamples");
        if (level is not (> 0 and < 1))
            throw new ArgumentProblemException($"is {level}; it must lie between 0 and 1", "level");
        var random = new Random(seed);
        var (drawnLabels, drawnScores) = (new bool[labels.Length], new double[labels.Length]);
        var found = Enumerable.Range(0, 5).Select(_ => new List<double>(resamples)).ToArray();
        for (var draw = 0; draw < resamples; draw++)
        {
            for (var i = 0; i < labels.Length; i++)
            {
                var row = random.Next(labels.Length);
                (drawnLabels[i], drawnScores[i]) = (labels[row], scores[row]);
            }
            var ranking = Ranking.Of(drawnLabels, drawnScores);
            Keep(0, ranking.Auroc);
            Keep(1, ranking.AveragePrecision);
            Keep(2, Confusion.At(drawnLabels, drawnScores, 0.5).F1);
            Keep(3, ranking.OptimalF1);
            Keep(4, Calibration.Of(drawnLabels, drawnScores).ExpectedError);
        }
        var ends = found.Select(values => Interval.Of(values, (1 - level) / 2)).ToArray();
        return new ClassifierIntervals(ends[0], ends[1], ends[2], ends[3], ends[4]);

        void Keep(int metric, double? value)
        {
            if (value is { } number)
                found[metric].Add(number);
        }
    }
}
