using System.IO.Compression;
using System.Text;
using System.Text.Json;

namespace GemmaScope.Text;

/// <summary>
/// Documents from files: of a <c>.jsonl</c> or <c>.jsonl.gz</c> file each line's <c>text</c>, of any other file the whole text (UTF-8); of
/// a
/// folder all its <c>.txt</c>, <c>.md</c>, <c>.jsonl</c> and <c>.jsonl.gz</c> files, in the order of their names. Read lazily, one at a
/// time.
/// </summary>
public static class TextDocuments
{
    /// <summary>Plain files above this size are better given as JSON lines, one document each.</summary>
    public const long LargestFile = 256L << 20;

    private static readonly string[] Endings = [".txt", ".md", ".jsonl", ".jsonl.gz"];
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The documents of some files and folders, one after another.</summary>
    /// <exception cref="GemmaScopeException">A path does not exist, a folder holds no text, or a file cannot be read; thrown when it is
    /// reached.</exception>
    public static IEnumerable<string> Read(IEnumerable<string> paths) => paths.SelectMany(Files).SelectMany(Documents);

    /// <summary>Finds out whether <see cref="Read"/> will find its files, before anything is made of them; reads none.</summary>
    /// <exception cref="FileFormatException">A path does not exist, or a folder holds no text.</exception>
    public static void Check(IEnumerable<string> paths)
    {
        foreach (var path in paths)
            _ = Files(path);
    }

    private static IEnumerable<string> Files(string path)
    {
        if (File.Exists(path))
            return [path];
        if (!Directory.Exists(path))
            throw new FileFormatException("does not exist; name a text file, a .jsonl file or a folder of them", path);
        var found = Directory
            .EnumerateFiles(path, "*", new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true })
            .Where(file => Endings.Any(ending => Ends(file, ending)))
            .Order(StringComparer.Ordinal)
            .ToArray();
        return found.Length > 0 ? found : throw new FileFormatException($"holds no text ({string.Join(", ", Endings)})", path);
    }

    private static IEnumerable<string> Documents(string file) =>
        Ends(file, ".jsonl") || Ends(file, ".jsonl.gz") ? Lines(file) : [Reading(file, () => Whole(file))];

    private static bool Ends(string file, string ending) => file.EndsWith(ending, StringComparison.OrdinalIgnoreCase);

    private static string Whole(string file)
    {
        var length = new FileInfo(file).Length;
        if (length > LargestFile)
            throw new FileFormatException(
                $"{length} bytes are too many for one document (limit {LargestFile}); write it as JSON lines with a 'text' each",
                file
            );
        return File.ReadAllText(file, Strict);
    }

    private static IEnumerable<string> Lines(string file)
    {
        using var stream = Reading(file, () => File.OpenRead(file));
        using Stream unpacked = Ends(file, ".gz") ? new GZipStream(stream, CompressionMode.Decompress) : stream;
        using var lines = new StreamReader(unpacked, Strict);
        for (var number = 1; Reading(file, lines.ReadLine) is { } line; number++)
            if (!string.IsNullOrWhiteSpace(line))
                yield return TextOf(line, number, file);
    }

    private static string TextOf(string line, int number, string file)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            if (
                json.RootElement.ValueKind == JsonValueKind.Object
                && json.RootElement.TryGetProperty("text", out var text)
                && text.ValueKind == JsonValueKind.String
            )
                return text.GetString()!;
        }
        catch (Exception problem) when (problem is JsonException or InvalidOperationException)
        {
            throw new FileFormatException($"line {number} is not valid JSON: {problem.Message}", file, problem);
        }
        throw new FileFormatException($"line {number} has no string 'text'", file);
    }

    private static T Reading<T>(string file, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (DecoderFallbackException problem)
        {
            throw new FileFormatException("the file is not valid UTF-8; save the text as UTF-8", file, problem);
        }
        catch (InvalidDataException problem)
        {
            throw new FileFormatException("the file is not packed with gzip, or damaged; get it again", file, problem);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new FileFormatException($"the file cannot be read: {problem.Message}", file, problem);
        }
    }
}
