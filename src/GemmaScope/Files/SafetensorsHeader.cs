using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Unicode;
using GemmaScope.Numerics;

namespace GemmaScope.Files;

/// <summary>Where one tensor lies: bytes [Begin, End) of the data section.</summary>
internal sealed record SafetensorsEntry(string Name, DType Type, long[] Shape, long Begin, long End);

/// <summary>
/// The header of a safetensors file: 8 bytes of length, then that many bytes of JSON, then the data. Everything the
/// format promises is checked here, so that whoever holds a header may trust its ranges.
/// </summary>
internal sealed class SafetensorsHeader
{
    /// <summary>Bytes of the length field in front of the JSON.</summary>
    public const int Prefix = 8;

    /// <summary>The one entry that is no tensor.</summary>
    public const string MetadataName = "__metadata__";

    /// <summary>The format's own limit for the JSON.</summary>
    public const int LongestJson = 100_000_000;

    private readonly string _file;
    private readonly Dictionary<string, SafetensorsEntry> _entries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);

    private SafetensorsHeader(string file) => _file = file;

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => _entries;

    /// <summary>The <c>__metadata__</c> strings.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>First byte of the data section in the file.</summary>
    public long DataStart { get; private set; }

    /// <summary>Reads and checks the header of a mapped file.</summary>
    /// <exception cref="FileFormatException">A rule of the format is broken.</exception>
    public static SafetensorsHeader Read(MappedFile file)
    {
        var header = new SafetensorsHeader(file.Path);
        var json = header.Locate(file);
        try
        {
            header.Parse(json);
        }
        catch (Exception problem) when (problem is JsonException or InvalidOperationException)
        {
            throw header.Bad($"the header is not valid JSON: {problem.Message}", problem);
        }
        header.CheckRanges(file.Length - header.DataStart);
        SafetensorsBlocks.Apply(file.Path, header._metadata, header._entries);
        return header;
    }

    private ReadOnlySpan<byte> Locate(MappedFile file)
    {
        if (file.Length < Prefix)
            throw Bad($"the file is too short to hold a header: {file.Length} bytes, at least {Prefix} are needed");
        var length = BinaryPrimitives.ReadUInt64LittleEndian(file.Span(0, Prefix));
        if (length > (ulong)(file.Length - Prefix))
        {
            throw Bad(
                $"the header length ({length}) is larger than the file ({file.Length} bytes); it is cut off or not a safetensors file"
            );
        }
        if (length > LongestJson)
            throw Bad($"the header length ({length}) is above the format's limit of {LongestJson}");
        DataStart = Prefix + (long)length;
        var json = file.Span(Prefix, (int)length);
        if (json.IsEmpty || json[0] != '{')
            throw Bad("the header is not valid JSON: it does not begin with '{'");
        if (!Utf8.IsValid(json))
            throw Bad("the header is not valid UTF-8");
        return json;
    }

    private void Parse(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read(); // the opening brace, already seen
        var sawMetadata = false;
        while (NextName(ref reader, out var name))
        {
            if (name == MetadataName)
            {
                if (sawMetadata)
                    throw Bad("the header names __metadata__ twice");
                sawMetadata = true;
                ParseMetadata(ref reader);
            }
            else if (!_entries.TryAdd(name, ParseEntry(name, ref reader)))
            {
                throw Bad($"the header names tensor {name} twice");
            }
        }
        reader.Read(); // throws where anything but white space follows
    }

    private void ParseMetadata(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            throw Bad("__metadata__ must be an object of strings");
        while (NextName(ref reader, out var key))
        {
            if (reader.TokenType != JsonTokenType.String)
                throw Bad($"__metadata__: the value of '{key}' must be a string");
            if (!_metadata.TryAdd(key, reader.GetString()!))
                throw Bad($"__metadata__ names '{key}' twice");
        }
    }

    private SafetensorsEntry ParseEntry(string tensor, ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            throw Bad($"tensor {tensor}: an object with dtype, shape and data_offsets is needed");
        string? type = null;
        long[]? shape = null,
            offsets = null;
        while (NextName(ref reader, out var key))
        {
            var repeated = key switch
            {
                "dtype" => type is not null,
                "shape" => shape is not null,
                "data_offsets" => offsets is not null,
                _ => false,
            };
            if (repeated)
                throw Bad($"tensor {tensor}: {key} is given twice");
            switch (key)
            {
                case "dtype":
                    type =
                        reader.TokenType == JsonTokenType.String
                            ? reader.GetString()
                            : throw Bad($"tensor {tensor}: dtype must be a string");
                    break;
                case "shape":
                    shape = ParseIntegers(tensor, "dimension", ref reader);
                    break;
                case "data_offsets":
                    offsets = ParseIntegers(tensor, "offset", ref reader);
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
        if (type is null || shape is null || offsets is null)
        {
            throw Bad($"tensor {tensor}: {(type is null ? "dtype" : shape is null ? "shape" : "data_offsets")} is missing");
        }
        if (offsets.Length != 2)
            throw Bad($"tensor {tensor}: data_offsets must be two numbers, found {offsets.Length}");
        return new SafetensorsEntry(tensor, ParseType(tensor, type), shape, offsets[0], offsets[1]);
    }

    private DType ParseType(string tensor, string name) =>
        SafetensorsTypes.Parse(name)
        ?? throw Bad(
            SafetensorsTypes.IsSubByte(name)
                ? $"tensor {tensor} has dtype {name}, which packs elements into less than a byte and is not supported; convert it to BF16"
                : $"tensor {tensor} has the unknown dtype {name}"
        );

    private long[] ParseIntegers(string tensor, string what, ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
            throw Bad($"tensor {tensor}: a list of {what}s is needed");
        var values = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var value))
            {
                throw Bad($"tensor {tensor}: a {what} is not a whole number below 2^63");
            }
            if (value < 0)
                throw Bad($"tensor {tensor} has a negative {what} ({value})");
            values.Add(value);
        }
        return [.. values];
    }

    /// <summary>Moves past the next property name of an object onto its value; false at the object's end.</summary>
    private static bool NextName(ref Utf8JsonReader reader, out string name)
    {
        name = "";
        if (!reader.Read() || reader.TokenType != JsonTokenType.PropertyName)
            return false;
        name = reader.GetString()!;
        return reader.Read();
    }

    /// <summary>The tensors, put in order of their offsets, must tile the data section exactly.</summary>
    private void CheckRanges(long dataLength)
    {
        foreach (var entry in _entries.Values)
            CheckEntry(entry, dataLength);

        long end = 0;
        string? before = null;
        foreach (var entry in _entries.Values.OrderBy(e => e.Begin).ThenBy(e => e.End))
        {
            if (entry.Begin < end)
                throw Bad($"tensors {before} and {entry.Name} overlap");
            if (entry.Begin > end)
            {
                throw Bad(
                    $"{entry.Begin - end} unused bytes {(before is null ? "before tensor" : $"between tensors {before} and")} {entry.Name}"
                );
            }
            (end, before) = (entry.End, entry.Name);
        }
        if (end != dataLength)
            throw Bad($"{dataLength - end} unused bytes after the last tensor");
    }

    private void CheckEntry(SafetensorsEntry entry, long dataLength)
    {
        var (name, shape) = (entry.Name, FileChecks.Format(entry.Shape));
        if (entry.End < entry.Begin)
            throw Bad($"tensor {name}: the byte range ends ({entry.End}) before it begins ({entry.Begin})");
        var size = FileChecks.ByteSize(entry.Shape, entry.Type.Size());
        if (size < 0)
            throw Bad($"tensor {name}: the size of its shape {shape} overflows");
        if (size != entry.End - entry.Begin)
        {
            throw Bad(
                $"tensor {name}: shape and byte range disagree, {SafetensorsTypes.NameOf(entry.Type)}{shape} needs {size} bytes, the range "
                    + $"has {entry.End - entry.Begin}"
            );
        }
        if (entry.End > dataLength)
        {
            throw Bad(
                $"tensor {name} extends past the end of the file by {entry.End - dataLength} bytes; the file is cut off, copy or download "
                    + "it again"
            );
        }
    }

    private FileFormatException Bad(string problem, Exception? inner = null) => new(problem, _file, inner);
}
