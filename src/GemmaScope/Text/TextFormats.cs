using System.Collections.Concurrent;
using System.Text;
using GemmaScope.Files;

namespace GemmaScope.Text;

/// <summary>Where documents come from, for readers and their messages.</summary>
/// <param name="File">The file.</param>
/// <param name="Column">The column, or the field of a JSON line, that holds the documents.</param>
public sealed record TextOrigin(string File, string Column)
{
    /// <summary>Whether somebody named the column; else it is the usual one, and others may stand for it.</summary>
    public bool IsColumnNamed { get; init; }

    /// <summary>Bytes of a row at most.</summary>
    public int LongestRow { get; init; } = TextFile.LongestLine;
}

/// <summary>A kind of file that holds documents.</summary>
/// <param name="Ending">How names of such files end, with the dot.</param>
/// <param name="HasColumns">Whether one column of several is read.</param>
/// <param name="Read">The rows of a stream, one at a time, those too that cannot be read. Whatever it throws is told as damage of the
/// file.</param>
public sealed record TextFormat(string Ending, bool HasColumns, Func<Stream, TextOrigin, IEnumerable<TextRow>> Read);

/// <summary>
/// The formats that <see cref="TextDocuments"/> reads. The library knows plain text, JSON lines and tables; who brings another package
/// with readers registers them once, as with <see cref="Encoding.RegisterProvider"/>.
/// </summary>
public static class TextFormats
{
    private static readonly ConcurrentDictionary<string, TextFormat> Formats = new(StringComparer.OrdinalIgnoreCase);

    private static readonly TextFormat Json = new(".json", HasColumns: true, JsonTexts.ReadWhole);

    static TextFormats()
    {
        Register(new TextFormat(".txt", HasColumns: false, Whole));
        Register(new TextFormat(".md", HasColumns: false, Whole));
        Register(new TextFormat(".jsonl", HasColumns: true, JsonTexts.Read));
        Register(new TextFormat(".csv", HasColumns: true, (stream, origin) => Table(stream, origin, ',')));
        Register(new TextFormat(".tsv", HasColumns: true, (stream, origin) => Table(stream, origin, '\t')));
    }

    /// <summary>The endings of files that are looked for in folders.</summary>
    public static IReadOnlyList<string> Endings => [.. Formats.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Adds a format; one of the same ending is replaced.</summary>
    public static void Register(TextFormat format) => Formats[format.Ending] = format;

    /// <summary>The format that a name tells, or null where it tells none.</summary>
    internal static TextFormat? Of(string file) =>
        Formats.GetValueOrDefault(TextFile.KindOf(file)) ?? (TextFile.KindOf(file) == Json.Ending ? Json : null);

    /// <summary>The format of a file in a folder; there <c>.json</c> files mostly say something about the texts.</summary>
    internal static TextFormat? InFolder(string file) => Formats.GetValueOrDefault(TextFile.KindOf(file));

    /// <summary>The whole file as one document, whatever its name.</summary>
    internal static IEnumerable<TextRow> Whole(Stream stream, TextOrigin origin)
    {
        var bytes = Bytes(stream, origin);
        yield return Utf8Text.ProblemOf(bytes) is { } problem ? TextRow.Bad(problem) : TextRow.Of(Encoding.UTF8.GetString(bytes));
    }

    /// <summary>A whole file of at most <see cref="TextDocuments.LargestFile"/>.</summary>
    internal static byte[] Bytes(Stream stream, TextOrigin origin)
    {
        using var whole = new MemoryStream();
        var block = new byte[1 << 16];
        while (stream.Read(block) is > 0 and var read)
        {
            whole.Write(block, 0, read);
            if (whole.Length > TextDocuments.LargestFile)
                throw new FileFormatException(
                    $"more than {TextDocuments.LargestFile} bytes are too many for one document; "
                        + $"write it as JSON lines with a '{origin.Column}' each",
                    origin.File
                );
        }
        return whole.ToArray();
    }

    /// <summary>A column of a table with a line of names on top. The separator is that of the ending, not guessed: a first line with one
    /// name shows none.</summary>
    private static IEnumerable<TextRow> Table(Stream stream, TextOrigin origin, char separator)
    {
        var column = -1;
        foreach (var row in DelimitedRows.Read(stream, origin.File, separator, origin.LongestRow))
        {
            if (column < 0)
            {
                if (row.Problem is { } unreadable)
                    throw new FileFormatException(unreadable, origin.File);
                column = Array.FindIndex([.. row.Fields], field => field.Trim() == origin.Column);
                if (column < 0)
                    throw TextDocuments.NoColumn(origin, row.Fields);
            }
            else
                yield return row.Problem is { } problem ? TextRow.Bad(problem) : TextRow.Of(row.Fields[column], $"line {row.Line}");
        }
        if (column < 0)
            throw new FileFormatException("the file is empty; a table begins with a line of names", origin.File);
    }
}
