using System.Buffers.Binary;
using System.Numerics;
using GemmaScope.Numerics;

namespace GemmaScope.Files;

/// <summary>Where one tensor lies: bytes from the start of the data on.</summary>
internal sealed record GgufEntry(string Name, DType Type, long[] Shape, long Begin, long Bytes);

/// <summary>
/// The header of a GGUF file: counts, metadata, the list of tensors. Everything the format promises is checked here, so that whoever
/// holds a header may trust its ranges.
/// </summary>
internal sealed class GgufHeader
{
    private const string AlignmentKey = "general.alignment";
    private const int DefaultAlignment = 32,
        MostDimensions = 4,
        // No file nests arrays; a few levels are allowed, and a damaged one is not followed into a deep stack.
        DeepestArray = 4;

    // The least that a pair (empty key, one byte) and a tensor (empty name, one dimension) take.
    private const int LeastPair = 13,
        LeastTensor = 32;

    private readonly GgufCursor _cursor;
    private readonly Dictionary<string, GgufValue> _values = new(StringComparer.Ordinal);
    private readonly Dictionary<string, GgufEntry> _entries = new(StringComparer.Ordinal);

    private GgufHeader(MappedFile file) => _cursor = new(file);

    /// <summary>The metadata by key, in the file's order.</summary>
    public IReadOnlyDictionary<string, GgufValue> Values => _values;

    /// <summary>The tensors by name.</summary>
    public IReadOnlyDictionary<string, GgufEntry> Entries => _entries;

    /// <summary>First byte of the data.</summary>
    public long DataStart { get; private set; }

    /// <summary>Version of the format.</summary>
    public uint Version { get; private set; }

    /// <summary>Reads and checks the header of a mapped file.</summary>
    /// <exception cref="FileFormatException">A rule of the format is broken.</exception>
    public static GgufHeader Read(MappedFile file)
    {
        var header = new GgufHeader(file);
        header.ReadStart();
        var tensors = header._cursor.Count(LeastTensor, "the number of tensors");
        var pairs = header._cursor.Count(LeastPair, "the number of metadata keys");
        for (long i = 0; i < pairs; i++)
            header.ReadPair(i);
        var alignment = header.Alignment(file);
        for (long i = 0; i < tensors; i++)
            header.ReadTensor(i, alignment);
        header.DataStart = (header._cursor.Position + alignment - 1) / alignment * alignment;
        header.CheckRanges(file.Length - header.DataStart);
        return header;
    }

    private void ReadStart()
    {
        if (_cursor.U32("the magic number") != BinaryPrimitives.ReadUInt32LittleEndian("GGUF"u8))
            throw Bad("does not begin with the magic bytes GGUF; it is no GGUF file, or the download went wrong");
        Version = _cursor.U32("the version");
        if (Version is 2 or 3)
            return;
        if (BinaryPrimitives.ReverseEndianness(Version) is > 0 and < 0x10000)
            throw Bad("is written in big-endian byte order, for other machines; get the little-endian file");
        throw Bad(
            $"has version {Version} of the format; versions 2 and 3 are read, {(Version < 2 ? "convert the model anew" : "the file is damaged or newer than this program")}"
        );
    }

    private void ReadPair(long index)
    {
        var key = _cursor.Name($"the metadata key {index}");
        var value = ReadValue(key);
        if (!_values.TryAdd(key, value))
            throw Bad($"has the metadata key '{key}' twice; the file is damaged");
    }

    private GgufValue ReadValue(string key)
    {
        var type = ValueType(key);
        if (type != GgufValueType.Array)
        {
            var value = new GgufValue(type, false, 1, _cursor.Position);
            SkipValues(type, 1, key, 0);
            return value;
        }
        var (element, count) = ArrayHead(key);
        var array = new GgufValue(element, true, count, _cursor.Position);
        SkipValues(element, count, key, 1);
        return array;
    }

    private GgufValueType ValueType(string key)
    {
        var type = _cursor.U32($"the type of '{key}'");
        return type <= (uint)GgufValueType.F64
            ? (GgufValueType)type
            : throw Bad($"the metadata key '{key}' has the value type {type}, which does not exist; the file is damaged");
    }

    private (GgufValueType Element, long Count) ArrayHead(string key)
    {
        var element = ValueType(key);
        var least = element switch
        {
            GgufValueType.Text => 8,
            GgufValueType.Array => 12,
            _ => GgufValue.Size(element),
        };
        return (element, _cursor.Count(least, $"the number of elements of '{key}'"));
    }

