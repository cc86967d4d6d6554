using System.Runtime.CompilerServices;

namespace GemmaScope.Numerics;

/// <summary>
/// y = x · W for few rows of x and weights stored [inputs, outputs]: stored rows are scaled and added into a run of
/// y that stays in the first-level cache, four rows per pass. Nothing is repacked and each weight is read once.
/// </summary>
internal static unsafe class AxpyKernel<T, TSimd, TFormat>
    where T : unmanaged
    where TSimd : ISimd<T>
    where TFormat : IWeightFormat
{
    private const int FloatsInCache = 4096;

    [ThreadStatic]
    private static Scratch? t_x;

    [ThreadStatic]
    private static Scratch? t_sums;

    private static int Size => TFormat.Size;

    public static void Multiply(MatrixView x, WeightView w, MatrixView y, bool round, bool here)
    {
        // [inputs / 4][rows][4]: what one step over four stored rows reads, in one piece.
        var packed = (t_x ??= new()).Floats((long)x.Rows * (x.Columns + 3));
        for (var k = 0; k < x.Columns; k += 4)
        for (var t = 0; t < x.Rows; t++)
        {
            var target = new Span<float>(packed + (long)k * x.Rows + 4 * t, 4);
            target.Clear();
            x.Row(t)[k..Math.Min(k + 4, x.Columns)].CopyTo(target);
            if (round)
                Conversions.RoundToBF16(target, target);
        }
        var most = Math.Max(64, FloatsInCache / x.Rows);
        var parts = (w.Outputs + most - 1) / most;
        if (!here)
            parts = (parts + Workers.Count - 1) / Workers.Count * Workers.Count;
        var columns = ((w.Outputs + parts - 1) / parts + 63) & ~63;
        ParallelLoop.Run((w.Outputs + columns - 1) / columns, new Part(packed, w, y, columns), here);
    }

    private readonly struct Part(float* packed, WeightView w, MatrixView y, int columns) : IJob
    {
        public void Run(int index)
        {
            var first = index * columns;
            var count = Math.Min(columns, w.Outputs - first);
            var sums = (t_sums ??= new()).Floats((long)y.Rows * columns);
            new Span<float>(sums, y.Rows * columns).Clear();
            var whole = count - count % TSimd.Count;
            var next = w.Stride * Size;
            for (var k = 0; k < w.Inputs; k += 4)
            {
                var row = (byte*)w.Data + k * next + (long)first * Size;
                var left = Math.Min(4, w.Inputs - k);
                var x = packed + (long)k * y.Rows;
                // Past the last stored row the last one is read again; x is zero there.
                AddFour(
                    row,
                    row + next * Math.Min(1, left - 1),
                    row + next * Math.Min(2, left - 1),
                    row + next * (left - 1),
                    x,
                    sums,
                    columns,
                    y.Rows,
                    whole
                );
                for (var i = 0; i < left && whole < count; i++)
                    AddRest(row + i * next + (long)whole * Size, x + i, sums + whole, count - whole);
            }
            for (var t = 0; t < y.Rows; t++)
                new Span<float>(sums + t * columns, count).CopyTo(y.Row(t)[first..]);
        }

        private void AddRest(byte* row, float* x, float* sums, int count)
        {
            var values = stackalloc float[TSimd.Count];
            Conversions.Widen(row, TFormat.Type, values, count);
            for (var t = 0; t < y.Rows; t++)
            for (var n = 0; n < count; n++)
                sums[t * columns + n] += x[4 * t] * values[n];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddFour(byte* w0, byte* w1, byte* w2, byte* w3, float* x, float* sums, long stride, int rows, int count)
    {
        for (var n = 0; n < count; n += TSimd.Count)
        {
            var b0 = TFormat.Load<T, TSimd>(w0 + n * Size);
            var b1 = TFormat.Load<T, TSimd>(w1 + n * Size);
            var b2 = TFormat.Load<T, TSimd>(w2 + n * Size);
            var b3 = TFormat.Load<T, TSimd>(w3 + n * Size);
            float* a = x,
                target = sums + n;
            for (var t = 0; t < rows; t++, a += 4, target += stride)
            {
                var sum = TSimd.Load(target);
                sum = TSimd.MultiplyAdd(b0, TSimd.Broadcast(a[0]), sum);
                sum = TSimd.MultiplyAdd(b1, TSimd.Broadcast(a[1]), sum);
                sum = TSimd.MultiplyAdd(b2, TSimd.Broadcast(a[2]), sum);
                sum = TSimd.MultiplyAdd(b3, TSimd.Broadcast(a[3]), sum);
                TSimd.Store(sum, target);
            }
        }
    }
}
