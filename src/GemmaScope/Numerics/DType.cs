namespace GemmaScope.Numerics;

/// <summary>Element types of stored tensors: all that safetensors and npy files of the field hold.</summary>
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
}

/// <summary>Sizes and names of <see cref="DType"/>.</summary>
public static class DTypes
{
    /// <summary>Bytes of one element.</summary>
    public static int Size(this DType type) =>
        type switch
        {
            DType.F64 or DType.I64 or DType.U64 or DType.C64 => 8,
            DType.F32 or DType.I32 or DType.U32 => 4,
            DType.BF16 or DType.F16 or DType.I16 or DType.U16 => 2,
            _ => 1,
        };

    /// <summary>The three types that model and dictionary weights may have and that the kernels read in place.</summary>
    public static bool IsWeightType(this DType type) => type is DType.F32 or DType.BF16 or DType.F16;
}
