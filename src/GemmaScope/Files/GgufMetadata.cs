using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace GemmaScope.Files;

/// <summary>
/// The keys of a GGUF file. A value that is absent reads as null, so a default is <c>?? value</c> and a demand is
/// <c>?? throw metadata.Missing(key)</c>; a value of another type is an error that names file and key.
/// </summary>
internal sealed class GgufMetadata(MappedFile file, IReadOnlyDictionary<string, GgufValue> values)
{
    /// <summary>Longer lists are counted, not listed.</summary>
    private const int LongestShown = 16;

    /// <summary>The file.</summary>
    public string File => file.Path;

    /// <summary>All keys in the file's order.</summary>
    public IEnumerable<string> Keys => values.Keys;

    public bool Has(string key) => values.ContainsKey(key);

    /// <summary>The string, or null.</summary>
    public string? Text(string key)
    {
        if (Find(key, GgufValueType.Text) is not { } value)
            return null;
        var offset = value.Offset;
        return TextAt(ref offset);
    }

    /// <summary>The whole number, or null.</summary>
    public int? Integer(string key)
    {
        if (!values.TryGetValue(key, out var value))
            return null;
        if (value.IsArray || WholeAt(value.Type, value.Offset) is not { } number)
            throw Wrong(key, "a whole number", value);
        return number >= int.MinValue && number <= int.MaxValue ? (int)number : throw Bad(key, $"is {number}, which is too large");
    }

    /// <summary>The number, or null.</summary>
    public double? Number(string key)
    {
        if (!values.TryGetValue(key, out var value))
            return null;
        return !value.IsArray && NumberAt(value.Type, value.Offset) is { } number ? number : throw Wrong(key, "a number", value);
    }

    /// <summary>True or false, or null.</summary>
    public bool? Flag(string key) => Find(key, GgufValueType.Bool) is { } value ? file.Span(value.Offset, 1)[0] != 0 : null;

    /// <summary>The list of strings, or null.</summary>
    public string[]? Texts(string key)
    {
        if (FindArray(key, "strings", type => type == GgufValueType.Text) is not { } value)
            return null;
        var texts = new string[value.Count];
        var offset = value.Offset;
        for (var i = 0; i < texts.Length; i++)
            texts[i] = TextAt(ref offset);
        return texts;
    }

    /// <summary>The list of numbers, or null.</summary>
    public float[]? Singles(string key)
    {
        if (FindArray(key, "numbers", type => type is GgufValueType.F32 or GgufValueType.F64) is not { } value)
            return null;
        var (numbers, size) = (new float[value.Count], GgufValue.Size(value.Type));
        for (var i = 0; i < numbers.Length; i++)
            numbers[i] = (float)NumberAt(value.Type, value.Offset + (long)i * size)!.Value;
        return numbers;
    }

    /// <summary>The list of whole numbers, or of flags, which count as 0 and 1; or null.</summary>
    public long[]? Integers(string key)
    {
        if (FindArray(key, "whole numbers", IsWhole) is not { } value)
            return null;
        var (numbers, size) = (new long[value.Count], GgufValue.Size(value.Type));
        for (var i = 0; i < numbers.Length; i++)
        {
            var offset = value.Offset + (long)i * size;
            numbers[i] =
                value.Type == GgufValueType.Bool
                    ? Math.Sign(file.Span(offset, 1)[0])
                    : (long)Int128.Clamp(WholeAt(value.Type, offset)!.Value, long.MinValue, long.MaxValue);
        }
        return numbers;
    }

    /// <summary>The number of elements of an array, or null.</summary>
    public long? Count(string key) => values.TryGetValue(key, out var value) && value.IsArray ? value.Count : null;

    /// <summary>The bytes of an array of bytes, or null.</summary>
    public byte[]? Bytes(string key) =>
        FindArray(key, "bytes", type => type is GgufValueType.U8 or GgufValueType.I8) is { } value
            ? file.Span(value.Offset, checked((int)value.Count)).ToArray()
            : null;

    /// <summary>All keys with their values for people; long lists are counted.</summary>
    public IEnumerable<KeyValuePair<string, string>> Shown() => values.Select(pair => KeyValuePair.Create(pair.Key, Show(pair.Value)));

