using System.Buffers;
using System.Globalization;
using System.Text;

namespace GemmaScope.Text;

/// <summary>
/// Shows what a text hides: control characters, which steer a terminal or break a line of a log, and invisible marks, which turn the
/// order of a line or carry letters that nobody sees. Joiners stay, for emoji and scripts are put together by them.
/// </summary>
public static class VisibleText
{
    private const int Pictures = 0x2400;

    /// <summary>Letters that can be hidden. Half of a pair is looked at only where the pair may be a hidden mark.</summary>
    private static readonly SearchValues<char> Hidden = Chars(c => IsHidden(c) || c == '\uDB40');

    private static readonly SearchValues<char> HiddenButSpace = Chars(c =>
        (IsHidden(c) || c == '\uDB40') && c is not ('\n' or '\r' or '\t')
    );

    /// <summary>The text with all that it hides shown; lines and columns stay behind the signs for them.</summary>
    public static string Of(string text) => Show(text, Hidden, "\u23CE\n", "\u21E5\t", "\u240D");

    /// <summary>The same on one line.</summary>
    public static string Line(string text) => Show(text, Hidden, "\u23CE", "\u21E5", "\u240D");

    /// <summary>The same with lines and columns as they are.</summary>
    public static string Lines(string text) => Show(text, HiddenButSpace, "\n", "\t", "\r");

    /// <summary>Whether <see cref="Of"/> and <see cref="Line"/> leave a text as it is.</summary>
    public static bool IsAllSeen(ReadOnlySpan<char> text) => !text.ContainsAny(Hidden);

    /// <summary>Whether <see cref="Lines"/> leaves a text as it is.</summary>
    public static bool IsSeenButSpace(ReadOnlySpan<char> text) => !text.ContainsAny(HiddenButSpace);

    /// <summary>The beginning of a text with a sign for the rest, where it is longer than this; never half a character.</summary>
    /// <param name="text">The text.</param>
    /// <param name="longest">UTF-16 units at most, the sign not counted; from 1.</param>
    public static string Short(string text, int longest) =>
        text.Length <= longest ? text : text[..(char.IsHighSurrogate(text[longest - 1]) ? longest - 1 : longest)] + "…";

    private static string Show(string text, SearchValues<char> hidden, string line, string tab, string carriage)
    {
        if (!text.AsSpan().ContainsAny(hidden))
            return text;
        var shown = new StringBuilder(text.Length + 16);
        // Half a pair becomes the sign for what is no character.
        foreach (var rune in text.EnumerateRunes())
            _ = rune.Value switch
            {
                '\n' => shown.Append(line),
                '\t' => shown.Append(tab),
                '\r' => shown.Append(carriage),
                < ' ' => shown.Append((char)(Pictures + rune.Value)),
                0x7F => shown.Append('\u2421'),
                var value when IsHidden(value) => shown.Append(CultureInfo.InvariantCulture, $"‹U+{value:X4}›"),
                _ => shown.Append(rune.ToString()),
            };
        return shown.ToString();
    }

    private static bool IsHidden(int character) =>
        character
            is < ' '
                or (>= 0x7F and <= 0x9F)
                // A hyphen, a vowel mark and spaces without width.
                or 0xAD
                or 0x180E
                or 0x200B
                or (>= 0x2060 and <= 0x2065)
                or 0xFEFF
                // Marks of direction, and lines that only some readers see.
                or 0x61C
                or 0x200E
                or 0x200F
                or (>= 0x2028 and <= 0x202E)
                or (>= 0x2066 and <= 0x206F)
                or (>= 0xFFF9 and <= 0xFFFB)
                // Tags and selectors that can carry any text.
                or (>= 0xE0000 and <= 0xE01EF);

    private static SearchValues<char> Chars(Func<char, bool> chosen) =>
        SearchValues.Create([.. Enumerable.Range(0, char.MaxValue + 1).Select(c => (char)c).Where(chosen)]);
}
