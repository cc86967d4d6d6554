using System.Globalization;
using System.Text.RegularExpressions;
using GemmaScope.Features.Statistics;
using GemmaScope.Store;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Server.Pages;

/// <summary>Tokens as they stand in pages: their text, what they are, and how strongly a feature fires there.</summary>
internal static partial class TokenMarkup
{
    /// <summary>Shades from the palest to the deepest; the style sheet has one rule for each.</summary>
    public const int Shades = 20;

    /// <summary>The shade of a share of the maximum: 0 for none, and never 0 where a feature fires.</summary>
    public static int Shade(double share) => share > 0 ? (int)Math.Clamp(Math.Ceiling(share * Shades), 1, Shades) : 0;

    /// <summary>A piece for people: ▁ as a space, control characters as pictures. Special tokens and bytes keep their names, in other
    /// brackets, for they are no text.</summary>
    public static string Text(string piece) =>
        Kind(piece) == "" ? HtmlText.Visible(piece.Replace('▁', ' ')) : $"‹{HtmlText.Visible(piece[1..^1])}›";

    /// <summary>A word of a list: its text on one line, with spaces that are seen.</summary>
    public static Markup Word(string piece) =>
        Markup.Of($"<code class=\"word {Kind(piece)}\">{Text(piece).Replace("\n", "", StringComparison.Ordinal)}</code>");

    /// <summary>A token of an example: shaded by a feature's activation.</summary>
    /// <param name="piece">The piece as the vocabulary has it.</param>
    /// <param name="value">Activation.</param>
    /// <param name="maximum">The feature's maximum.</param>
    /// <param name="marked">Whether the example is about this token.</param>
    public static Markup Shaded(string piece, float value, float maximum, bool marked = false) =>
        Markup.Of(html => Shade(html, piece, value, maximum, marked));

    /// <summary>The same, written behind what is there: a page has more than a thousand tokens.</summary>
    public static void Shade(HtmlWriter html, string piece, float value, float maximum, bool marked)
    {
        var kind = Kind(piece);
        var shade = Shade(maximum > 0 ? value / maximum : 0);
        if (shade == 0 && kind == "" && !marked)
            html.Literal("<span>");
        else
        {
            html.Literal("<span class=\"s");
            html.Number(shade);
            html.Literal(" ");
            html.Literal(kind);
            html.Literal(marked ? " marked\" data-tip=\"" : "\" data-tip=\"");
            html.Text(Tip(piece, value, maximum));
            html.Literal("\">");
        }
        Text(html, piece, kind);
        html.Literal("</span>");
    }

    /// <summary>The tokens of an example, each shaded, with dots where the text goes on.</summary>
    /// <param name="example">The example.</param>
    /// <param name="piece">The piece of a token.</param>
    /// <param name="maximum">The feature's maximum.</param>
    public static Markup Excerpt(FeatureExample example, Func<int, string> piece, float maximum) =>
        Markup.Of(html =>
        {
            html.Literal(example.Start > 0 ? "…" : "");
            for (var i = 0; i < example.Tokens.Count; i++)
                Shade(html, piece(example.Tokens[i]), example.Values[i], maximum, marked: i == example.Position);
            html.Literal(example.Tokens.Count - example.Position > FeaturePage.After ? "…" : "");
        });

    /// <summary>What is said of a token that is pointed at.</summary>
    public static string Tip(string piece, float value, float maximum) =>
        value > 0 && maximum > 0
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"{Name(piece)}{new Rounded(value, 2, Padded: true)} · {new Rounded(100.0 * value / maximum, 0)} % of the maximum"
            )
            : $"{Name(piece)}silent";

    /// <summary>"byte", "special" or nothing.</summary>
    public static string Kind(string piece) =>
        piece is not ['<', .., '>'] ? ""
        : BytePiece().IsMatch(piece) ? "byte"
        : SpecialPiece().IsMatch(piece) ? "special"
        : "";

    /// <summary><see cref="Text(string)"/> without a string for each piece.</summary>
    private static void Text(HtmlWriter html, string piece, string kind)
    {
        if (kind != "" || !HtmlText.IsVisible(piece))
        {
            html.Text(Text(piece));
            return;
        }
        var rest = piece.AsSpan();
        for (var mark = rest.IndexOf('▁'); mark >= 0; mark = rest.IndexOf('▁'))
        {
            html.Text(rest[..mark]);
            html.Literal(" ");
            rest = rest[(mark + 1)..];
        }
        html.Text(rest);
    }

    private static string Name(string piece) =>
        Kind(piece) switch
        {
            "byte" => $"byte {piece[3..^1]}, part of a character · ",
            "special" => "special token · ",
            _ => "",
        };

    [GeneratedRegex(@"^<0x[0-9A-Fa-f]{2}>$")]
    private static partial Regex BytePiece();

    // Gemma's control tokens. Other pieces in angle brackets, such as <h1>, are text of web pages.
    [GeneratedRegex(@"^<(bos|eos|pad|unk|mask|start_of_turn|end_of_turn|start_of_image|end_of_image|unused\d+)>$")]
    private static partial Regex SpecialPiece();
}
