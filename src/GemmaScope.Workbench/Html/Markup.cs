using System.Runtime.CompilerServices;
using System.Text;
using GemmaScope.Files;

namespace GemmaScope.Workbench.Html;

/// <summary>HTML. It is only made by writing it out: whatever a string brings into it is escaped, so that no token, label or parameter can
/// become a tag.</summary>
public readonly struct Markup
{
    private Markup(object? content) => Content = content;

    /// <summary>A string; an array of such contents, to be read one after another; UTF-8; or null for nothing.</summary>
    internal object? Content { get; }

    /// <summary>Nothing.</summary>
    public static Markup Empty => default;

    /// <summary>HTML with values.</summary>
    public static Markup Of(MarkupBuilder html) => html.Finish();

    /// <summary>HTML that is written piece by piece.</summary>
    public static Markup Of(Action<HtmlWriter> write)
    {
        var html = HtmlWriter.Begin();
        write(html);
        return html.Finish();
    }

    /// <summary>HTML that was made elsewhere with the same care: a plot, a part of a style sheet.</summary>
    public static Markup Trusted(string html) => new(html);

    /// <summary>The same in parts: strings, and arrays of them.</summary>
    public static Markup Trusted(object[] parts) => new(parts);

    /// <summary>All parts, one after another.</summary>
    public static Markup Join(IEnumerable<Markup> parts) =>
        Of(html =>
        {
            foreach (var part in parts)
                html.Part(part);
        });

    /// <summary>The same in one piece, as it is sent: for what is sent again and again.</summary>
    public Markup Packed() => new(ToBytes());

    /// <summary>Bytes it has in UTF-8.</summary>
    public int CountBytes() => Count(Content);

    /// <summary>Writes it in UTF-8 to where there is room for its bytes; returns how many.</summary>
    public int Write(Span<byte> bytes) => Write(Content, bytes);

    /// <summary>Writes it to a file, over an older one.</summary>
    /// <exception cref="GemmaScopeException">The file cannot be written.</exception>
    public void Save(string file)
    {
        var bytes = ToBytes();
        AtomicFile.Write(file, stream => stream.Write(bytes), overwrite: true);
    }

    /// <inheritdoc/>
    public override string ToString() => Content as string ?? Encoding.UTF8.GetString(ToBytes());

    private byte[] ToBytes()
    {
        var bytes = new byte[CountBytes()];
        Write(bytes);
        return bytes;
    }

    private static int Count(object? content) =>
        content switch
        {
            string text => Encoding.UTF8.GetByteCount(text),
            byte[] packed => packed.Length,
            object[] parts => parts.Sum(Count),
            _ => 0,
        };

    private static int Write(object? content, Span<byte> bytes)
    {
        if (content is string text)
            return Encoding.UTF8.GetBytes(text, bytes);
        if (content is byte[] packed)
        {
            packed.CopyTo(bytes);
            return packed.Length;
        }
        var written = 0;
        foreach (var part in (object[]?)content ?? [])
            written += Write(part, bytes[written..]);
        return written;
    }
}

/// <summary>Puts an interpolated string together: its letters stay, strings and characters among its values are escaped, numbers are
/// written in the invariant way.</summary>
[InterpolatedStringHandler]
public readonly ref struct MarkupBuilder
{
    private readonly HtmlWriter _html = HtmlWriter.Begin();

    // The compiler says how much there will be; the writer grows by itself.
    public MarkupBuilder(int literalLength, int formattedCount) => _ = literalLength + formattedCount;

    public void AppendLiteral(string html) => _html.Literal(html);

    public void AppendFormatted(Markup html) => _html.Part(html);

    public void AppendFormatted(IEnumerable<Markup> parts)
    {
        foreach (var part in parts)
            _html.Part(part);
    }

    public void AppendFormatted(string? text) => _html.Text(text);

    public void AppendFormatted<T>(T value, string? format = null)
        where T : struct, IFormattable => _html.Number(value, format);

    public Markup Finish() => _html.Finish();
}
