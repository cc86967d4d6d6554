namespace GemmaScope.Evaluation;

/// <summary>Where a number would lie, with a given probability, if other rows had been drawn.</summary>
/// <param name="Low">The lower end.</param>
/// <param name="High">The upper end.</param>
public readonly record struct Interval(double Low, double High)
{
    /// <summary>The percentile bootstrap of a mean: values are drawn again with replacement. The same seed gives the same
    /// interval.</summary>
    /// <param name="values">The values.</param>
    /// <param name="resamples">How many draws.</param>
    /// <param name="seed">Seed of the draws.</param>
    /// <param name="level">The probability that it stands for.</param>
    /// <returns>Null without a value.</returns>
    public static Interval? OfMean(IReadOnlyList<double> values, int resamples = 1000, int seed = 0, double level = 0.95)
    {
        if (values.Count == 0)
            return null;
        var random = new Random(seed);
        List<double> means = new(resamples);
        for (var draw = 0; draw < resamples; draw++)
        {
            double sum = 0;
            for (var i = 0; i < values.Count; i++)
                sum += values[random.Next(values.Count)];
            means.Add(sum / values.Count);
        }
        return Of(means, (1 - level) / 2);
    }

    /// <summary>What is left of some draws when a tail is cut off at both ends; null without any.</summary>
    internal static Interval? Of(List<double> draws, double tail)
    {
        if (draws.Count == 0)
            return null;
        draws.Sort();
        return new Interval(At(tail), At(1 - tail));

        // Between two neighbours in proportion.
        double At(double share)
        {
            var place = share * (draws.Count - 1);
            var below = (int)place;
            return below + 1 < draws.Count ? draws[below] + (place - below) * (draws[below + 1] - draws[below]) : draws[below];
        }
    }
}
