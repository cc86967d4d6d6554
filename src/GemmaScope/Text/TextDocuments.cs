using GemmaScope.Files;

namespace GemmaScope.Text;

/// <summary>
/// Documents from files: of a <c>.jsonl</c> file each line's <c>text</c>, of a table (<c>.csv</c>, <c>.tsv</c>) each row's, of any other
/// file the whole text (UTF-8); each also packed with gzip (<c>.gz</c>); of a folder all its files of such endings, in the order of their
/// names. <see cref="TextFormats"/> takes more formats and <see cref="Packings"/> more packings; the workbench brings Parquet and
/// Zstandard. Another column or field than <c>text</c> is named behind the path: <c>corpus.jsonl#body</c>. Read lazily, one at a time.
/// </summary>
public static class TextDocuments
{
    /// <summary>Plain files above this size are better given as JSON lines, one document each.</summary>
    public const long LargestFile = 256L << 20;

    /// <summary>The column that is read where none is named.</summary>
    public const string DefaultColumn = "text";

    /// <summary>What stands between a path and the column to be read.</summary>
    public const char ColumnMark = '#';

    /// <summary>The texts of some files and folders, one after another.</summary>
    /// <param name="paths">Files and folders, each with or without a column: <c>shards/#body</c>.</param>
    /// <exception cref="GemmaScopeException">A path does not exist, a folder holds no text, a file cannot be read, or has no such column;
    /// thrown when it is reached.</exception>
    public static IEnumerable<string> Read(IEnumerable<string> paths) => new TextCorpus([.. paths]).Texts();

    /// <summary>Finds out whether <see cref="Read"/> will find its files, before anything is made of them; reads none.</summary>
    /// <exception cref="FileFormatException">A path does not exist, or a folder holds no text.</exception>
    public static void Check(IEnumerable<string> paths)
    {
        foreach (var path in paths)
            _ = Files(path, new());
    }

    /// <summary>What a format throws where a file does not have the column that is asked for.</summary>
    /// <param name="origin">The file and the column.</param>
    /// <param name="columns">Those that could have been asked for.</param>
    public static FileFormatException NoColumn(TextOrigin origin, IEnumerable<string> columns) =>
        new(NoColumn("the file has no text column", origin, columns), origin.File);

    internal static string NoColumn(string what, TextOrigin origin, IEnumerable<string> columns)
    {
        var has = string.Join(", ", columns);
        return $"{what} '{origin.Column}'"
            + (has.Length == 0 ? "" : $"; it has {has}: name one as {Path.GetFileName(origin.File)}{ColumnMark}COLUMN");
    }

    /// <summary>The files that a name stands for, each with the column that is read.</summary>
    internal static IReadOnlyList<TextOrigin> Files(string name, TextReading reading)
    {
        var (path, named) = Split(name);
        // A file of that name counts before what comes along.
        if (!Path.Exists(path) && DemoFiles.FindTexts(path) is { } demo)
            path = demo;
        var column = named ?? reading.TextColumn;
        if (File.Exists(path))
        {
            FileChecks.LengthOf(path);
            return named is not null && TextFormats.Of(path) is not { HasColumns: true }
                ? throw new FileFormatException($"is plain text and has no column '{named}'", path)
                : [Origin(path)];
        }
        if (!Directory.Exists(path))
            throw new FileFormatException(
                $"does not exist; name a text file, a .jsonl file or a folder of them, or {DemoFiles.Texts} for the texts that come along",
                path
            );
        var found = Directory
            .EnumerateFiles(path, "*", new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true })
            // A folder of tables often has a page about them, which is not meant where a column is named.
            .Where(file => TextFormats.InFolder(file) is { } format && (column is null || format.HasColumns))
            .Order(StringComparer.Ordinal)
            .Select(Origin)
            .ToArray();
        return found.Length > 0 ? found : throw new FileFormatException($"holds no text ({Known()})", path);

        TextOrigin Origin(string file) =>
            new(file, column ?? DefaultColumn) { IsColumnNamed = column is not null, LongestRow = reading.LongestLine };
    }

    /// <summary>The rows of a file, good and bad.</summary>
    internal static IEnumerable<TextRow> Rows(TextOrigin origin)
    {
        var format = TextFormats.Of(origin.File);
        using var stream = TextFile.Open(origin.File);
        using var rows = (format?.Read ?? TextFormats.Whole)(stream, origin).GetEnumerator();
        while (Reading(origin, rows.MoveNext))
            yield return rows.Current;
    }

    private static string Known() => string.Join(", ", TextFormats.Endings) + $", each also with {string.Join(" or ", Packings.Endings)}";

    /// <summary>A path and its column; a file whose own name has the mark is taken as it is.</summary>
    private static (string Path, string? Column) Split(string name) =>
        !Path.Exists(name) && name.LastIndexOf(ColumnMark) is > 0 and var mark ? (name[..mark], name[(mark + 1)..]) : (name, null);

    private static bool Reading(TextOrigin origin, Func<bool> read)
    {
        try
        {
            return read();
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
