namespace GemmaScope.Files;

/// <summary>A line of a file.</summary>
/// <param name="Number">Its number, from 1.</param>
/// <param name="Bytes">Its bytes without the line break, until the next line is read.</param>
/// <param name="Problem">Why they cannot be used, with the number: they are no UTF-8, or the line was too long and is left out; else
/// null.</param>
internal readonly record struct TextLine(long Number, ReadOnlyMemory<byte> Bytes, string? Problem)
{
    /// <summary>Whether there is nothing but white space.</summary>
    public bool IsBlank => Problem is null && Bytes.Span.IndexOfAnyExcept(" \t"u8) < 0;
}

/// <summary>Reads lines as bytes and never more than a limit of one, so that a line of gigabytes costs no memory.</summary>
internal static class TextLines
{
    private const int BlockBytes = 1 << 16;

    /// <summary>The lines, each as soon as it is complete; they end with LF, CR or both.</summary>
    /// <param name="stream">UTF-8 without a mark.</param>
    /// <param name="longest">Bytes of a line at most.</param>
    public static IEnumerable<TextLine> Read(Stream stream, int longest = TextFile.LongestLine)
    {
        var (buffer, start, end, scanned) = (new byte[BlockBytes], 0, 0, 0);
        var (number, tooLong, afterReturn) = (1L, false, false);
        while (true)
        {
            if (afterReturn && start < end)
            {
                afterReturn = false;
                if (buffer[start] == '\n')
                    scanned = ++start;
            }
            if (buffer.AsSpan(scanned..end).IndexOfAny((byte)'\n', (byte)'\r') is >= 0 and var at)
            {
                var stop = scanned + at;
                yield return Line(stop);
                afterReturn = buffer[stop] == '\r';
                (start, scanned, tooLong) = (stop + 1, stop + 1, false);
                number++;
                continue;
            }
            if (end - start > longest)
                (tooLong, start) = (true, end);
            scanned = end;
            MakeRoom();
            if (stream.Read(buffer.AsSpan(end)) is > 0 and var read)
                end += read;
            else
                break;
        }
        if (end > start || tooLong)
            yield return Line(end);

        TextLine Line(int stop)
        {
            if (tooLong || stop - start > longest)
                return new(number, default, $"line {number} has more than {longest} bytes");
            var bytes = buffer.AsMemory(start..stop);
            return new(number, bytes, Utf8Text.ProblemOf(bytes.Span) is { } problem ? $"line {number}: {problem}" : null);
        }

        void MakeRoom()
        {
            if (start > 0)
            {
                buffer.AsSpan(start..end).CopyTo(buffer);
                (end, scanned, start) = (end - start, scanned - start, 0);
            }
            if (end == buffer.Length)
                Array.Resize(ref buffer, buffer.Length * 2);
        }
    }
}
