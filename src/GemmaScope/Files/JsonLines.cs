namespace GemmaScope.Files;

/// <summary>Reads files with one JSON object a line (<c>.jsonl</c>), packed or not.</summary>
public static class JsonLines
{
    private const string Extension = ".jsonl";

    /// <summary>The file of this name in a folder, packed or not, or null.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="name">The name without extension.</param>
    internal static string? Find(string folder, string name) =>
        Packings.Endings.Prepend("").Select(packed => Path.Combine(folder, name + Extension + packed)).FirstOrDefault(File.Exists);

    /// <summary>The names, without extension, of all such files in a folder.</summary>
    internal static IEnumerable<string> Names(string folder) =>
        Directory
            .EnumerateFiles(folder)
            .Select(Path.GetFileName)
            .OfType<string>()
            .Where(Is)
            .Select(name => name[..name.IndexOf(Extension, StringComparison.OrdinalIgnoreCase)])
            .Distinct()
            .Order(StringComparer.Ordinal);

    /// <summary>Whether a name is that of such a file.</summary>
    internal static bool Is(string path) => TextFile.KindOf(path) == Extension;

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
    public static IEnumerable<JsonSection> Read(string path) => Rows(path).Select(row => row.Needed());

    /// <summary>The rows of a file, those too that are no objects; blank lines are left out.</summary>
    /// <param name="path">The file.</param>
    /// <param name="longest">Bytes of a line at most.</param>
    /// <exception cref="FileFormatException">There is no such file, or it cannot be unpacked.</exception>
    public static IEnumerable<JsonRow> Rows(string path, int longest = TextFile.LongestLine)
    {
        using var stream = TextFile.Open(path);
        foreach (var row in Rows(stream, path, longest))
            yield return row;
    }

    /// <summary>How many rows a file has; none of them is looked at.</summary>
    /// <exception cref="FileFormatException">There is no such file, or it cannot be unpacked.</exception>
    public static long Count(string path)
    {
        using var stream = TextFile.Open(path);
        return TextLines.Read(stream).LongCount(line => !line.IsBlank);
    }

    /// <summary>The rows of a stream, each as soon as its line is complete.</summary>
    /// <param name="stream">As <see cref="TextFile.Open(Stream, string)"/> returns it; it stays open.</param>
    /// <param name="name">What it is called in errors.</param>
    /// <param name="longest">Bytes of a line at most.</param>
    public static IEnumerable<JsonRow> Rows(Stream stream, string name, int longest = TextFile.LongestLine) =>
        TextLines.Read(stream, longest).Where(line => !line.IsBlank).Select(line => new JsonRow(name, line));
}