    private void SkipValues(GgufValueType type, long count, string key, int depth)
    {
        var what = $"the value of '{key}'";
        switch (type)
        {
            case GgufValueType.Text:
                for (long i = 0; i < count; i++)
                    _cursor.Text(what);
                break;
            case GgufValueType.Bool:
                for (long i = 0; i < count; i++)
                    if (_cursor.Byte(what) is var flag && flag > 1)
                        throw Bad($"the metadata key '{key}' is true or false, and holds the byte {flag}; the file is damaged");
                break;
            case GgufValueType.Array:
                if (depth >= DeepestArray)
                    throw Bad($"the metadata key '{key}' holds arrays in arrays, more than {DeepestArray} deep; the file is damaged");
                for (long i = 0; i < count; i++)
                {
                    var (element, inner) = ArrayHead(key);
                    SkipValues(element, inner, key, depth + 1);
                }
                break;
            default:
                // The count was checked against what is left, so the product does not overflow.
                _cursor.Skip(count * GgufValue.Size(type), what);
                break;
        }
    }

    private uint Alignment(MappedFile file)
    {
        if (!_values.TryGetValue(AlignmentKey, out var value))
            return DefaultAlignment;
        if (value.IsArray || value.Type != GgufValueType.U32)
            throw Bad($"'{AlignmentKey}' is {value}, and must be a u32");
        var alignment = BinaryPrimitives.ReadUInt32LittleEndian(file.Span(value.Offset, 4));
        return BitOperations.IsPow2(alignment)
            ? alignment
            : throw Bad($"'{AlignmentKey}' is {alignment}, and must be a power of two; the file is damaged");
    }

    private void ReadTensor(long index, uint alignment)
    {
        var name = _cursor.Name($"the name of tensor {index}");
        var what = $"the tensor '{name}'";
        var dimensions = _cursor.U32(what);
        if (dimensions is < 1 or > MostDimensions)
            throw Bad($"{what} has {dimensions} dimensions; 1 to {MostDimensions} are allowed");
        var shape = new long[dimensions];
        // Written fastest first; a shape here has its rows first.
        for (var i = (int)dimensions - 1; i >= 0; i--)
            shape[i] =
                _cursor.U64(what) is var n && n is > 0 and <= long.MaxValue
                    ? (long)n
                    : throw Bad($"{what} has a dimension of {n}; the file is damaged");
        var number = _cursor.U32(what);
        if (GgufTypes.Parse(number) is not { } type)
            throw Bad($"{what} has type {number}, {GgufTypes.Problem(number)}");
        var offset = _cursor.U64(what);
        if (offset > long.MaxValue || offset % alignment != 0)
            throw Bad($"{what} begins at {offset}, which is no multiple of the alignment {alignment} inside the file; it is damaged");
        if (!_entries.TryAdd(name, new GgufEntry(name, type, shape, (long)offset, BytesOf(what, type, shape))))
            throw Bad($"has {what} twice; the file is damaged");
    }

    private long BytesOf(string what, DType type, long[] shape)
    {
        var length = type.BlockLength();
        if (shape[^1] % length != 0)
            throw Bad($"{what} has rows of {shape[^1]} values, which are no whole blocks of {type} ({length} values); the file is damaged");
        long[] blocks = [.. shape[..^1], shape[^1] / length];
        var size = FileChecks.ByteSize(blocks, type.BlockBytes());
        return size >= 0 && FileChecks.ByteSize(shape, 1) >= 0 && shape[^1] <= int.MaxValue
            ? size
            : throw Bad($"{what} has the shape {FileChecks.Format(shape)}, whose size overflows; the file is damaged");
    }

    private void CheckRanges(long dataLength)
    {
        GgufEntry? before = null;
        foreach (var entry in _entries.Values.OrderBy(entry => entry.Begin))
        {
            if (entry.Begin > dataLength || entry.Bytes > dataLength - entry.Begin)
                throw Bad(
                    $"the tensor '{entry.Name}' ({entry.Type} {FileChecks.Format(entry.Shape)}, {entry.Bytes} bytes from {entry.Begin} on) extends "
                        + $"past the end of the file, whose data has {Math.Max(0, dataLength)} bytes; it is cut off, copy or download it again"
                );
            if (before is not null && entry.Begin < before.Begin + before.Bytes)
                throw Bad($"the tensors '{before.Name}' and '{entry.Name}' overlap; the file is damaged");
            before = entry;
        }
    }

    private FileFormatException Bad(string problem) => _cursor.Bad(problem);
}
