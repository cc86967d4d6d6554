using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Unicode;
using GemmaScope.Text;

namespace GemmaScope.Workbench.Html;

/// <summary>Text in HTML, and the style sheet that all pages share: those that are written to files and those of the server.</summary>
public static class HtmlText
{
    /// <summary>The style sheet's file name.</summary>
    public const string StyleName = "page.css";

    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);

    /// <summary>The common style sheet.</summary>
    public static string Style { get; } = ReadStyle();

    /// <summary>A text that can stand between tags and in quoted attributes. Characters that hide or turn others are shown; lines and
    /// columns stay.</summary>
    public static string Encode(string text) => Encoder.Encode(VisibleText.Lines(text));

    /// <summary>The same into letters that are there; says how much of the text went in.</summary>
    internal static OperationStatus Encode(ReadOnlySpan<char> text, Span<char> html, out int read, out int written) =>
        Encoder.Encode(text, html, out read, out written);

    /// <summary>What stands in a field of a form: each character as it was typed, for it is sent back.</summary>
    public static Markup Field(string text) => Markup.Trusted(Encoder.Encode(text));

    /// <summary>A text whose control characters are pictures of themselves: a token can neither hide nor steer a terminal or the order of a
    /// page.</summary>
    public static string Visible(string text) => VisibleText.Of(text);

    /// <summary>A path or a name in which lines may end behind its separators, and so not in the midst of its words.</summary>
    public static Markup Path(string name)
    {
        var parts = new List<Markup>();
        for (int from = 0, end; from < name.Length; from = end)
        {
            end = name.AsSpan(from).IndexOfAny('/', '_', '\\') is var at && at < 0 ? name.Length : from + at + 1;
            var part = name[from..end];
            parts.Add(end < name.Length ? Markup.Of($"{part}<wbr>") : Markup.Of($"{part}"));
        }
        return Markup.Join(parts);
    }

    /// <summary>Whether <see cref="Visible"/> leaves a text as it is.</summary>
    public static bool IsVisible(ReadOnlySpan<char> text) => VisibleText.IsAllSeen(text);

    private static string ReadStyle()
    {
        using var stream = typeof(HtmlText).Assembly.GetManifestResourceStream(StyleName)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
