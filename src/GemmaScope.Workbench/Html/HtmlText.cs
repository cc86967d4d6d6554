using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Unicode;

namespace GemmaScope.Workbench.Html;

/// <summary>Text in HTML, and the style sheet that all pages share: those that are written to files and those of the server.</summary>
public static class HtmlText
{
    /// <summary>The style sheet's file name.</summary>
    public const string StyleName = "page.css";

    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);

    /// <summary>What <see cref="Visible"/> replaces: control characters, and marks that turn the direction of a line.</summary>
    private static readonly SearchValues<char> Unseen = SearchValues.Create([
        .. Enumerable
            .Range(0, char.MaxValue + 1)
            .Select(c => (char)c)
            .Where(c => char.IsControl(c) || c is (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069')),
    ]);

    /// <summary>The common style sheet.</summary>
    public static string Style { get; } = ReadStyle();

    /// <summary>A text that can stand between tags and in quoted attributes.</summary>
    public static string Encode(string text) => Encoder.Encode(text);

    /// <summary>The same into letters that are there; says how much of the text went in.</summary>
    public static OperationStatus Encode(ReadOnlySpan<char> text, Span<char> html, out int read, out int written) =>
        Encoder.Encode(text, html, out read, out written);

    /// <summary>A text whose control characters are pictures of themselves: a token can neither hide nor steer a terminal or the order of a
    /// page.</summary>
    public static string Visible(string text) =>
        IsVisible(text)
            ? text
            : string.Concat(
                text.Select(c =>
                    c switch
                    {
                        '\n' => "\u23CE\n",
                        '\t' => "\u21E5\t",
                        < ' ' => $"{(char)(0x2400 + c)}",
                        '\u007F' => "\u2421",
                        // Marks that turn the direction of all that follows on the line.
                        (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069') => "\uFFFD",
                        _ when char.IsControl(c) => "\uFFFD",
                        _ => $"{c}",
                    }
                )
            );

    /// <summary>Whether <see cref="Visible"/> leaves a text as it is.</summary>
    public static bool IsVisible(ReadOnlySpan<char> text) => !text.ContainsAny(Unseen);

    private static string ReadStyle()
    {
        using var stream = typeof(HtmlText).Assembly.GetManifestResourceStream(StyleName)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
