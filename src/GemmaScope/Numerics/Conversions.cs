using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace GemmaScope.Numerics;

/// <summary>Element type conversions: exact widening to f32, narrowing with round to nearest even; NaN stays NaN.</summary>
public static unsafe class Conversions
{
    /// <summary>Widens <paramref name="count"/> elements to f32 (F64 is rounded); of a block type whole blocks.</summary>
    /// <exception cref="ArgumentException">The type is no real floating-point type.</exception>
    public static void Widen(void* source, DType type, float* target, long count)
    {
        switch (type)
        {
            case DType.F32:
                Buffer.MemoryCopy(source, target, count * 4, count * 4);
                break;
            case DType.BF16:
                WidenBF16((ushort*)source, target, count);
                break;
            case DType.F16:
                WidenF16((ushort*)source, target, count);
                break;
            case DType.F64:
                WidenF64((double*)source, target, count);
                break;
            case DType.F8E4M3:
                for (long i = 0; i < count; i++)
                    target[i] = F8E4M3ToF32(((byte*)source)[i]);
                break;
            case DType.F8E5M2:
                for (long i = 0; i < count; i++)
                    target[i] = F8E5M2ToF32(((byte*)source)[i]);
                break;
            case var _ when type.IsBlockType():
                BlockWidening.Widen((byte*)source, type, target, count);
                break;
            default:
                throw new ArgumentException($"cannot widen {type} to F32");
        }
    }

    /// <summary>Narrows f32 to bf16 bits.</summary>
    /// <exception cref="ArgumentException">The target is shorter than the source.</exception>
    public static void NarrowToBF16(ReadOnlySpan<float> source, Span<ushort> target)
    {
        Room(source.Length, target.Length);
        var from = MemoryMarshal.Cast<float, uint>(source);
        var i = 0;
        for (var c = Vector<uint>.Count; i + 2 * c <= from.Length; i += 2 * c)
            Vector.Narrow(ToBF16(new(from[i..])), ToBF16(new(from[(i + c)..]))).CopyTo(target[i..]);
        for (; i < from.Length; i++)
            target[i] = F32ToBF16(source[i]);
    }

    /// <summary>Narrows f32 to binary16 bits; values beyond 65504 become infinite.</summary>
    /// <exception cref="ArgumentException">The target is shorter than the source.</exception>
    public static void NarrowToF16(ReadOnlySpan<float> source, Span<ushort> target)
    {
        Room(source.Length, target.Length);
        System.Numerics.Tensors.TensorPrimitives.ConvertToHalf(source, MemoryMarshal.Cast<ushort, Half>(target));
    }

    /// <summary>Rounds f32 values to the nearest bf16 and keeps them as f32; may work in place.</summary>
    /// <exception cref="ArgumentException">The target is shorter than the source.</exception>
    public static void RoundToBF16(ReadOnlySpan<float> source, Span<float> target)
    {
        Room(source.Length, target.Length);
        var from = MemoryMarshal.Cast<float, uint>(source);
        var to = MemoryMarshal.Cast<float, uint>(target);
        var i = 0;
        for (var c = Vector<uint>.Count; i + c <= from.Length; i += c)
            (ToBF16(new(from[i..])) << 16).CopyTo(to[i..]);
        for (; i < from.Length; i++)
            to[i] = (uint)F32ToBF16(source[i]) << 16;
    }

    /// <summary>The nearest bf16, as f32.</summary>
    public static float RoundToBF16(float value) => BF16ToF32(F32ToBF16(value));

    /// <summary>bf16 bits to f32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float BF16ToF32(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);

    /// <summary>f32 to bf16 bits, round to nearest even; NaN stays NaN.</summary>
    public static ushort F32ToBF16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        if (float.IsNaN(value))
            return (ushort)((bits >> 16) | 0x40);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    /// <summary>An 8-bit float with 4 exponent and 3 mantissa bits (no infinities, S.1111.111 is NaN) to f32.</summary>
    public static float F8E4M3ToF32(byte bits)
    {
        var (exponent, mantissa) = ((bits >> 3) & 15, bits & 7);
        var magnitude = (exponent, mantissa) switch
        {
            (15, 7) => float.NaN,
            (0, _) => mantissa * 0.001953125f,
            _ => MathF.ScaleB(8 + mantissa, exponent - 10),
        };
        return (bits & 0x80) != 0 ? -magnitude : magnitude;
    }

    /// <summary>An 8-bit float with 5 exponent and 2 mantissa bits to f32: the upper byte of a binary16.</summary>
    public static float F8E5M2ToF32(byte bits) => (float)BitConverter.UInt16BitsToHalf((ushort)(bits << 8));

    private static void WidenBF16(ushort* source, float* target, long count)
    {
        var c = Vector<ushort>.Count;
        long i = 0;
        for (; i + c <= count; i += c)
        {
            Vector.Widen(Vector.Load(source + i), out var low, out var high);
            (low << 16).Store((uint*)target + i);
            (high << 16).Store((uint*)target + i + c / 2);
        }
        for (; i < count; i++)
            target[i] = BF16ToF32(source[i]);
    }

    private static void WidenF16(ushort* source, float* target, long count)
    {
        for (long done = 0; done < count; done += 1 << 30)
        {
            var part = (int)Math.Min(count - done, 1 << 30);
            System.Numerics.Tensors.TensorPrimitives.ConvertToSingle(new((Half*)source + done, part), new(target + done, part));
        }
    }

    private static void WidenF64(double* source, float* target, long count)
    {
        var c = Vector<float>.Count;
        long i = 0;
        for (; i + c <= count; i += c)
            Vector.Narrow(Vector.Load(source + i), Vector.Load(source + i + c / 2)).Store(target + i);
        for (; i < count; i++)
            target[i] = (float)source[i];
    }

    // Adds half of the last kept bit, less one for even neighbours; a NaN must not carry into infinity.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<uint> ToBF16(Vector<uint> bits)
    {
        var upper = bits >>> 16;
        var rounded = (bits + new Vector<uint>(0x7FFF) + (upper & Vector<uint>.One)) >>> 16;
        var isNaN = Vector.GreaterThan(bits & new Vector<uint>(0x7FFFFFFF), new Vector<uint>(0x7F800000));
        return Vector.ConditionalSelect(isNaN, upper | new Vector<uint>(0x40), rounded);
    }

    private static void Room(int source, int target)
    {
        if (target < source)
            throw new ArgumentException($"{source} values do not fit in {target}");
    }
}
