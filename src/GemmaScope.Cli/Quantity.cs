using System.CommandLine.Parsing;
using System.Globalization;

namespace GemmaScope.Cli;

/// <summary>Numbers as people write them: 10M, 2^20, 100GB, 0.5,1,2.</summary>
internal static class Quantity
{
    private static readonly (string Ending, double Factor)[] Units = [("K", 1e3), ("M", 1e6), ("G", 1e9), ("B", 1e9), ("T", 1e12)];

    /// <summary>A number with K, M, B (billion) or T behind it, or a power.</summary>
    public static long Count(ArgumentResult result) => Read(result, "a number such as 5000, 10M or 2^20", result.Tokens[0].Value);

    /// <summary>A number of bytes with KB, MB, GB or TB behind it.</summary>
    public static long? Bytes(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        return Read(
            result,
            "a number of bytes such as 500MB or 100GB",
            text.Length > 1 && char.ToUpperInvariant(text[^1]) == 'B' && char.IsLetter(text[^2]) ? text[..^1] : text
        );
    }

    /// <summary>A part of a whole that is made in parts: its number, from 0, and how many there are.</summary>
    public static (int Index, int Count) Part(ArgumentResult result)
    {
        if (
            result.Tokens[0].Value.Split('/') is [var index, var count]
            && int.TryParse(index, out var i)
            && int.TryParse(count, out var n)
            && i >= 0
            && i < n
        )
            return (i, n);
        result.AddError($"--part: '{result.Tokens[0].Value}' is no part; give e.g. 0/8, the first of eight");
        return (0, 1);
    }

    /// <summary>Numbers between commas.</summary>
    public static double[] Numbers(string text, string option) =>
        [.. text.Split(',', StringSplitOptions.TrimEntries).Select(part => Finite(part, option))];

    /// <summary>A number that has an f32.</summary>
    public static double Finite(string text, string option) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && float.IsFinite((float)number)
            ? number
            : throw new ArgumentProblemException($"'{text}' is no number", option);

    private static long Read(ArgumentResult result, string expected, string text)
    {
        if (Parse(text) is { } number)
            return number;
        result.AddError($"'{result.Tokens[0].Value}' cannot be read; give {expected}");
        return 0;
    }

    private static long? Parse(string text)
    {
        if (text.Split('^') is [var given, var power] && Number(given) is { } @base && Number(power) is { } exponent)
            return Whole(Math.Pow(@base, exponent));
        foreach (var (ending, factor) in Units)
            if (text.EndsWith(ending, StringComparison.OrdinalIgnoreCase))
                return Number(text[..^1]) is { } times ? Whole(times * factor) : null;
        return Number(text) is { } plain ? Whole(plain) : null;
    }

    private static double? Number(string text) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static long? Whole(double number) => number is >= 0 and < 1L << 62 && number == Math.Floor(number) ? (long)number : null;
}
