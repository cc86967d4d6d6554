using System.Globalization;

namespace GemmaScope.Server.Pages;

/// <summary>Numbers as people say them, with no more digits than mean something.</summary>
internal static class PageNumbers
{
    private const long Thousand = 1000,
        Million = Thousand * Thousand,
        Billion = Thousand * Million;

    /// <summary>A count: all digits of a small one, three of a large one with its thousands, millions or billions in words.</summary>
    public static string Count(long count) =>
        count < 10 * Thousand ? count.ToString("#,0", CultureInfo.InvariantCulture)
        : Round(count) < Million ? $"{Digits(Round(count), Thousand)} thousand"
        : Round(count) < Billion ? $"{Digits(Round(count), Million)} million"
        : $"{Digits(Round(count), Billion)} billion";

    /// <summary>To three digits: what is rounded up to the next word has to be written with that word.</summary>
    private static long Round(long count)
    {
        var unit = (long)Math.Pow(10, Math.Max(0, Math.Floor(Math.Log10(count)) - 2));
        return (long)Math.Round((double)count / unit) * unit;
    }

    private static string Digits(long count, long unit) => ((double)count / unit).ToString("0.##", CultureInfo.InvariantCulture);
}
