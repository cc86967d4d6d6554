using GemmaScope.Text;
using Parquet;
using Parquet.Schema;

namespace GemmaScope.Workbench;

/// <summary>A column of a Parquet file: strings, lists of token ids, or conversations. One row group of that column is in memory at a
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
            var columns = new ParquetColumns(reader.Schema.GetDataFields());
            var column =
                TextColumns.Of(origin).Select(columns.Find).FirstOrDefault(found => found is not null)
                ?? throw TextDocuments.NoColumn(origin, columns.Names);
            var row = 0L;
            for (var number = 0; number < reader.RowGroupCount; number++)
            {
                using var group = reader.OpenRowGroupReader(number);
                Check(group, number, origin);
                foreach (var read in column.Rows(group, row))
                {
                    row++;
                    yield return read;
                }
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

    private static void Check(ParquetRowGroupReader group, int number, TextOrigin origin)
    {
        if (group.RowCount is < 0 or > LargestRowGroup)
            throw new FileFormatException(
                $"row group {number} has {group.RowCount} rows; at most {LargestRowGroup} are read at once. Write it in smaller groups",
                origin.File
            );
    }
}
