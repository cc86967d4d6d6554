using GemmaScope.Text;
using nietras.SeparatedValues;

namespace GemmaScope.Workbench;

/// <summary>A column of a table with a line of names on top (RFC 4180: fields in quotes may hold separators, line ends and doubled
/// quotes). The separator is that of the ending, not guessed: a first line with one name shows none.</summary>
internal static class TableTexts
{
    public static IEnumerable<string> Read(Stream stream, TextOrigin origin, char separator)
    {
        using var reader = Sep.New(separator).Reader(options => options with { Unescape = true }).From(TextFormats.Utf8(stream));
        if (!reader.Header.TryIndexOf(origin.Column, out var column))
            throw TextDocuments.NoColumn(origin, reader.Header.ColNames);
        while (reader.MoveNext())
        {
            var text = reader.Current[column].ToString();
            yield return text;
        }
    }
}
