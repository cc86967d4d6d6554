using System.Globalization;
using GemmaScope.Numerics;
using GemmaScope.Text;

namespace GemmaScope.Cli.Output;

/// <summary>How numbers are written for people.</summary>
internal static class Format
{
    private static readonly string[] Units = ["bytes", "KiB", "MiB", "GiB", "TiB"];

    public static string Bytes(long bytes)
    {
        double value = bytes;
        var unit = 0;
        for (; value >= 1024 && unit < Units.Length - 1; unit++)
            value /= 1024;
        return unit == 0 ? $"{bytes} bytes" : $"{value:0.0} {Units[unit]}";
    }

    /// <summary>8.0 M, 2.6 B: as model sizes are named.</summary>
    public static string Count(long count) =>
        count switch
        {
            >= 1_000_000_000 => $"{count / 1e9:0.0} B",
            >= 1_000_000 => $"{count / 1e6:0.0} M",
            >= 10_000 => $"{count / 1e3:0.0} k",
            _ => $"{count}",
        };

    /// <summary>A quantity that some texts do not have: the mean of no token.</summary>
    public static string Defined(double? value, string format) =>
        value is { } number ? number.ToString(format, CultureInfo.InvariantCulture) : "undefined";

    public static string Shape(IEnumerable<long> shape) => $"[{string.Join(", ", shape)}]";

    /// <summary>A text on one line, in quotes so that spaces at its ends are seen.</summary>
    public static string Quoted(string text) => $"\"{VisibleText.Line(text)}\"";

    public static string Arithmetic(Arithmetic arithmetic) => arithmetic == Numerics.Arithmetic.Fast ? "fast" : "exact";
}
