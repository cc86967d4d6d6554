using System.Runtime.CompilerServices;

namespace GemmaScope.Numerics;

/// <summary>Transposes strips of stored rows, widening them to f32: both operands of the packed product need it.</summary>
internal static unsafe class Interleave<T, TSimd, TFormat>
    where T : unmanaged where TSimd : ISimd<T> where TFormat : IWeightFormat
{
    /// <summary>
    /// target[k · targetStride + i] = element k of row i, for TSimd.Count rows, <paramref name="bytes"/> apart, of
    /// <paramref name="count"/> elements.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Strip(byte* row, long bytes, int count, float* target, long targetStride)
    {
        var k = 0;
        for (; k + 4 <= count; k += 4, row += 4 * TFormat.Size, target += 4 * targetStride)
        {
            // Lane group j of a … d holds rows 4j … 4j + 3: two rounds of zips transpose all groups at once.
            var a = TSimd.LoadFours<TFormat>(row, 4 * bytes);
            var b = TSimd.LoadFours<TFormat>(row + bytes, 4 * bytes);
            var c = TSimd.LoadFours<TFormat>(row + 2 * bytes, 4 * bytes);
            var d = TSimd.LoadFours<TFormat>(row + 3 * bytes, 4 * bytes);
            T ac = TSimd.ZipLow(a, c), bd = TSimd.ZipLow(b, d);
            TSimd.Store(TSimd.ZipLow(ac, bd), target);
            TSimd.Store(TSimd.ZipHigh(ac, bd), target + targetStride);
            ac = TSimd.ZipHigh(a, c);
            bd = TSimd.ZipHigh(b, d);
            TSimd.Store(TSimd.ZipLow(ac, bd), target + 2 * targetStride);
            TSimd.Store(TSimd.ZipHigh(ac, bd), target + 3 * targetStride);
        }
        Rows(row, bytes, TSimd.Count, count - k, target, targetStride);
    }

    /// <summary>The same for any number of rows, one value at a time.</summary>
    public static void Rows(byte* row, long bytes, int rows, int count, float* target, long targetStride)
    {
        for (var i = 0; i < rows; i++)
            for (var k = 0; k < count; k++)
                Conversions.Widen(row + i * bytes + k * TFormat.Size, TFormat.Type, target + k * targetStride + i, 1);
    }
}
