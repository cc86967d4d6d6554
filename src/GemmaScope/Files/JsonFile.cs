using System.IO.Compression;
using System.Text.Json;
using System.Text.Unicode;

namespace GemmaScope.Files;

/// <summary>Reads small JSON files (config.json, an index of shards …) strictly: no comments, no trailing commas. A name that ends with
/// <c>.gz</c> is unpacked.</summary>
public static class JsonFile
{
    /// <summary>Files above this size are no configuration.</summary>
    public const int LargestFile = 64 << 20;

    private static ReadOnlySpan<byte> ByteOrderMark => "\uFEFF"u8;

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 64 };

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

    /// <summary>Reads a file of any JSON value; a name ending in <c>.gz</c> is unpacked.</summary>
    internal static JsonElement ReadRoot(string path)
    {
        var length = FileChecks.LengthOf(path);
        if (length == 0)
            throw new FileFormatException("the file is empty; copy or download it again", path);
        if (length > LargestFile)
            throw new FileFormatException($"{length} bytes are too many for a JSON configuration (limit {LargestFile})", path);
        try
        {
            var bytes = path.EndsWith(".gz", StringComparison.Ordinal) ? Unpacked(path) : File.ReadAllBytes(path);
            FileStandIn.Refuse(bytes, path);
            // Editors of another system put a byte order mark in front, which the parser would not take.
            var text = bytes.AsMemory(bytes.AsSpan().StartsWith(ByteOrderMark) ? ByteOrderMark.Length : 0);
            CheckText(text.Span, path);
            using var document = JsonDocument.Parse(text, Strict);
            return document.RootElement.Clone();
        }
        catch (JsonException problem)
        {
            throw new FileFormatException($"the file is not valid JSON: {problem.Message}", path, problem);
        }
        catch (InvalidDataException problem)
        {
            throw new FileFormatException("not a gzip file, or damaged; get it again", path, problem);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw FileChecks.Unreadable(path, problem);
        }
    }

    private static byte[] Unpacked(string path)
    {
        using var unpacking = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var whole = new MemoryStream();
        var buffer = new byte[1 << 16];
        while (unpacking.Read(buffer) is > 0 and var count)
        {
            whole.Write(buffer, 0, count);
            if (whole.Length > LargestFile)
                throw new FileFormatException($"unpacks to more than {LargestFile} bytes, too many for a JSON configuration", path);
        }
        return whole.ToArray();
    }

    /// <summary>The parser leaves text alone until it is asked for; half a surrogate pair or broken UTF-8 must not wait till
    /// then.</summary>
    internal static void CheckText(ReadOnlySpan<byte> bytes, string path)
    {
        if (!Utf8.IsValid(bytes))
            throw new FileFormatException("the file is not valid UTF-8", path);
        var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { MaxDepth = Strict.MaxDepth });
        try
        {
            while (reader.Read())
            {
                if (reader.ValueIsEscaped)
                    reader.GetString();
            }
        }
        catch (InvalidOperationException problem)
        {
            throw new FileFormatException($"the file holds text that is not valid Unicode: {problem.Message}", path, problem);
        }
    }
}
