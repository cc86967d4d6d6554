using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace GemmaScope.Server.Html;

/// <summary>HTML. It is only made by writing it out: whatever a string brings into it is escaped, so that no token, label or parameter can become a tag.</summary>
internal readonly record struct Markup
{
    private readonly string? _html;

    private Markup(string html) => _html = html;

    /// <summary>Nothing.</summary>
    public static Markup Empty => default;

    /// <summary>HTML with values.</summary>
    public static Markup Of(MarkupBuilder html) => new(html.ToString());

    /// <summary>HTML that was made elsewhere with the same care: a plot, a part of a style sheet.</summary>
    public static Markup Trusted(string html) => new(html);

    /// <summary>All parts, one after another.</summary>
    public static Markup Join(IEnumerable<Markup> parts) => new(string.Concat(parts.Select(part => part.ToString())));

    /// <inheritdoc/>
    public override string ToString() => _html ?? "";
}

/// <summary>Puts an interpolated string together: its letters stay, strings and characters among its values are escaped, numbers are written in the invariant way.</summary>
[InterpolatedStringHandler]
internal readonly ref struct MarkupBuilder(int literalLength, int formattedCount)
{
    private readonly StringBuilder _html = new(literalLength + 16 * formattedCount);

    public void AppendLiteral(string html) => _html.Append(html);

    public void AppendFormatted(Markup html) => _html.Append(html.ToString());

    public void AppendFormatted(IEnumerable<Markup> parts)
    {
        foreach (var part in parts) _html.Append(part.ToString());
    }

    public void AppendFormatted(string? text) => _html.Append(HtmlText.Encode(text ?? ""));

    public void AppendFormatted<T>(T value, string? format = null) where T : struct, IFormattable => _html.Append(HtmlText.Encode(value.ToString(format, CultureInfo.InvariantCulture)));

    public override string ToString() => _html.ToString();
}
