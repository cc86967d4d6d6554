using System.Globalization;
using GemmaScope.Numerics;

namespace GemmaScope.Files;

/// <summary>
/// Matrices of block types in safetensors files, which know no such type. One lies as U8 [rows, bytes of a row], which any reader takes, and
/// the file's <c>__metadata__</c> says what the bytes are: <c>gemmascope.blocks</c> has the version of these rules, and
/// <c>gemmascope.blocks.NAME</c> the type and the shape of the values, e.g. <c>Q8_0 9216 2304</c>, of the matrices of many experts in one
/// tensor <c>Q8_0 128 1408 2816</c>.
/// </summary>
internal static class SafetensorsBlocks
{
    /// <summary>The key of the version; with a dot and a tensor's name behind it, the key of what that tensor is.</summary>
    public const string Key = "gemmascope.blocks";

    /// <summary>The version that is written.</summary>
    public const string Version = "1";

    private const string Prefix = Key + ".";

    /// <summary>Metadata with what a reader must know of tensors that are written.</summary>
    public static IReadOnlyDictionary<string, string>? Describe(
        IEnumerable<TensorSource> tensors,
        IReadOnlyDictionary<string, string>? metadata
    )
    {
        TensorSource[] blocks = [.. tensors.Where(tensor => tensor.Type.IsBlockType())];
        if (blocks.Length == 0)
            return metadata;
        var all = new Dictionary<string, string>(metadata ?? new Dictionary<string, string>(), StringComparer.Ordinal) { [Key] = Version };
        foreach (var tensor in blocks)
            all[Prefix + tensor.Name] =
                $"{tensor.Type} {string.Join(' ', tensor.Shape.Select(size => size.ToString(CultureInfo.InvariantCulture)))}";
        return all;
    }

    /// <summary>The bytes of a block matrix as the format knows them.</summary>
    public static (DType Type, IReadOnlyList<long> Shape) Stored(DType type, IReadOnlyList<long> shape) =>
        type.IsBlockType() ? (DType.U8, [.. shape.SkipLast(1), type.ByteLength(shape[^1])]) : (type, shape);

    /// <summary>Gives tensors of bytes the type and shape that the metadata says they have.</summary>
    /// <exception cref="FileFormatException">What it says cannot be, or is of another version.</exception>
    public static void Apply(string file, IReadOnlyDictionary<string, string> metadata, Dictionary<string, SafetensorsEntry> entries)
    {
        metadata.TryGetValue(Key, out var version);
        if (version is not null and not Version)
            throw new FileFormatException(
                $"holds quantised weights in version '{version}' of this form, and {Version} is known; take a newer GemmaScope, or make them anew",
                file
            );
        foreach (var (key, value) in metadata)
        {
            if (!key.StartsWith(Prefix, StringComparison.Ordinal))
                continue;
            if (version is null)
                throw new FileFormatException($"__metadata__ has '{key}', but not '{Key}', which says in which version", file);
            var name = key[Prefix.Length..];
            entries[name] = entries.TryGetValue(name, out var entry)
                ? Read(file, entry, value)
                : throw new FileFormatException($"__metadata__ has '{key}', but there is no such tensor", file);
        }
    }

    private static SafetensorsEntry Read(string file, SafetensorsEntry entry, string value)
    {
        var words = value.Split(' ');
        var shape = new long[words.Length - 1];
        for (var i = 0; i < shape.Length; i++)
            if (!IsNumber(words[i + 1], out shape[i]))
                throw Bad($"'{value}' is no block type with sizes");
        if (shape.Length < 2)
            throw Bad($"'{value}' is no block type with two sizes or more");
        if (!Enum.TryParse<DType>(words[0], out var type) || !type.IsBlockType() || type.ToString() != words[0])
            throw Bad($"'{words[0]}' is no block type that is known");
        var columns = shape[^1];
        if (entry.Type != DType.U8 || entry.Shape.Length != shape.Length)
            throw Bad($"it is {SafetensorsTypes.NameOf(entry.Type)}{FileChecks.Format(entry.Shape)}, where U8 [rows, bytes] is needed");
        if (columns == 0 || columns % type.BlockLength() != 0 || columns > int.MaxValue)
            throw Bad($"a row of {columns} values is no whole number of blocks of {type.BlockLength()}");
        long[] bytes = [.. Stored(type, shape).Shape];
        if (!entry.Shape.AsSpan().SequenceEqual(bytes))
            throw Bad(
                $"{type} {FileChecks.Format(shape)} takes {FileChecks.Format(bytes)} bytes, and there are {FileChecks.Format(entry.Shape)}"
            );
        return entry with { Type = type, Shape = shape };

        FileFormatException Bad(string problem) => new($"tensor {entry.Name}, blocks of quantised weights: {problem}", file);
    }

    private static bool IsNumber(string word, out long number) =>
        long.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
