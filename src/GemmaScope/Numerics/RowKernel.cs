using System.Runtime.CompilerServices;

namespace GemmaScope.Numerics;

/// <summary>
/// y = x · Wᵀ for one row of x and weights stored [outputs, inputs]: a decoded token's products, bound by reading the
/// weights. Stored rows are read one after the other, a single stream that is asked for ahead of its use. What
/// competes is x, read again for each of them from the first-level cache: x rounded to bf16 is kept in
/// <see cref="BF16Weights"/> form, half as long.
/// </summary>
internal static unsafe class RowKernel<T, TSimd, TFormat, TX>
    where T : unmanaged
    where TSimd : ISimd<T>
    where TFormat : IWeightFormat
    where TX : IWeightFormat
{
    // A longer x leaves the first-level cache between two stored rows; four rows then share each load of it.
    private const int LongBytes = 1 << 14;

    [ThreadStatic]
    private static Scratch? t_x;

    private static int Block => 2 * TSimd.Count;

    public static void Multiply(MatrixView x, WeightView w, MatrixView y, bool round, bool here)
    {
        var length = (x.Columns + Block - 1) / Block * Block;
        var packed = (t_x ??= new()).Bytes((long)length * sizeof(float));
        if (TX.Type == DType.BF16)
        {
            var target = new Span<ushort>(packed, length);
            Conversions.NarrowToBF16(x.Row(0), target);
            target[x.Columns..].Clear();
        }
        else
            DotKernel<T, TSimd, TFormat>.Pack(x.Row(0), new Span<float>(packed, length), round);

        var outputs = ParallelLoop.RowsPerPart(w.Outputs, w.Inputs * TFormat.Size);
        ParallelLoop.Run((w.Outputs + outputs - 1) / outputs, new Part(packed, w, y.Data, outputs), here);
    }

    private readonly struct Part(byte* x, WeightView w, float* y, int outputs) : IJob
    {
        public void Run(int index)
        {
            var n = index * outputs;
            var end = Math.Min(n + outputs, w.Outputs);
            var stride = w.Stride * TFormat.Size;
            var row = (byte*)w.Data + n * stride;
            var whole = w.Inputs / Block;
            if (w.Inputs * TX.Size > LongBytes)
                for (; n + 4 <= end; n += 4, row += 4 * stride)
                {
                    FourDots(row, stride, x, whole, y + n);
                    for (var i = 0; i < 4; i++)
                        y[n + i] += Rest(row + i * stride, whole);
                }
            Dots(row, stride, x, whole, end - n, y + n);
            if (whole * Block < w.Inputs)
                for (; n < end; n++, row += stride)
                    y[n] += Rest(row, whole);
        }

        // The last, incomplete block of a row, copied beside zeros so that nothing is read past the row's end.
        private float Rest(byte* row, int whole)
        {
            var left = w.Inputs - whole * Block;
            if (left == 0)
                return 0;
            var bytes = Block * TFormat.Size;
            var padded = stackalloc byte[bytes];
            new Span<byte>(padded, bytes).Clear();
            new Span<byte>(row + (long)whole * bytes, left * TFormat.Size).CopyTo(new(padded, bytes));
            float rest;
            Dots(padded, 0, x + (long)whole * Block * TX.Size, 1, 1, &rest);
            return rest;
        }
    }

    /// <summary>
    /// The dot products of stored rows and x. Both are addressed by one index, as in [w + 2k] and [x + 4k]: with a running pointer
    /// for each, the same loads came at half the rate from memory (and at the full rate from the caches) on Zen 4.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Dots(byte* w, long stride, byte* x, int blocks, int rows, float* y)
    {
        var length = (nint)blocks * Block;
        for (var row = 0; row < rows; row++, w += stride)
        {
            T a0 = default,
                a1 = default,
                a2 = default,
                a3 = default;
            nint k = 0;
            for (; k + 2 * Block <= length; k += 2 * Block)
            {
                Ahead.Fetch(w + k * TFormat.Size + Ahead.OneStream, 2 * Block * TFormat.Size);
                a0 = TSimd.MultiplyAdd(TFormat.First<T, TSimd>(w + k * TFormat.Size), TX.First<T, TSimd>(x + k * TX.Size), a0);
                a1 = TSimd.MultiplyAdd(TFormat.Second<T, TSimd>(w + k * TFormat.Size), TX.Second<T, TSimd>(x + k * TX.Size), a1);
                a2 = TSimd.MultiplyAdd(
                    TFormat.First<T, TSimd>(w + (k + Block) * TFormat.Size),
                    TX.First<T, TSimd>(x + (k + Block) * TX.Size),
                    a2
                );
                a3 = TSimd.MultiplyAdd(
                    TFormat.Second<T, TSimd>(w + (k + Block) * TFormat.Size),
                    TX.Second<T, TSimd>(x + (k + Block) * TX.Size),
                    a3
                );
            }
            if (k < length)
            {
                a0 = TSimd.MultiplyAdd(TFormat.First<T, TSimd>(w + k * TFormat.Size), TX.First<T, TSimd>(x + k * TX.Size), a0);
                a1 = TSimd.MultiplyAdd(TFormat.Second<T, TSimd>(w + k * TFormat.Size), TX.Second<T, TSimd>(x + k * TX.Size), a1);
            }
            y[row] = TSimd.Sum(TSimd.Add(TSimd.Add(a0, a1), TSimd.Add(a2, a3)));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourDots(byte* w0, long stride, byte* x, int blocks, float* y)
    {
        byte* w1 = w0 + stride,
            w2 = w1 + stride,
            w3 = w2 + stride;
        T a0 = default,
            a1 = default,
            a2 = default,
            a3 = default;
        T b0 = default,
            b1 = default,
            b2 = default,
            b3 = default;
        for (nint k = 0, length = (nint)blocks * Block; k < length; k += Block)
        {
            Ahead.Fetch(w0 + k * TFormat.Size + Ahead.SeveralStreams, Block * TFormat.Size);
            Ahead.Fetch(w1 + k * TFormat.Size + Ahead.SeveralStreams, Block * TFormat.Size);
            Ahead.Fetch(w2 + k * TFormat.Size + Ahead.SeveralStreams, Block * TFormat.Size);
            Ahead.Fetch(w3 + k * TFormat.Size + Ahead.SeveralStreams, Block * TFormat.Size);
            T x0 = TX.First<T, TSimd>(x + k * TX.Size),
                x1 = TX.Second<T, TSimd>(x + k * TX.Size);
            a0 = TSimd.MultiplyAdd(TFormat.First<T, TSimd>(w0 + k * TFormat.Size), x0, a0);
            b0 = TSimd.MultiplyAdd(TFormat.Second<T, TSimd>(w0 + k * TFormat.Size), x1, b0);
            a1 = TSimd.MultiplyAdd(TFormat.First<T, TSimd>(w1 + k * TFormat.Size), x0, a1);
            b1 = TSimd.MultiplyAdd(TFormat.Second<T, TSimd>(w1 + k * TFormat.Size), x1, b1);
            a2 = TSimd.MultiplyAdd(TFormat.First<T, TSimd>(w2 + k * TFormat.Size), x0, a2);
            b2 = TSimd.MultiplyAdd(TFormat.Second<T, TSimd>(w2 + k * TFormat.Size), x1, b2);
            a3 = TSimd.MultiplyAdd(TFormat.First<T, TSimd>(w3 + k * TFormat.Size), x0, a3);
            b3 = TSimd.MultiplyAdd(TFormat.Second<T, TSimd>(w3 + k * TFormat.Size), x1, b3);
        }
        DotKernel<T, TSimd, TFormat>.SumFour(TSimd.Add(a0, b0), TSimd.Add(a1, b1), TSimd.Add(a2, b2), TSimd.Add(a3, b3), y);
    }
}