    /// <summary>The error for a key that is not there.</summary>
    public FileFormatException Missing(string key) =>
        new($"the metadata key '{key}' is missing; the file is incomplete, get another", File);

    /// <summary>The error for a value that cannot be used.</summary>
    public FileFormatException Bad(string key, string problem) => new($"the metadata key '{key}' {problem}", File);

    private string Show(GgufValue value)
    {
        if (value.Type == GgufValueType.Array || value.Count > LongestShown)
            return value.IsArray ? $"[{value.Count} values]" : value.ToString();
        var parts = new List<string>();
        var offset = value.Offset;
        for (var i = 0; i < value.Count; i++)
        {
            if (value.Type == GgufValueType.Text)
            {
                parts.Add(TextAt(ref offset));
                continue;
            }
            parts.Add(Show(value.Type, offset));
            offset += GgufValue.Size(value.Type);
        }
        return value.IsArray ? $"[{string.Join(", ", parts)}]" : parts[0];
    }

    private string Show(GgufValueType type, long offset) =>
        type switch
        {
            GgufValueType.Bool => file.Span(offset, 1)[0] != 0 ? "true" : "false",
            GgufValueType.F32 => BinaryPrimitives.ReadSingleLittleEndian(file.Span(offset, 4)).ToString(CultureInfo.InvariantCulture),
            GgufValueType.F64 => BinaryPrimitives.ReadDoubleLittleEndian(file.Span(offset, 8)).ToString(CultureInfo.InvariantCulture),
            _ => WholeAt(type, offset)!.Value.ToString(CultureInfo.InvariantCulture),
        };

    private GgufValue? Find(string key, GgufValueType type) =>
        !values.TryGetValue(key, out var value) ? null
        : !value.IsArray && value.Type == type ? value
        : throw Wrong(key, type == GgufValueType.Text ? "a string" : "true or false", value);

    private GgufValue? FindArray(string key, string what, Func<GgufValueType, bool> fits) =>
        !values.TryGetValue(key, out var value) ? null
        : value.IsArray && fits(value.Type) && value.Count <= Array.MaxLength ? value
        : throw Wrong(key, $"an array of {what}", value);

    private static bool IsWhole(GgufValueType type) =>
        type is not (GgufValueType.F32 or GgufValueType.F64 or GgufValueType.Text or GgufValueType.Array);

    private double? NumberAt(GgufValueType type, long offset) =>
        type switch
        {
            GgufValueType.F32 => BinaryPrimitives.ReadSingleLittleEndian(file.Span(offset, 4)),
            GgufValueType.F64 => BinaryPrimitives.ReadDoubleLittleEndian(file.Span(offset, 8)),
            _ => (double?)WholeAt(type, offset),
        };

    private Int128? WholeAt(GgufValueType type, long offset) =>
        type switch
        {
            GgufValueType.U8 => file.Span(offset, 1)[0],
            GgufValueType.I8 => (sbyte)file.Span(offset, 1)[0],
            GgufValueType.U16 => BinaryPrimitives.ReadUInt16LittleEndian(file.Span(offset, 2)),
            GgufValueType.I16 => BinaryPrimitives.ReadInt16LittleEndian(file.Span(offset, 2)),
            GgufValueType.U32 => BinaryPrimitives.ReadUInt32LittleEndian(file.Span(offset, 4)),
            GgufValueType.I32 => BinaryPrimitives.ReadInt32LittleEndian(file.Span(offset, 4)),
            GgufValueType.U64 => BinaryPrimitives.ReadUInt64LittleEndian(file.Span(offset, 8)),
            GgufValueType.I64 => BinaryPrimitives.ReadInt64LittleEndian(file.Span(offset, 8)),
            _ => null,
        };

    private string TextAt(ref long offset)
    {
        var length = checked((int)BinaryPrimitives.ReadUInt64LittleEndian(file.Span(offset, 8)));
        var text = Encoding.UTF8.GetString(file.Span(offset + 8, length));
        offset += 8L + length;
        return text;
    }

    private FileFormatException Wrong(string key, string wanted, GgufValue found) => Bad(key, $"is {found}, and must be {wanted}");
}
