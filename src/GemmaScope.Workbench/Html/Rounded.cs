using System.Globalization;

namespace GemmaScope.Workbench.Html;

/// <summary>A number with few decimal places, written some five times as quickly as by a pattern like <c>0.##</c>; pages and plots have
/// hundreds.</summary>
/// <param name="Value">The number.</param>
/// <param name="Places">Decimal places at most, up to 4; halves are rounded away from zero.</param>
/// <param name="Padded">Whether zeros at the end stay.</param>
public readonly record struct Rounded(double Value, int Places, bool Padded = false) : ISpanFormattable
{
    private const double Largest = 1e12;

    private static readonly int[] Powers = [1, 10, 100, 1000, 10_000];

    /// <inheritdoc/>
    public bool TryFormat(
        Span<char> destination,
        out int charsWritten,
        ReadOnlySpan<char> format = default,
        IFormatProvider? provider = null
    )
    {
        if (!(Math.Abs(Value) < Largest))
            return Value.TryFormat(destination, out charsWritten, Padded ? $"F{Places}" : "0.####", CultureInfo.InvariantCulture);
        var scaled = (long)Math.Round(Math.Abs(Value) * Powers[Places], MidpointRounding.AwayFromZero);
        var (whole, part) = Math.DivRem(scaled, Powers[Places]);
        charsWritten = 0;
        if (destination.Length < 20)
            return false;
        if (Value < 0 && scaled > 0)
            destination[charsWritten++] = '-';
        whole.TryFormat(destination[charsWritten..], out var written, default, CultureInfo.InvariantCulture);
        charsWritten += written;
        if (part == 0 && !Padded || Places == 0)
            return true;
        destination[charsWritten++] = '.';
        for (var place = Places - 1; place >= 0 && (part > 0 || Padded); place--)
        {
            (var digit, part) = Math.DivRem(part, Powers[place]);
            destination[charsWritten++] = (char)('0' + digit);
        }
        return true;
    }

    /// <inheritdoc/>
    public string ToString(string? format, IFormatProvider? formatProvider) => ToString();

    /// <inheritdoc/>
    public override string ToString()
    {
        Span<char> letters = stackalloc char[400];
        return TryFormat(letters, out var written) ? letters[..written].ToString() : "";
    }
}
