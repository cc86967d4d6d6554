using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace GemmaScope.Numerics;

/// <summary>Transposes strips of four stored rows, widening them to f32: both operands of the packed product need it.</summary>
internal static unsafe class Interleave
{
    /// <summary>
    /// target[k · targetStride + i] = row i's element k, for four rows and <paramref name="count"/> elements; rows from
    /// <paramref name="rows"/> on are taken as zero and not read.
    /// </summary>
    public static void FourRows<TFormat>(byte* source, long stride, int rows, int count, float* target, int targetStride)
        where TFormat : IWeightFormat
    {
        var bytes = stride * TFormat.Type.Size();
        if (rows >= 4) Whole<TFormat>(source, bytes, count, target, targetStride);
        else
            for (var i = 0; i < 4; i++)
                for (var k = 0; k < count; k++)
                    Value<TFormat>(source + i * bytes, k, i < rows, target + (long)k * targetStride + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Whole<TFormat>(byte* r0, long bytes, int count, float* target, int targetStride)
        where TFormat : IWeightFormat
    {
        byte* r1 = r0 + bytes, r2 = r1 + bytes, r3 = r2 + bytes;
        var step = 4 * TFormat.Type.Size();
        var k = 0;
        for (; k + 4 <= count; k += 4, r0 += step, r1 += step, r2 += step, r3 += step)
        {
            var a = TFormat.Load<Vector128<float>, Simd128>(r0);
            var b = TFormat.Load<Vector128<float>, Simd128>(r1);
            var c = TFormat.Load<Vector128<float>, Simd128>(r2);
            var d = TFormat.Load<Vector128<float>, Simd128>(r3);
            var (ab, cd) = (ZipLow(a, b), ZipLow(c, d));
            var to = target + (long)k * targetStride;
            LowHalves(ab, cd).Store(to);
            HighHalves(ab, cd).Store(to + targetStride);
            (ab, cd) = (ZipHigh(a, b), ZipHigh(c, d));
            LowHalves(ab, cd).Store(to + 2 * targetStride);
            HighHalves(ab, cd).Store(to + 3 * targetStride);
        }
        for (var j = 0; k < count; j++, k++)
        {
            var to = target + (long)k * targetStride;
            Value<TFormat>(r0, j, true, to);
            Value<TFormat>(r1, j, true, to + 1);
            Value<TFormat>(r2, j, true, to + 2);
            Value<TFormat>(r3, j, true, to + 3);
        }
    }

    private static void Value<TFormat>(byte* row, int k, bool present, float* target) where TFormat : IWeightFormat
    {
        if (present) Conversions.Widen(row + (long)k * TFormat.Type.Size(), TFormat.Type, target, 1);
        else *target = 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> ZipLow(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.UnpackLow(a, b)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(a, b)
        : Vector128.Create(a[0], b[0], a[1], b[1]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> ZipHigh(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.UnpackHigh(a, b)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(a, b)
        : Vector128.Create(a[2], b[2], a[3], b[3]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> LowHalves(Vector128<float> a, Vector128<float> b) =>
        Vector128.Create(a.GetLower(), b.GetLower());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> HighHalves(Vector128<float> a, Vector128<float> b) =>
        Vector128.Create(a.GetUpper(), b.GetUpper());
}
