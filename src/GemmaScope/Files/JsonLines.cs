using System.IO.Compression;
using System.Text;
using System.Text.Json;

namespace GemmaScope.Files;

/// <summary>Reads files with one JSON object a line, plain (<c>.jsonl</c>) or gzipped (<c>.jsonl.gz</c>).</summary>
public static class JsonLines
{
    private static readonly string[] s_extensions = [".jsonl", ".jsonl.gz"];

    /// <summary>The file of this name in a folder, plain or gzipped, or null.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="name">The name without extension.</param>
    internal static string? Find(string folder, string name) =>
        s_extensions.Select(extension => Path.Combine(folder, name + extension)).FirstOrDefault(File.Exists);

    /// <summary>The names, without extension, of all such files in a folder.</summary>
    internal static IEnumerable<string> Names(string folder) =>
        Directory
            .EnumerateFiles(folder)
            .Select(Path.GetFileName)
            .OfType<string>()
            .Where(name => s_extensions.Any(extension => name.EndsWith(extension, StringComparison.Ordinal)))
            .Select(name => name[..name.IndexOf(".jsonl", StringComparison.Ordinal)])
            .Distinct()
            .Order(StringComparer.Ordinal);

    /// <summary>Whether the first line of a file has all these values.</summary>
    internal static bool Has(string path, params ReadOnlySpan<string> keys)
    {
        if (Read(path).FirstOrDefault() is not { } first)
            return false;
        foreach (var key in keys)
            if (!first.Has(key))
                return false;
        return true;
    }

    /// <summary>The objects of a file, in order.</summary>
    /// <exception cref="FileFormatException">There is no such file, a line is not a JSON object, or the file cannot be
    /// unpacked.</exception>
    public static IEnumerable<JsonSection> Read(string path)
    {
        FileChecks.LengthOf(path);
        using var file = File.OpenRead(path);
        using Stream stream = path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionMode.Decompress) : file;
        foreach (var line in Read(stream, path))
            yield return line;
    }

    /// <summary>The objects of a stream, each as soon as its line is complete.</summary>
    /// <exception cref="FileFormatException">A line is not a JSON object.</exception>
    /// <param name="stream">UTF-8, not packed; it is closed at the end.</param>
    /// <param name="path">What it is called in errors.</param>
    public static IEnumerable<JsonSection> Read(Stream stream, string path)
    {
        using var reader = new StreamReader(stream);
        for (var number = 1; ReadLine(reader, path) is { } line; number++)
            if (line.Length > 0)
                yield return Parse(line, path, number);
    }

    private static string? ReadLine(StreamReader reader, string path)
    {
        try
        {
            return reader.ReadLine();
        }
        catch (InvalidDataException e)
        {
            throw new FileFormatException("not a gzip file, or damaged; get it again", path, e);
        }
    }

    private static JsonSection Parse(string line, string path, int number)
    {
        try
        {
            JsonFile.CheckText(Encoding.UTF8.GetBytes(line), path);
            var value = JsonElement.Parse(line);
            return value.ValueKind == JsonValueKind.Object
                ? new($"{path} line {number}", "", value)
                : throw new FileFormatException($"line {number} is not a JSON object", path);
        }
        catch (JsonException e)
        {
            throw new FileFormatException($"line {number} is not JSON: {e.Message}", path, e);
        }
    }
}
