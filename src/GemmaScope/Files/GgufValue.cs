namespace GemmaScope.Files;

/// <summary>Types of values in the metadata of a GGUF file; the numbers are those of the format.</summary>
internal enum GgufValueType
{
    U8 = 0,
    I8 = 1,
    U16 = 2,
    I16 = 3,
    U32 = 4,
    I32 = 5,
    F32 = 6,
    Bool = 7,
    Text = 8,
    Array = 9,
    U64 = 10,
    I64 = 11,
    F64 = 12,
}

/// <summary>Where a value lies in its file, checked to its end.</summary>
/// <param name="Type">Its type; of an array that of its elements.</param>
/// <param name="IsArray">Whether it is an array.</param>
/// <param name="Count">Elements of an array, else 1.</param>
/// <param name="Offset">First byte of the value, or of the first element.</param>
internal readonly record struct GgufValue(GgufValueType Type, bool IsArray, long Count, long Offset)
{
    /// <summary>Bytes of a value of a type; 0 where they differ.</summary>
    public static int Size(GgufValueType type) =>
        type switch
        {
            GgufValueType.U8 or GgufValueType.I8 or GgufValueType.Bool => 1,
            GgufValueType.U16 or GgufValueType.I16 => 2,
            GgufValueType.U32 or GgufValueType.I32 or GgufValueType.F32 => 4,
            GgufValueType.U64 or GgufValueType.I64 or GgufValueType.F64 => 8,
            _ => 0,
        };

    /// <summary>What it is, for messages.</summary>
    public override string ToString() => IsArray ? $"an array of {Count} {Name(Type)}" : Name(Type);

    private static string Name(GgufValueType type) =>
        type switch
        {
            GgufValueType.Text => "string",
            GgufValueType.Array => "array",
            _ => type.ToString().ToLowerInvariant(),
        };
}
