using System.Text;

namespace GemmaScope.Text;

/// <summary>
/// Documents from files: of a <c>.jsonl</c> file each line's <c>text</c>, of any other file the whole text (UTF-8), also packed with gzip
/// (<c>.gz</c>); of a folder all its files of such endings, in the order of their names. <see cref="TextFormats"/> takes more formats;
/// the workbench brings Parquet, CSV and Zstandard. Another column or field than <c>text</c> is named behind the path:
/// <c>corpus.jsonl#body</c>. Read lazily, one at a time.
/// </summary>
public static class TextDocuments
{
    /// <summary>Plain files above this size are better given as JSON lines, one document each.</summary>
    public const long LargestFile = 256L << 20;

    /// <summary>The column that is read where a path names none.</summary>
    public const string DefaultColumn = "text";

    /// <summary>What stands between a path and the column to be read.</summary>
    public const char ColumnMark = '#';

    /// <summary>The documents of some files and folders, one after another.</summary>
    /// <param name="paths">Files and folders, each with or without a column: <c>shards/#body</c>.</param>
    /// <exception cref="GemmaScopeException">A path does not exist, a folder holds no text, a file cannot be read, or has no such column;
    /// thrown when it is reached.</exception>
    public static IEnumerable<string> Read(IEnumerable<string> paths) => paths.SelectMany(Files).SelectMany(Documents);

    /// <summary>Finds out whether <see cref="Read"/> will find its files, before anything is made of them; reads none.</summary>
    /// <exception cref="FileFormatException">A path does not exist, or a folder holds no text.</exception>
    public static void Check(IEnumerable<string> paths)
    {
        foreach (var path in paths)
            _ = Files(path);
    }

    /// <summary>What a format throws where a file does not have the column that is asked for.</summary>
    /// <param name="origin">The file and the column.</param>
    /// <param name="columns">Those that could have been asked for.</param>
    public static FileFormatException NoColumn(TextOrigin origin, IEnumerable<string> columns) =>
        NoColumn("the file has no text column", origin, columns);

    internal static FileFormatException NoColumn(string what, TextOrigin origin, IEnumerable<string> columns)
    {
        var has = string.Join(", ", columns);
        return new(
            $"{what} '{origin.Column}'" + (has.Length == 0 ? "" : $"; it has {has}: name one as {Path.GetFileName(origin.File)}#COLUMN"),
            origin.File
        );
    }

    private static IReadOnlyList<TextOrigin> Files(string name)
    {
        var (path, column) = Split(name);
        if (File.Exists(path))
            return column is not null && TextFormats.Of(path).Format is not { HasColumns: true }
                ? throw new FileFormatException($"is plain text and has no column '{column}'", path)
                : [new(path, column ?? DefaultColumn)];
        if (!Directory.Exists(path))
            throw new FileFormatException("does not exist; name a text file, a .jsonl file or a folder of them", path);
        var found = Directory
            .EnumerateFiles(path, "*", new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true })
            // A folder of tables often has a page about them, which is not meant where a column is named.
            .Where(file => TextFormats.Of(file).Format is { } format && (column is null || format.HasColumns))
            .Order(StringComparer.Ordinal)
            .Select(file => new TextOrigin(file, column ?? DefaultColumn))
            .ToArray();
        return found.Length > 0 ? found : throw new FileFormatException($"holds no text ({Known()})", path);
    }

    private static string Known() =>
        string.Join(", ", TextFormats.Endings) + $", each also with {string.Join(" or ", TextFormats.PackedEndings)}";

    /// <summary>A path and its column; a file whose own name has the mark is taken as it is.</summary>
    private static (string Path, string? Column) Split(string name) =>
        !Path.Exists(name) && name.LastIndexOf(ColumnMark) is > 0 and var mark ? (name[..mark], name[(mark + 1)..]) : (name, null);

    private static IEnumerable<string> Documents(TextOrigin origin)
    {
        var (format, packing) = TextFormats.Of(origin.File);
        using var file = Reading(origin, () => File.OpenRead(origin.File));
        if (format is not { HasColumns: true } && file.Length > LargestFile)
            throw new FileFormatException(
                $"{file.Length} bytes are too many for one document (limit {LargestFile}); write it as JSON lines with a 'text' each",
                origin.File
            );
        using var stream = packing is null ? file : Reading(origin, () => packing.Unpack(file));
        using var documents = (format?.Read ?? TextFormats.Whole)(stream, origin).GetEnumerator();
        while (Reading(origin, documents.MoveNext))
            yield return documents.Current;
    }

    private static T Reading<T>(TextOrigin origin, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (DecoderFallbackException problem)
        {
            throw new FileFormatException("the file is not valid UTF-8; save the text as UTF-8", origin.File, problem);
        }
        catch (Exception problem) when (problem is UnauthorizedAccessException or IOException and not EndOfStreamException)
        {
            throw new FileFormatException($"the file cannot be read: {problem.Message}", origin.File, problem);
        }
        // Decoders of others throw whatever they come upon in a damaged file, wrong indices and impossible sizes among it.
        catch (Exception problem) when (problem is not (GemmaScopeException or OperationCanceledException))
        {
            throw new FileFormatException(
                $"the file is damaged, cut short, or not what its name says; get it again ({problem.Message})",
                origin.File,
                problem
            );
        }
    }
}
