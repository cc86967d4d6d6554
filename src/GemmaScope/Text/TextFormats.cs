using System.Collections.Concurrent;
using System.IO.Compression;
using System.Text;
using System.Text.Json;

namespace GemmaScope.Text;

/// <summary>Where documents come from, for readers and their messages.</summary>
/// <param name="File">The file.</param>
/// <param name="Column">The column, or the field of a JSON line, that holds the documents.</param>
public sealed record TextOrigin(string File, string Column);

/// <summary>A kind of file that holds documents.</summary>
/// <param name="Ending">How names of such files end, with the dot.</param>
/// <param name="HasColumns">Whether one column of several is read.</param>
/// <param name="Read">The documents of a stream, one at a time. Whatever it throws is told as damage of the file.</param>
public sealed record TextFormat(string Ending, bool HasColumns, Func<Stream, TextOrigin, IEnumerable<string>> Read);

/// <summary>A way in which a file of any format may be packed.</summary>
/// <param name="Ending">What is added to the name, with the dot.</param>
/// <param name="Unpack">The unpacked stream of a packed one, which it owns.</param>
public sealed record TextPacking(string Ending, Func<Stream, Stream> Unpack);

/// <summary>
/// The formats that <see cref="TextDocuments"/> reads. The library knows plain text and JSON lines, packed with gzip or not; who brings
/// another package with readers registers them once, as with <see cref="Encoding.RegisterProvider"/>.
/// </summary>
public static class TextFormats
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private static readonly TextFormat Plain = new(".txt", HasColumns: false, Whole);

    private static readonly ConcurrentDictionary<string, TextFormat> Formats = new(StringComparer.OrdinalIgnoreCase);
    private static readonly ConcurrentDictionary<string, TextPacking> Packings = new(StringComparer.OrdinalIgnoreCase);

    static TextFormats()
    {
        Register(Plain);
        Register(Plain with { Ending = ".md" });
        Register(new TextFormat(".jsonl", HasColumns: true, JsonLines));
        Register(new TextPacking(".gz", packed => new GZipStream(packed, CompressionMode.Decompress)));
    }

    /// <summary>The endings of files that are looked for in folders.</summary>
    public static IReadOnlyList<string> Endings => [.. Formats.Keys.Order(StringComparer.Ordinal)];

    /// <summary>The endings that may follow those, of packed files.</summary>
    public static IReadOnlyList<string> PackedEndings => [.. Packings.Keys.Order(StringComparer.Ordinal)];

    /// <summary>Adds a format; one of the same ending is replaced.</summary>
    public static void Register(TextFormat format) => Formats[format.Ending] = format;

    /// <summary>Adds a packing; one of the same ending is replaced.</summary>
    public static void Register(TextPacking packing) => Packings[packing.Ending] = packing;

    /// <summary>A reader of text that refuses what is not UTF-8, instead of putting other letters in its place.</summary>
    public static StreamReader Utf8(Stream stream) => new(stream, Strict);

    /// <summary>The format and the packing that a name tells, or null where it tells none.</summary>
    internal static (TextFormat? Format, TextPacking? Packing) Of(string file)
    {
        var ending = Path.GetExtension(file);
        var packing = Packings.GetValueOrDefault(ending);
        if (packing is not null)
            ending = Path.GetExtension(file[..^ending.Length]);
        return (Formats.GetValueOrDefault(ending), packing);
    }

    /// <summary>The whole file as one document, whatever its name.</summary>
    internal static IEnumerable<string> Whole(Stream stream, TextOrigin origin)
    {
        using var reader = Utf8(stream);
        var (text, block) = (new StringBuilder(), new char[1 << 16]);
        while (reader.Read(block) is > 0 and var read)
            if (text.Append(block, 0, read).Length > TextDocuments.LargestFile)
                throw new FileFormatException(
                    $"more than {TextDocuments.LargestFile} letters are too many for one document; "
                        + $"write it as JSON lines with a '{origin.Column}' each",
                    origin.File
                );
        yield return text.ToString();
    }

    private static IEnumerable<string> JsonLines(Stream stream, TextOrigin origin)
    {
        using var lines = Utf8(stream);
        for (var number = 1; lines.ReadLine() is { } line; number++)
            if (!string.IsNullOrWhiteSpace(line))
                yield return Field(line, number, origin);
    }

    private static string Field(string line, int number, TextOrigin origin)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            if (json.RootElement.ValueKind != JsonValueKind.Object)
                throw new FileFormatException($"line {number} has no string '{origin.Column}'", origin.File);
            if (json.RootElement.TryGetProperty(origin.Column, out var text) && text.ValueKind == JsonValueKind.String)
                return text.GetString()!;
            var strings = json.RootElement.EnumerateObject().Where(field => field.Value.ValueKind == JsonValueKind.String);
            throw TextDocuments.NoColumn($"line {number} has no string", origin, strings.Select(field => field.Name));
        }
        catch (Exception problem) when (problem is JsonException or InvalidOperationException)
        {
            throw new FileFormatException($"line {number} is not valid JSON: {problem.Message}", origin.File, problem);
        }
    }
}
