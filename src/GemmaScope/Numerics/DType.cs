namespace GemmaScope.Numerics;

/// <summary>Element types of stored tensors: all that safetensors and npy files of the field hold, and the block types of GGUF files, whose
/// values share scales in blocks along a row.</summary>
public enum DType
{
    /// <summary>IEEE binary32.</summary>
    F32,

    /// <summary>bfloat16: the upper half of a binary32.</summary>
    BF16,

    /// <summary>IEEE binary16.</summary>
    F16,

    /// <summary>IEEE binary64.</summary>
    F64,

    /// <summary>Signed 8-bit integer.</summary>
    I8,

    /// <summary>Unsigned 8-bit integer.</summary>
    U8,

    /// <summary>Signed 16-bit integer.</summary>
    I16,

    /// <summary>Unsigned 16-bit integer.</summary>
    U16,

    /// <summary>Signed 32-bit integer.</summary>
    I32,

    /// <summary>Unsigned 32-bit integer.</summary>
    U32,

    /// <summary>Signed 64-bit integer.</summary>
    I64,

    /// <summary>Unsigned 64-bit integer.</summary>
    U64,

    /// <summary>One byte, 0 or 1.</summary>
    Bool,

    /// <summary>8-bit float, 4 exponent and 3 mantissa bits.</summary>
    F8E4M3,

    /// <summary>8-bit float, 5 exponent and 2 mantissa bits.</summary>
    F8E5M2,

    /// <summary>8-bit power-of-two scale.</summary>
    F8E8M0,

    /// <summary>Complex of two binary32.</summary>
    C64,

    /// <summary>GGUF: 32 signed bytes with a scale.</summary>
    Q8_0,

    /// <summary>GGUF: 32 values of 4 bits with a scale.</summary>
    Q4_0,

    /// <summary>GGUF: 32 values of 4 bits with a scale and a minimum.</summary>
    Q4_1,

    /// <summary>GGUF: 32 values of 5 bits with a scale.</summary>
    Q5_0,

    /// <summary>GGUF: 32 values of 5 bits with a scale and a minimum.</summary>
    Q5_1,

    /// <summary>GGUF: 256 values of 2 bits; scales and minima of 16 values have 4 bits.</summary>
    Q2_K,

    /// <summary>GGUF: 256 values of 3 bits; scales of 16 values have 6 bits.</summary>
    Q3_K,

    /// <summary>GGUF: 256 values of 4 bits; scales and minima of 32 values have 6 bits.</summary>
    Q4_K,

    /// <summary>GGUF: 256 values of 5 bits; scales and minima of 32 values have 6 bits.</summary>
    Q5_K,

    /// <summary>GGUF: 256 values of 6 bits; scales of 16 values have 8 bits.</summary>
    Q6_K,

    /// <summary>GGUF: 32 values from a table of 16, with a scale.</summary>
    IQ4_NL,

    /// <summary>GGUF: 256 values from the same table; scales of 32 values have 6 bits.</summary>
    IQ4_XS,
}

/// <summary>Sizes and names of <see cref="DType"/>.</summary>
public static class DTypes
{
    /// <summary>Bytes of one element.</summary>
    /// <exception cref="ArgumentException">It is a block type, whose elements have no bytes of their own.</exception>
    public static int Size(this DType type) =>
        type switch
        {
            _ when type.IsBlockType() => throw new ArgumentException($"one value of {type} has no bytes of its own"),
            DType.F64 or DType.I64 or DType.U64 or DType.C64 => 8,
            DType.F32 or DType.I32 or DType.U32 => 4,
            DType.BF16 or DType.F16 or DType.I16 or DType.U16 => 2,
            _ => 1,
        };

    /// <summary>The three types that model and dictionary weights may have and that the kernels read in place.</summary>
    public static bool IsWeightType(this DType type) => type is DType.F32 or DType.BF16 or DType.F16;

    /// <summary>Whether values share scales in blocks: the quantised types of GGUF files.</summary>
    public static bool IsBlockType(this DType type) => type >= DType.Q8_0;

    /// <summary>The types that a matrix of a model may have and that the kernels read in place: those of weights, and block types.</summary>
    public static bool IsMatrixType(this DType type) => type.IsWeightType() || type.IsBlockType();

    /// <summary>Values in a block: 1 where the type has none.</summary>
    public static int BlockLength(this DType type) =>
        type switch
        {
            DType.Q8_0 or DType.Q4_0 or DType.Q4_1 or DType.Q5_0 or DType.Q5_1 or DType.IQ4_NL => 32,
            _ when type.IsBlockType() => 256,
            _ => 1,
        };

    /// <summary>Bytes of a block; of one element where the type has no blocks.</summary>
    public static int BlockBytes(this DType type) =>
        type switch
        {
            DType.Q8_0 => 34,
            DType.Q4_0 or DType.IQ4_NL => 18,
            DType.Q4_1 => 20,
            DType.Q5_0 => 22,
            DType.Q5_1 => 24,
            DType.Q2_K => 84,
            DType.Q3_K => 110,
            DType.Q4_K => 144,
            DType.Q5_K => 176,
            DType.Q6_K => 210,
            DType.IQ4_XS => 136,
            _ => type.Size(),
        };

    /// <summary>Bytes of some elements, which must be whole blocks.</summary>
    public static long ByteLength(this DType type, long elements) => elements / type.BlockLength() * type.BlockBytes();
}
