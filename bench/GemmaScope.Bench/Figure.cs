namespace GemmaScope.Bench;

/// <summary>One measured figure and how it stands against its limit and its target.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Value">Median of the rounds.</param>
/// <param name="Unit">Unit of value and limit.</param>
public sealed record Figure(string Name, double Value, string Unit)
{
    /// <summary>Lower quartile of the rounds; null where there is no spread.</summary>
    public double? Low { get; init; }

    /// <summary>Upper quartile of the rounds.</summary>
    public double? High { get; init; }

    /// <summary>What it is compared with, measured in the same rounds or fixed; null if nothing.</summary>
    public string? LimitName { get; init; }

    /// <summary>Median of the limit.</summary>
    public double? Limit { get; init; }

    /// <summary>Median over the rounds of value / limit.</summary>
    public double? Ratio { get; init; }

    /// <summary>What the ratio has to be; null for a figure given for information.</summary>
    public double? Target { get; init; }

    /// <summary>Whether the target is an upper bound.</summary>
    public bool AtMost { get; init; }

    /// <summary>Whether the target was reached; null if there is none.</summary>
    public bool? Reached => Ratio is { } ratio && Target is { } target ? (AtMost ? ratio <= target : ratio >= target) : null;

    /// <summary>A figure without a limit.</summary>
    internal static Figure Of(string name, double[] values, string unit, double scale = 1) =>
        new(name, Median(values) / scale, unit) { Low = Quartile(values, 0.25) / scale, High = Quartile(values, 0.75) / scale };

    /// <summary>A rate against a limit of the same rounds.</summary>
    internal static Figure Against(
        string name,
        double[] rates,
        string unit,
        double scale,
        string limitName,
        double[] limits,
        double? target = null
    ) =>
        Of(name, rates, unit, scale) with
        {
            LimitName = limitName,
            Limit = Median(limits) / scale,
            Ratio = Median([.. rates.Zip(limits, (rate, limit) => rate / limit)]),
            Target = target,
        };

    /// <summary>A quantity that has to stay below a fixed limit.</summary>
    internal static Figure Below(string name, double[] values, string unit, string limitName, double limit) =>
        Of(name, values, unit) with
        {
            LimitName = limitName,
            Limit = limit,
            Ratio = Median(values) / limit,
            Target = 1,
            AtMost = true,
        };

    /// <summary>A quantity that has to reach a fixed limit.</summary>
    internal static Figure AtLeast(string name, double[] values, string unit, string limitName, double limit) =>
        Of(name, values, unit) with
        {
            LimitName = limitName,
            Limit = limit,
            Ratio = Median(values) / limit,
            Target = 1,
        };

    /// <summary>The value below which a share of the rounds lies, between two of them in proportion; null for fewer than three.</summary>
    private static double? Quartile(double[] values, double share)
    {
        if (values.Length < 3)
            return null;
        var sorted = values.Order().ToArray();
        var place = share * (sorted.Length - 1);
        var low = (int)place;
        return sorted[low] + (place - low) * (sorted[Math.Min(low + 1, sorted.Length - 1)] - sorted[low]);
    }

    private static double Median(double[] values)
    {
        var sorted = values.Order().ToArray();
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
