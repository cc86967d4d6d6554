using System.Runtime.CompilerServices;

namespace GemmaScope.Numerics;

/// <summary>Element type conversions: exact widening to f32, round-to-nearest-even narrowing to bf16.</summary>
public static unsafe class Conversions
{
    /// <summary>Widens <paramref name="count"/> elements to f32 (F64 is rounded).</summary>
    public static void Widen(void* source, DType type, float* target, long count)
    {
        switch (type)
        {
            case DType.F32: Buffer.MemoryCopy(source, target, count * 4, count * 4); break;
            case DType.BF16: for (long i = 0; i < count; i++) target[i] = BF16ToF32(((ushort*)source)[i]); break;
            case DType.F16: for (long i = 0; i < count; i++) target[i] = (float)((Half*)source)[i]; break;
            case DType.F64: for (long i = 0; i < count; i++) target[i] = (float)((double*)source)[i]; break;
            default: throw new ArgumentException($"cannot widen {type} to F32");
        }
    }

    /// <summary>bf16 bits to f32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float BF16ToF32(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);

    /// <summary>f32 to bf16 bits, round to nearest even; NaN stays NaN.</summary>
    public static ushort F32ToBF16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        if (float.IsNaN(value)) return (ushort)((bits >> 16) | 0x40);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }
}
