using GemmaScope.Text;
using Parquet;
using Parquet.Schema;

namespace GemmaScope.Workbench;

/// <summary>A column of strings of a Parquet file. One row group of that column is in memory at a
/// time, and nothing of the others is read.</summary>
internal static class ParquetTexts
{
    /// <summary>Rows of the largest group that is read: 128 MiB of references, far beyond what writers make.</summary>
    private const long LargestRowGroup = 1 << 24;

    private static readonly TimeSpan LongestOpening = TimeSpan.FromSeconds(30);

    public static IEnumerable<TextRow> Read(Stream stream, TextOrigin origin)
    {
        if (!stream.CanSeek)
            throw new FileFormatException("is Parquet, which is packed within, and packed once more; unpack it", origin.File);
        var reader = Open(stream, origin);
        try
        {
            DataField[] texts =
            [
                .. reader
                    .Schema.GetDataFields()
                    .Where(field =>
                        (field.ClrType == typeof(string) || field.ClrType == typeof(ReadOnlyMemory<char>)) && field.MaxRepetitionLevel == 0
                    ),
            ];
            var column =
                Array.Find(texts, field => field.Path.ToString() == origin.Column)
                ?? throw TextDocuments.NoColumn(origin, texts.Select(field => field.Path.ToString()));
            var row = 0L;
            for (var group = 0; group < reader.RowGroupCount; group++)
                foreach (var text in RowGroup(reader, group, column, origin))
                {
                    row++;
                    yield return text is null ? TextRow.Bad($"row {row} has no text in '{origin.Column}'") : TextRow.Of(text, $"row {row}");
                }
        }
        finally
        {
            reader.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    /// <summary>The package believes what the structures at the end of a file say; a few damaged ones keep it busy for ever.</summary>
    private static ParquetReader Open(Stream stream, TextOrigin origin)
    {
        var opening = Task.Run(() => ParquetReader.CreateAsync(stream));
        if (Task.WaitAny([opening], LongestOpening) < 0)
            throw new FileFormatException(
                $"its end cannot be made sense of within {LongestOpening.TotalSeconds} s; get it again",
                origin.File
            );
        return opening.GetAwaiter().GetResult();
    }

    private static string?[] RowGroup(ParquetReader reader, int number, DataField column, TextOrigin origin)
    {
        using var group = reader.OpenRowGroupReader(number);
        if (group.RowCount is < 0 or > LargestRowGroup)
            throw new FileFormatException(
                $"row group {number} has {group.RowCount} rows; at most {LargestRowGroup} are read at once. Write it in smaller groups",
                origin.File
            );
        var texts = new string?[group.RowCount];
        // The file is local: what the package offers only as asynchronous ends before it returns.
        group.ReadAsync(column, texts.AsMemory()!).AsTask().GetAwaiter().GetResult();
        return texts;
    }
}
