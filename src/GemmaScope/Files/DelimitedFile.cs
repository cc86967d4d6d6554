using System.Text;

namespace GemmaScope.Files;

/// <summary>A row of a table with the line of the file it begins in.</summary>
internal readonly record struct DelimitedRow(int Line, IReadOnlyList<string> Fields);

/// <summary>Reads tables (CSV, TSV): fields in quotes may hold the separator, line breaks, and quotes written twice.</summary>
internal static class DelimitedFile
{
    /// <summary>All rows, the head line first; empty lines are left out.</summary>
    /// <exception cref="FileFormatException">The file cannot be read, a quote is not closed, or a row has another number of fields than the
    /// first.</exception>
    public static IReadOnlyList<DelimitedRow> Read(string file, char separator = ',')
    {
        if (FileChecks.LengthOf(file) > JsonFile.LargestFile)
            throw new FileFormatException($"is larger than {JsonFile.LargestFile} bytes; cut it into parts", file);
        List<DelimitedRow> rows = [];
        foreach (var row in Rows(TextOf(file), separator, file))
        {
            if (rows.Count > 0 && row.Fields.Count != rows[0].Fields.Count)
                throw new FileFormatException(
                    $"line {row.Line} has {row.Fields.Count} fields, the first line {rows[0].Fields.Count}",
                    file
                );
            rows.Add(row);
        }
        return rows;
    }

    private static IEnumerable<DelimitedRow> Rows(string text, char separator, string file)
    {
        List<string> fields = [];
        var field = new StringBuilder();
        var (line, first, quoted) = (1, 1, false);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == '\n')
                line++;
            if (quoted)
            {
                if (c != '"')
                    field.Append(c);
                else if (i + 1 < text.Length && text[i + 1] == '"')
                    field.Append(text[i++]);
                else
                    quoted = false;
            }
            else if (c == '"' && field.Length == 0)
                quoted = true;
            else if (c == separator)
                Next();
            else if (c == '\n')
            {
                if (End() is { } row)
                    yield return row;
                first = line;
            }
            else if (c != '\r')
                field.Append(c);
        }
        if (quoted)
            throw new FileFormatException($"line {first}: a quote is opened and never closed", file);
        if (End() is { } last)
            yield return last;

        void Next()
        {
            fields.Add(field.ToString());
            field.Clear();
        }

        DelimitedRow? End()
        {
            if (fields.Count == 0 && field.Length == 0)
                return null;
            Next();
            var row = new DelimitedRow(first, fields);
            fields = [];
            return row;
        }
    }

    private static string TextOf(string file)
    {
        try
        {
            return File.ReadAllText(file, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true));
        }
        catch (DecoderFallbackException problem)
        {
            throw new FileFormatException("the file is not valid UTF-8", file, problem);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw FileChecks.Unreadable(file, problem);
        }
    }
}
