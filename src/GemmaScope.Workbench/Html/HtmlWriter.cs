using System.Buffers;
using System.Globalization;
using GemmaScope.Text;

namespace GemmaScope.Workbench.Html;

/// <summary>
/// HTML as it is written, in memory that its thread uses again. What is long already is taken in as it is, so that a page is put together
/// without copying
/// its parts from level to level.
/// </summary>
public sealed class HtmlWriter
{
    /// <summary>Parts from this length on are referred to, shorter ones copied.</summary>
    private const int LongPart = 512;

    private const int LongestNumber = 64,
        MostKept = 16,
        LargestKept = 1 << 16;

    [ThreadStatic]
    private static Stack<HtmlWriter>? _free;

    private readonly List<object> _parts = [];
    private char[] _letters = new char[4096];
    private int _length;

    private HtmlWriter() { }

    /// <summary>A writer of this thread, empty. <see cref="Finish"/> gives it back.</summary>
    public static HtmlWriter Begin() => (_free ??= new()).TryPop(out var writer) ? writer : new();

    /// <summary>HTML as it is.</summary>
    public void Literal(string html)
    {
        html.CopyTo(Room(html.Length));
        _length += html.Length;
    }

    /// <summary>HTML that was made before.</summary>
    public void Part(Markup html)
    {
        if (html.Content is string text && text.Length < LongPart)
        {
            Literal(text);
            return;
        }
        if (html.Content is null)
            return;
        Cut();
        _parts.Add(html.Content);
    }

    /// <summary>A text, escaped, with what it hides shown.</summary>
    public void Text(ReadOnlySpan<char> text)
    {
        if (!VisibleText.IsSeenButSpace(text))
            text = VisibleText.Lines(text.ToString());
        while (true)
        {
            var status = HtmlText.Encode(text, Room(text.Length + LongestNumber), out var read, out var written);
            _length += written;
            if (status == OperationStatus.Done)
                return;
            text = text[read..];
            Room(_letters.Length);
        }
    }

    /// <summary>A number in the invariant way, escaped.</summary>
    public void Number<T>(T value, ReadOnlySpan<char> format = default)
        where T : IFormattable
    {
        Span<char> letters = stackalloc char[LongestNumber];
        if (
            value is ISpanFormattable
            && ((ISpanFormattable)value).TryFormat(letters, out var written, format, CultureInfo.InvariantCulture)
        )
            Text(letters[..written]);
        else
            Text(value.ToString(format.ToString(), CultureInfo.InvariantCulture));
    }

    /// <summary>What was written; the writer is free for others.</summary>
    public Markup Finish()
    {
        Markup html;
        if (_parts.Count == 0)
            html = Markup.Trusted(new string(_letters, 0, _length));
        else
        {
            Cut();
            html = Markup.Trusted(_parts.ToArray());
        }
        _parts.Clear();
        _length = 0;
        if (_letters.Length <= LargestKept && _free is { Count: < MostKept })
            _free.Push(this);
        return html;
    }

    private void Cut()
    {
        if (_length > 0)
            _parts.Add(new string(_letters, 0, _length));
        _length = 0;
    }

    private Span<char> Room(int letters)
    {
        if (_letters.Length - _length < letters)
            Array.Resize(ref _letters, Math.Max(_length + letters, 2 * _letters.Length));
        return _letters.AsSpan(_length);
    }
}
