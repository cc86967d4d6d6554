using System.Text.Json;

namespace GemmaScope.Files;

/// <summary>Reads small JSON files (config.json, an index of shards …) strictly: no comments, no trailing commas; packed files are
/// unpacked.</summary>
public static class JsonFile
{
    /// <summary>Files above this size are no configuration.</summary>
    public const int LargestFile = 64 << 20;

    /// <summary>Reads a file whose outermost value is an object.</summary>
    /// <exception cref="FileFormatException">The file is missing, too large, not JSON, or not an object.</exception>
    public static JsonSection Read(string path)
    {
        var root = ReadRoot(path);
        return root.ValueKind == JsonValueKind.Object
            ? new JsonSection(path, "", root)
            : throw new FileFormatException("a JSON object is needed", path);
    }

    /// <summary>Reads a file whose outermost value is a list of objects.</summary>
    /// <exception cref="FileFormatException">The file is missing, too large, not JSON, or not a list of objects.</exception>
    public static IReadOnlyList<JsonSection> ReadList(string path)
    {
        var root = ReadRoot(path);
        if (root.ValueKind != JsonValueKind.Array || root.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.Object))
            throw new FileFormatException("a JSON list of objects is needed", path);
        return [.. root.EnumerateArray().Select((item, i) => new JsonSection(path, $"[{i}].", item))];
    }

    /// <summary>Reads a file whose outermost value is a list of strings.</summary>
    /// <exception cref="FileFormatException">The file is missing, too large, not JSON, or not a list of strings.</exception>
    internal static IReadOnlyList<string> ReadTexts(string path)
    {
        var root = ReadRoot(path);
        if (root.ValueKind != JsonValueKind.Array)
            throw new FileFormatException("a JSON list of strings is needed", path);
        return
        [
            .. root.EnumerateArray()
                .Select(
                    (item, i) =>
                        item.ValueKind == JsonValueKind.String
                            ? item.GetString()!
                            : throw new FileFormatException($"entry {i + 1} of the list is no string", path)
                ),
        ];
    }

    /// <summary>Reads a file of any JSON value, packed or not.</summary>
    internal static JsonElement ReadRoot(string path)
    {
        var length = FileChecks.LengthOf(path);
        if (length == 0)
            throw new FileFormatException("the file is empty; copy or download it again", path);
        if (length > LargestFile)
            throw new FileFormatException($"{length} bytes are too many for a JSON configuration (limit {LargestFile})", path);
        var bytes = TextFile.Bytes(path, LargestFile);
        FileStandIn.Refuse(bytes, path);
        var (value, problem) = JsonText.Read(bytes);
        return problem is null ? value : throw new FileFormatException($"the file is not valid JSON: {problem}", path);
    }
}
