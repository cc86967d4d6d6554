using System.Globalization;
using System.Text.Json.Serialization;

namespace GemmaScope.Workbench.Html;

/// <summary>How the numbers of an axis are written.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<PlotScale>))]
public enum PlotScale
{
    /// <summary>As they are.</summary>
    Linear,

    /// <summary>They are decimal logarithms of shares, which are written as percentages.</summary>
    Share,

    /// <summary>They are decimal logarithms; the numbers themselves are written.</summary>
    Log,

    /// <summary>They are roots, so that rare things are seen beside frequent ones; their squares are written.</summary>
    Root,
}

/// <summary>An axis with ticks at the multiples of a round step.</summary>
/// <param name="Label">What it shows.</param>
/// <param name="Scale">How its numbers are written.</param>
/// <param name="Domain">Where it begins and ends.</param>
/// <param name="Ticks">Where numbers stand.</param>
public sealed record PlotAxis(string Label, PlotScale Scale, double[] Domain, double[] Ticks)
{
    private const int WantedTicks = 5,
        Significant = 4,
        MostDigits = 9;

    private const double Tiny = 1e-3,
        Grouped = 1e4,
        Huge = 1e7;

    /// <summary>An axis with round ends around values.</summary>
    public static PlotAxis Around(string label, PlotScale scale, IEnumerable<double> values)
    {
        var (low, high) = (values.Min(), values.Max());
        // What is always the same stands in the middle; what is always nothing on the ground, since few things are less than nothing.
        if (low == high)
            (low, high) = low == 0 ? (0, 1) : (low - Math.Abs(low) / 10, high + Math.Abs(high) / 10);
        var step = RoundStep(high - low, scale);
        return Of(label, scale, Math.Floor(low / step) * step, Math.Ceiling(high / step) * step, step);
    }

    /// <summary>An axis that ends where the data end.</summary>
    public static PlotAxis Within(string label, PlotScale scale, double low, double high) =>
        low < high ? Of(label, scale, low, high, RoundStep(high - low, scale)) : Around(label, scale, [low]);

    /// <summary>The share of the axis that lies before a value.</summary>
    public double Place(double value) => (value - Domain[0]) / (Domain[1] - Domain[0]);

    /// <summary>A value as it is written: with as many digits as tell neighbouring ticks apart.</summary>
    public string Write(double value) =>
        Scale switch
        {
            PlotScale.Share => Number(100 * Math.Pow(10, value), Significant) + " %",
            PlotScale.Root => Number(value * value, Significant),
            PlotScale.Log => Number(Math.Pow(10, value), Significant),
            _ => Number(value, DigitsOf(value)),
        };

    /// <summary>A number to so many significant digits; thousands are set apart, and what is tiny or huge has an exponent.</summary>
    private static string Number(double value, int digits)
    {
        if (value == 0 || !double.IsFinite(value))
            return value == 0 ? "0" : "–";
        var invariant = CultureInfo.InvariantCulture;
        var rounded = Digits.Significant(value, digits);
        return Math.Abs(rounded) switch
        {
            < Tiny or >= Huge => rounded.ToString($"0.{new string('#', digits - 1)}e-0", invariant),
            < Grouped => rounded.ToString("0.#########", invariant),
            _ => rounded.ToString("#,0.###", invariant),
        };
    }

    // From the first digit of the value to the first one of the distance between two ticks, and one more for what lies between them.
    private int DigitsOf(double value)
    {
        if (value == 0 || Ticks.Length < 2)
            return Significant;
        var distance = Math.Abs(Ticks[1] - Ticks[0]);
        return Math.Clamp((int)(Math.Floor(Math.Log10(Math.Abs(value))) - Math.Floor(Math.Log10(distance) + 1e-9)) + 2, 1, MostDigits);
    }

    private static PlotAxis Of(string label, PlotScale scale, double low, double high, double step)
    {
        var (first, last) = (Math.Ceiling(low / step - 1e-9), Math.Floor(high / step + 1e-9));
        // Adding 0 makes a zero of -0.
        return new(label, scale, [low, high], [.. Enumerable.Range(0, (int)(last - first) + 1).Select(i => (first + i) * step + 0.0)]);
    }

    private static double RoundStep(double span, PlotScale scale)
    {
        var rough = span / WantedTicks;
        var unit = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        var step =
            rough <= unit ? unit
            : rough <= 2 * unit ? 2 * unit
            : rough <= 5 * unit ? 5 * unit
            : 10 * unit;
        // Between whole powers of ten stands no round number.
        return scale is PlotScale.Share or PlotScale.Log ? Math.Max(1, step) : step;
    }
}
