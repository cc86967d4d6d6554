using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GemmaScope.Numerics;

/// <summary>
/// y = x · Wᵀ for a few rows of x and weights stored [outputs, inputs]: every output is a dot product of two stored
/// rows, nothing is repacked and each weight is read once. x is laid out in blocks of 2·Count inputs, the halves of
/// a block in the order in which <see cref="IWeightFormat.First"/> and Second deliver them.
/// </summary>
internal static unsafe class DotKernel<T, TSimd, TFormat>
    where T : unmanaged
    where TSimd : ISimd<T>
    where TFormat : IWeightFormat
{
    // Inputs per pass: six rows of x then stay in the first-level cache beside the weights.
    private const int Depth = 1024;

    [ThreadStatic]
    private static Scratch? t_x;

    private static int Block => 2 * TSimd.Count;

    private static int Size => TFormat.Size;

    public static void Multiply(MatrixView x, WeightView w, MatrixView y, bool round, bool here)
    {
        var blocks = (x.Columns + Block - 1) / Block;
        var stride = blocks * Block;
        var rows = (x.Rows + 1) & ~1;
        var packed = (t_x ??= new()).Floats((long)rows * stride);
        for (var t = 0; t < rows; t++)
            Pack(t < x.Rows ? x.Row(t) : default, new Span<float>(packed + (long)t * stride, stride), round);

        var outputs = ParallelLoop.RowsPerPart(w.Outputs, w.Inputs * Size);
        var job = new Part(new MatrixView(packed, rows, x.Columns, stride), w, y, outputs);
        ParallelLoop.Run((w.Outputs + outputs - 1) / outputs, job, here);
    }

    /// <summary>Lays out a row of x, zeros behind its end.</summary>
    public static void Pack(ReadOnlySpan<float> row, Span<float> target, bool round)
    {
        row.CopyTo(target);
        target[row.Length..].Clear();
        if (round)
            Conversions.RoundToBF16(target, target);
        if (Size == 4)
            return;
        var half = TSimd.Count;
        Span<float> odd = stackalloc float[half];
        for (var block = target; block.Length > 0; block = block[(2 * half)..])
        {
            for (var i = 0; i < half; i++)
                (block[i], odd[i]) = (block[2 * i], block[2 * i + 1]);
            odd.CopyTo(block[half..]);
        }
    }

    /// <summary>Outputs [index · Outputs, …) for all rows; x is padded to an even number of them.</summary>
    private readonly record struct Part(MatrixView X, WeightView W, MatrixView Y, int Outputs) : IJob
    {
        public void Run(int index)
        {
            var first = index * Outputs;
            var count = Math.Min(Outputs, W.Outputs - first);
            var row = (byte*)W.Data + first * W.Stride * Size;
            var whole = W.Inputs / Block;
            for (var done = 0; done < whole || done == 0; done += Depth / Block)
            {
                var blocks = Math.Min(Depth / Block, whole - done);
                Slice(row + (long)done * Block * Size, W.Stride * Size, X.Data + done * Block, blocks, first, count, done > 0);
            }
            if (W.Inputs % Block != 0)
                Rest(row, whole, first, count);
        }

        // The last, incomplete block of every row, copied beside zeros so that nothing is read past a row's end.
        private void Rest(byte* row, int whole, int first, int count)
        {
            var blockBytes = Block * Size;
            var padded = stackalloc byte[4 * blockBytes];
            new Span<byte>(padded, 4 * blockBytes).Clear();
            var bytes = W.Inputs % Block * Size;
            for (var n = 0; n < count; n += 4)
            {
                var group = Math.Min(4, count - n);
                for (var i = 0; i < group; i++)
                    Buffer.MemoryCopy(row + ((n + i) * W.Stride + (long)whole * Block) * Size, padded + i * blockBytes, bytes, bytes);
                Slice(padded, blockBytes, X.Data + whole * Block, 1, first + n, group, add: true);
            }
        }

        private void Slice(byte* w, long wStride, float* x, int blocks, int first, int count, bool add)
        {
            var n = 0;
            for (; n + 4 <= count; n += 4)
                FourOutputs(w + n * wStride, wStride, x, blocks, first + n, add);
            for (; n < count; n++)
            for (var t = 0; t < Y.Rows; t++)
            {
                float sum;
                RowKernel<T, TSimd, TFormat, F32Weights>.Dots(w + n * wStride, wStride, (byte*)(x + (long)t * X.Stride), blocks, 1, &sum);
                ref var target = ref Y.Data[(long)t * Y.Stride + first + n];
                target = add ? target + sum : sum;
            }
        }

        private void FourOutputs(byte* w, long wStride, float* x, int blocks, int first, bool add)
        {
            var sums = stackalloc float[24];
            for (int t = 0, rows; t < X.Rows; t += rows)
            {
                rows = TSimd.ManyRegisters && X.Rows - t >= 6 ? 6 : 2;
                var xt = x + (long)t * X.Stride;
                if (rows == 6)
                    Tile4x6(w, wStride, xt, X.Stride, blocks, sums);
                else
                    Tile4x2(w, wStride, xt, X.Stride, blocks, sums);
                for (var i = 0; i < rows && t + i < Y.Rows; i++)
                {
                    var target = Y.Data + (long)(t + i) * Y.Stride + first;
                    for (var n = 0; n < 4; n++)
                        target[n] = add ? target[n] + sums[i * 4 + n] : sums[i * 4 + n];
                }
            }
        }
    }

    /// <summary>sums[row][output] of four stored rows and 2 rows of x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4x2(byte* w0, long wStride, float* x, long xStride, int blocks, float* sums)
    {
        var (c, bytes) = (TSimd.Count, Block * Size);
        byte* w1 = w0 + wStride,
            w2 = w1 + wStride,
            w3 = w2 + wStride;
        float* x1 = x + xStride;
        T s00 = default,
            s01 = default,
            s02 = default,
            s03 = default;
        T s10 = default,
            s11 = default,
            s12 = default,
            s13 = default;
        for (var i = 0; i < blocks; i++)
        {
            var p0 = TFormat.First<T, TSimd>(w0);
            var p1 = TFormat.First<T, TSimd>(w1);
            var p2 = TFormat.First<T, TSimd>(w2);
            var p3 = TFormat.First<T, TSimd>(w3);
            var px0 = TSimd.Load(x);
            s00 = TSimd.MultiplyAdd(p0, px0, s00);
            s01 = TSimd.MultiplyAdd(p1, px0, s01);
            s02 = TSimd.MultiplyAdd(p2, px0, s02);
            s03 = TSimd.MultiplyAdd(p3, px0, s03);
            var px1 = TSimd.Load(x1);
            s10 = TSimd.MultiplyAdd(p0, px1, s10);
            s11 = TSimd.MultiplyAdd(p1, px1, s11);
            s12 = TSimd.MultiplyAdd(p2, px1, s12);
            s13 = TSimd.MultiplyAdd(p3, px1, s13);
            var q0 = TFormat.Second<T, TSimd>(w0);
            var q1 = TFormat.Second<T, TSimd>(w1);
            var q2 = TFormat.Second<T, TSimd>(w2);
            var q3 = TFormat.Second<T, TSimd>(w3);
            var qx0 = TSimd.Load(x + c);
            s00 = TSimd.MultiplyAdd(q0, qx0, s00);
            s01 = TSimd.MultiplyAdd(q1, qx0, s01);
            s02 = TSimd.MultiplyAdd(q2, qx0, s02);
            s03 = TSimd.MultiplyAdd(q3, qx0, s03);
            var qx1 = TSimd.Load(x1 + c);
            s10 = TSimd.MultiplyAdd(q0, qx1, s10);
            s11 = TSimd.MultiplyAdd(q1, qx1, s11);
            s12 = TSimd.MultiplyAdd(q2, qx1, s12);
            s13 = TSimd.MultiplyAdd(q3, qx1, s13);
            w0 += bytes;
            w1 += bytes;
            w2 += bytes;
            w3 += bytes;
            x += 2 * c;
            x1 += 2 * c;
        }
        SumFour(s00, s01, s02, s03, sums);
        SumFour(s10, s11, s12, s13, sums + 4);
    }

    /// <summary>sums[row][output] of four stored rows and 6 rows of x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile4x6(byte* w0, long wStride, float* x, long xStride, int blocks, float* sums)
    {
        var (c, bytes) = (TSimd.Count, Block * Size);
        byte* w1 = w0 + wStride,
            w2 = w1 + wStride,
            w3 = w2 + wStride;
        float* x1 = x + xStride,
            x2 = x1 + xStride,
            x3 = x2 + xStride,
            x4 = x3 + xStride,
            x5 = x4 + xStride;
        T s00 = default,
            s01 = default,
            s02 = default,
            s03 = default;
        T s10 = default,
            s11 = default,
            s12 = default,
            s13 = default;
        T s20 = default,
            s21 = default,
            s22 = default,
            s23 = default;
        T s30 = default,
            s31 = default,
            s32 = default,
            s33 = default;
        T s40 = default,
            s41 = default,
            s42 = default,
            s43 = default;
        T s50 = default,
            s51 = default,
            s52 = default,
            s53 = default;
        for (var i = 0; i < blocks; i++)
        {
            var p0 = TFormat.First<T, TSimd>(w0);
            var p1 = TFormat.First<T, TSimd>(w1);
            var p2 = TFormat.First<T, TSimd>(w2);
            var p3 = TFormat.First<T, TSimd>(w3);
            var px0 = TSimd.Load(x);
            s00 = TSimd.MultiplyAdd(p0, px0, s00);
            s01 = TSimd.MultiplyAdd(p1, px0, s01);
            s02 = TSimd.MultiplyAdd(p2, px0, s02);
            s03 = TSimd.MultiplyAdd(p3, px0, s03);
            var px1 = TSimd.Load(x1);
            s10 = TSimd.MultiplyAdd(p0, px1, s10);
            s11 = TSimd.MultiplyAdd(p1, px1, s11);
            s12 = TSimd.MultiplyAdd(p2, px1, s12);
            s13 = TSimd.MultiplyAdd(p3, px1, s13);
            var px2 = TSimd.Load(x2);
            s20 = TSimd.MultiplyAdd(p0, px2, s20);
            s21 = TSimd.MultiplyAdd(p1, px2, s21);
            s22 = TSimd.MultiplyAdd(p2, px2, s22);
            s23 = TSimd.MultiplyAdd(p3, px2, s23);
            var px3 = TSimd.Load(x3);
            s30 = TSimd.MultiplyAdd(p0, px3, s30);
            s31 = TSimd.MultiplyAdd(p1, px3, s31);
            s32 = TSimd.MultiplyAdd(p2, px3, s32);
            s33 = TSimd.MultiplyAdd(p3, px3, s33);
            var px4 = TSimd.Load(x4);
            s40 = TSimd.MultiplyAdd(p0, px4, s40);
            s41 = TSimd.MultiplyAdd(p1, px4, s41);
            s42 = TSimd.MultiplyAdd(p2, px4, s42);
            s43 = TSimd.MultiplyAdd(p3, px4, s43);
            var px5 = TSimd.Load(x5);
            s50 = TSimd.MultiplyAdd(p0, px5, s50);
            s51 = TSimd.MultiplyAdd(p1, px5, s51);
            s52 = TSimd.MultiplyAdd(p2, px5, s52);
            s53 = TSimd.MultiplyAdd(p3, px5, s53);
            var q0 = TFormat.Second<T, TSimd>(w0);
            var q1 = TFormat.Second<T, TSimd>(w1);
            var q2 = TFormat.Second<T, TSimd>(w2);
            var q3 = TFormat.Second<T, TSimd>(w3);
            var qx0 = TSimd.Load(x + c);
            s00 = TSimd.MultiplyAdd(q0, qx0, s00);
            s01 = TSimd.MultiplyAdd(q1, qx0, s01);
            s02 = TSimd.MultiplyAdd(q2, qx0, s02);
            s03 = TSimd.MultiplyAdd(q3, qx0, s03);
            var qx1 = TSimd.Load(x1 + c);
            s10 = TSimd.MultiplyAdd(q0, qx1, s10);
            s11 = TSimd.MultiplyAdd(q1, qx1, s11);
            s12 = TSimd.MultiplyAdd(q2, qx1, s12);
            s13 = TSimd.MultiplyAdd(q3, qx1, s13);
            var qx2 = TSimd.Load(x2 + c);
            s20 = TSimd.MultiplyAdd(q0, qx2, s20);
            s21 = TSimd.MultiplyAdd(q1, qx2, s21);
            s22 = TSimd.MultiplyAdd(q2, qx2, s22);
            s23 = TSimd.MultiplyAdd(q3, qx2, s23);
            var qx3 = TSimd.Load(x3 + c);
            s30 = TSimd.MultiplyAdd(q0, qx3, s30);
            s31 = TSimd.MultiplyAdd(q1, qx3, s31);
            s32 = TSimd.MultiplyAdd(q2, qx3, s32);
            s33 = TSimd.MultiplyAdd(q3, qx3, s33);
            var qx4 = TSimd.Load(x4 + c);
            s40 = TSimd.MultiplyAdd(q0, qx4, s40);
            s41 = TSimd.MultiplyAdd(q1, qx4, s41);
            s42 = TSimd.MultiplyAdd(q2, qx4, s42);
            s43 = TSimd.MultiplyAdd(q3, qx4, s43);
            var qx5 = TSimd.Load(x5 + c);
            s50 = TSimd.MultiplyAdd(q0, qx5, s50);
            s51 = TSimd.MultiplyAdd(q1, qx5, s51);
            s52 = TSimd.MultiplyAdd(q2, qx5, s52);
            s53 = TSimd.MultiplyAdd(q3, qx5, s53);
            w0 += bytes;
            w1 += bytes;
            w2 += bytes;
            w3 += bytes;
            x += 2 * c;
            x1 += 2 * c;
            x2 += 2 * c;
            x3 += 2 * c;
            x4 += 2 * c;
            x5 += 2 * c;
        }
        SumFour(s00, s01, s02, s03, sums);
        SumFour(s10, s11, s12, s13, sums + 4);
        SumFour(s20, s21, s22, s23, sums + 8);
        SumFour(s30, s31, s32, s33, sums + 12);
        SumFour(s40, s41, s42, s43, sums + 16);
        SumFour(s50, s51, s52, s53, sums + 20);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SumFour(T a, T b, T c, T d, float* sums)
    {
        Vector128<float> fa = TSimd.Fold(a),
            fb = TSimd.Fold(b),
            fc = TSimd.Fold(c),
            fd = TSimd.Fold(d);
        var ac = Simd128.ZipLow(fa, fc) + Simd128.ZipHigh(fa, fc);
        var bd = Simd128.ZipLow(fb, fd) + Simd128.ZipHigh(fb, fd);
        (Simd128.ZipLow(ac, bd) + Simd128.ZipHigh(ac, bd)).Store(sums);
    }
}
