using System.Runtime.CompilerServices;

namespace GemmaScope.Numerics;

/// <summary>Transposes strips of stored rows, widening them to f32: both operands of the packed product need it.</summary>
internal static unsafe class Interleave<T, TSimd, TFormat>
    where T : unmanaged
    where TSimd : ISimd<T>
    where TFormat : IWeightFormat
{
    /// <summary>
    /// target[k · targetStride + i] = element k of row i, for TSimd.Count rows, <paramref name="bytes"/> apart, of
    /// <paramref name="count"/> elements.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Strip(byte* row, long bytes, int count, float* target, long targetStride)
    {
        // A 16-byte piece of a row is four lanes; 16-bit values travel as pairs and part when they are stored.
        var piece = 16 / TFormat.Size;
        var (k, lane) = (0, piece / 4 * targetStride);
        for (; k + piece <= count; k += piece, row += 16, target += 4 * lane)
        {
            // Lane group j of a … d holds rows 4j … 4j + 3: two rounds of zips transpose all groups at once.
            var a = TSimd.LoadFours(row, 4 * bytes);
            var b = TSimd.LoadFours(row + bytes, 4 * bytes);
            var c = TSimd.LoadFours(row + 2 * bytes, 4 * bytes);
            var d = TSimd.LoadFours(row + 3 * bytes, 4 * bytes);
            T ac = TSimd.ZipLow(a, c),
                bd = TSimd.ZipLow(b, d);
            TFormat.StoreLanes<T, TSimd>(TSimd.ZipLow(ac, bd), target, targetStride);
            TFormat.StoreLanes<T, TSimd>(TSimd.ZipHigh(ac, bd), target + lane, targetStride);
            ac = TSimd.ZipHigh(a, c);
            bd = TSimd.ZipHigh(b, d);
            TFormat.StoreLanes<T, TSimd>(TSimd.ZipLow(ac, bd), target + 2 * lane, targetStride);
            TFormat.StoreLanes<T, TSimd>(TSimd.ZipHigh(ac, bd), target + 3 * lane, targetStride);
        }
        if (k < count)
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
