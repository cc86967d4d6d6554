namespace GemmaScope.Evaluation;

/// <summary>A mean, and where it would lie with a given probability if other cases had been drawn.</summary>
/// <param name="Count">Number of cases.</param>
/// <param name="Mean">Their mean.</param>
/// <param name="Low">Lower end of its percentile interval.</param>
/// <param name="High">Upper end.</param>
public sealed record MeanEstimate(int Count, double Mean, double Low, double High)
{
    /// <summary>Draws the cases again with replacement. The same seed gives the same interval; null where there is no case, and of one
    /// case the interval is the case.</summary>
    /// <param name="values">One value a case.</param>
    /// <param name="resamples">How many draws, from 1.</param>
    /// <param name="seed">Seed of the draws.</param>
    /// <param name="level">The probability that the interval stands for, between 0 and 1.</param>
    /// <exception cref="ArgumentProblemException">A setting is out of range.</exception>
    public static MeanEstimate? Of(IReadOnlyList<double> values, int resamples = 1000, int seed = 0, double level = 0.95)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (resamples < 1)
            throw new ArgumentProblemException($"is {resamples}; it must be 1 or more", "resamples");
        if (level is not (> 0 and < 1))
            throw new ArgumentProblemException($"is {level}; it must lie between 0 and 1", "level");
        if (values.Count == 0)
            return null;
        var interval = Interval.OfMean(values, resamples, seed, level)!.Value;
        return new(values.Count, values.Average(), interval.Low, interval.High);
    }
}
