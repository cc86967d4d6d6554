namespace GemmaScope.Files;

/// <summary>A small table as a whole.</summary>
internal static class DelimitedFile
{
    /// <summary>The separator that the ending of a name tells.</summary>
    public static char SeparatorOf(string file) => TextFile.KindOf(file) == ".tsv" ? '\t' : ',';

    /// <summary>All rows, the head line first; empty lines are left out.</summary>
    /// <exception cref="FileFormatException">The file cannot be read, a quote is not closed, or a row has another number of fields than the
    /// first or is not UTF-8.</exception>
    public static IReadOnlyList<DelimitedRow> Read(string file, char? separator = null)
    {
        var rows = ReadAll(file, separator);
        foreach (var row in rows)
            if (row.Problem is { } problem)
                throw new FileFormatException(problem, file);
        return rows;
    }

    /// <summary>The same with the rows that cannot be used.</summary>
    public static IReadOnlyList<DelimitedRow> ReadAll(string file, char? separator = null)
    {
        using var stream = new MemoryStream(TextFile.Bytes(file, JsonFile.LargestFile));
        return [.. DelimitedRows.Read(stream, file, separator ?? SeparatorOf(file))];
    }

    /// <summary>Where the first of some names stands in the head line, in any case; −1 for nowhere.</summary>
    public static int Column(DelimitedRow head, IEnumerable<string> names) =>
        names
            .Select(name => Array.FindIndex([.. head.Fields], field => field.Trim().Equals(name, StringComparison.OrdinalIgnoreCase)))
            .FirstOrDefault(at => at >= 0, -1);
}
