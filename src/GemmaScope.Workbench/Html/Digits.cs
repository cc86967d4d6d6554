using System.Globalization;

namespace GemmaScope.Workbench.Html;

/// <summary>Numbers with as many digits as mean something: a share of 28.784 % was counted on some text, and on another it is 28 or
/// 30.</summary>
public static class Digits
{
    private const string Undefined = "–";

    /// <summary>A share as a percentage of two significant digits: <c>29 %</c>, <c>2.9 %</c>, <c>0.029 %</c>; three near the whole,
    /// so that almost all is not all.</summary>
    public static string Percent(double share)
    {
        if (!double.IsFinite(share))
            return Undefined;
        var percent = 100 * share;
        var digits = Math.Abs(percent) is >= 99 and < 100 ? 3 : 2;
        var written = Significant(percent, digits);
        // 99.96 % with three digits would be all.
        return (written == 100 && percent < 100 ? "99.9" : Plain(written)) + " %";
    }

    /// <summary>A number of three significant digits, or all before the point where there are more: <c>0.0606</c>, <c>0.320</c>,
    /// <c>35.8</c>, <c>1204</c>.</summary>
    public static string Number(double value) => double.IsFinite(value) ? value.ToString($"F{Places(value)}", Invariant) : Undefined;

    /// <summary>The same with its sign, also before what is above 0.</summary>
    public static string Signed(double value) => value > 0 ? "+" + Number(value) : Number(value);

    /// <summary>A value rounded to so many significant digits.</summary>
    internal static double Significant(double value, int digits) =>
        // Through the decimal digits, which are free of what binary fractions leave at their end.
        value == 0
            ? 0
            : double.Parse(value.ToString($"E{digits - 1}", Invariant), Invariant);

    private const int MostPlaces = 6;

    private static CultureInfo Invariant => CultureInfo.InvariantCulture;

    private static string Plain(double value) => value.ToString("0.##########", Invariant);

    private static int Places(double value)
    {
        var rounded = Significant(value, 3);
        return rounded == 0 ? 0 : Math.Clamp(2 - (int)Math.Floor(Math.Log10(Math.Abs(rounded)) + 1e-12), 0, MostPlaces);
    }
}
