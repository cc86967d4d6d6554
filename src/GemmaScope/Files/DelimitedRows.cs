using System.Text;

namespace GemmaScope.Files;

/// <summary>A row of a table.</summary>
/// <param name="Line">The line it begins in, from 1.</param>
/// <param name="Fields">Its fields; empty where there is a problem.</param>
/// <param name="Problem">Why it cannot be used, with the line, or null.</param>
public readonly record struct DelimitedRow(long Line, IReadOnlyList<string> Fields, string? Problem = null);

/// <summary>
/// Reads tables (CSV, TSV; RFC 4180) one row at a time: fields in quotes may hold the separator, line breaks, and quotes written twice. A
/// row of another number of fields than the first, or that is not UTF-8, is told and does not end the reading.
/// </summary>
public static class DelimitedRows
{
    private const byte Quote = (byte)'"';

    /// <summary>The rows, the head line first; empty lines are left out.</summary>
    /// <param name="stream">As <see cref="TextFile.Open(string)"/> returns it.</param>
    /// <param name="name">What it is called in errors.</param>
    /// <param name="separator">What stands between two fields: one ASCII character.</param>
    /// <param name="longest">Bytes of a row at most.</param>
    /// <exception cref="FileFormatException">A quote is never closed, or a row is longer: where it ends is then not known.</exception>
    public static IEnumerable<DelimitedRow> Read(Stream stream, string name, char separator, int longest = TextFile.LongestLine)
    {
        var (block, row) = (new byte[1 << 16], new RowBytes());
        var (line, first, width) = (1L, 1L, -1);
        // After a quote inside quotes it is open what comes: another one, or the end of the field.
        var (quoted, closing, afterReturn) = (false, false, false);
        while (stream.Read(block) is > 0 and var count)
            for (var i = 0; i < count; i++)
            {
                var c = block[i];
                var pair = afterReturn && c == '\n';
                afterReturn = c == '\r';
                if ((c == '\n' || c == '\r') && !pair)
                    line++;
                if (quoted && closing && c == Quote)
                    closing = false;
                else if (quoted && !closing)
                {
                    closing = c == Quote;
                    if (closing)
                        continue;
                }
                else if (c == Quote && row.IsAtStartOfField)
                {
                    (quoted, closing) = (true, false);
                    row.BeginQuoted();
                    continue;
                }
                else
                {
                    (quoted, closing) = (false, false);
                    if (c == separator)
                    {
                        row.EndField();
                        continue;
                    }
                    if (c is (byte)'\n' or (byte)'\r')
                    {
                        if (!row.IsEmpty)
                            yield return row.Take(first, ref width);
                        first = line;
                        continue;
                    }
                }
                if (row.Add(c) > longest)
                    throw new FileFormatException(
                        $"the row that begins in line {first} has more than {longest} bytes" + (quoted ? "; is a quote never closed?" : ""),
                        name
                    );
            }
        if (quoted && !closing)
            throw new FileFormatException($"line {first}: a quote is opened and never closed", name);
        if (!row.IsEmpty)
            yield return row.Take(first, ref width);
    }

    /// <summary>The bytes of a row that is being read, and where its fields end.</summary>
    private sealed class RowBytes
    {
        private readonly List<int> _ends = [];
        private byte[] _bytes = new byte[256];
        private int _length,
            _start;
        private bool _quoted;

        /// <summary>Nothing was read since the last row, not even a separator.</summary>
        public bool IsEmpty => _length == 0 && _ends.Count == 0 && !_quoted;

        public bool IsAtStartOfField => !_quoted && _bytes.AsSpan(_start.._length).IndexOfAnyExcept((byte)' ') < 0;

        public void BeginQuoted() => (_length, _quoted) = (_start, true);

        public int Add(byte c)
        {
            if (_length == _bytes.Length)
                Array.Resize(ref _bytes, 2 * _length);
            _bytes[_length++] = c;
            return _length;
        }

        public void EndField()
        {
            _ends.Add(_length);
            (_start, _quoted) = (_length, false);
        }

        public DelimitedRow Take(long line, ref int width)
        {
            EndField();
            var (fields, start) = (new string[_ends.Count], 0);
            var problem =
                Utf8Text.ProblemOf(_bytes.AsSpan(.._length)) is { } wrong ? $"line {line}: {wrong}"
                : width >= 0 && _ends.Count != width
                    ? $"line {line} has {_ends.Count} fields, the first line {width}; a field with a separator stands in quotes"
                : null;
            for (var i = 0; i < fields.Length; i++)
            {
                fields[i] = problem is null ? Encoding.UTF8.GetString(_bytes, start, _ends[i] - start) : "";
                start = _ends[i];
            }
            if (width < 0)
                width = _ends.Count;
            _ends.Clear();
            (_length, _start) = (0, 0);
            return new(line, problem is null ? fields : [], problem);
        }
    }
}
