using System.Runtime.CompilerServices;
using System.Text;
using GemmaScope.Text;

namespace GemmaScope.Cli;

/// <summary>
/// The way to a person's screen: whatever comes from files, models and addresses is shown and cannot steer the terminal, turn the order of
/// a line, or begin a line that looks like ours. In <c>$"…{value}…"</c> a value stays on its line; a text as a whole keeps its line breaks.
/// </summary>
internal sealed class VisibleWriter(TextWriter inner) : TextWriter(inner.FormatProvider)
{
    private char _half;

    /// <summary>Writes what comes without a change: JSON, tables for programs.</summary>
    public TextWriter Inner => inner;

    public override Encoding Encoding => inner.Encoding;

    [System.Diagnostics.CodeAnalysis.AllowNull]
    public override string NewLine
    {
        get => inner.NewLine;
        set => inner.NewLine = value;
    }

    public override void Write(char value)
    {
        if (char.IsHighSurrogate(value))
            _half = value;
        else if (char.IsLowSurrogate(value))
            inner.Write(Shown($"{_half}{value}"));
        else
            inner.Write(Shown($"{value}"));
    }

    public override void Write(string? value) => inner.Write(value is null ? null : Shown(value));

    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    public override void Write(ReadOnlySpan<char> buffer) => Write(new string(buffer));

    public override void WriteLine() => inner.WriteLine();

    public override void WriteLine(string? value) => inner.WriteLine(value is null ? null : Shown(value));

    /// <summary>Writes a line whose values are shown on one line.</summary>
    public void WriteLine(ref VisibleLine line) => inner.WriteLine(line.ToString());

    /// <inheritdoc cref="WriteLine(ref VisibleLine)"/>
    public void Write(ref VisibleLine line) => inner.Write(line.ToString());

    public override void Flush() => inner.Flush();

    /// <summary>Lines and columns stay; a return to the beginning of a line would write over what stands there.</summary>
    private static string Shown(string text) =>
        text.Contains('\r', StringComparison.Ordinal)
            ? VisibleText.Lines(text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\u240D'))
            : VisibleText.Lines(text);
}

/// <summary>Makes a line of our words as they are and of values by <see cref="VisibleText.Line"/>.</summary>
[InterpolatedStringHandler]
internal readonly ref struct VisibleLine(int literalLength, int formattedCount)
{
    private readonly StringBuilder _text = new(literalLength + 8 * formattedCount);

    public void AppendLiteral(string text) => _text.Append(text);

    public void AppendFormatted<T>(T value, int alignment = 0, string? format = null)
    {
        var text = VisibleText.Line((value is IFormattable number ? number.ToString(format, null) : value?.ToString()) ?? "");
        _text.Append(alignment < 0 ? text.PadRight(-alignment) : text.PadLeft(alignment));
    }

    public void AppendFormatted<T>(T value, string? format) => AppendFormatted(value, 0, format);

    public override string ToString() => _text.ToString();
}
