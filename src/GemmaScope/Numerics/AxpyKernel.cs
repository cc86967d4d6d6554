using System.Runtime.CompilerServices;

namespace GemmaScope.Numerics;

/// <summary>
/// y = x · W for few rows of x and weights stored [inputs, outputs]: stored rows are scaled and added into a run of
/// y that stays in the first-level cache, four rows per pass. Nothing is repacked and each weight is read once.
/// </summary>
internal static unsafe class AxpyKernel<T, TSimd, TFormat>
    where T : unmanaged where TSimd : ISimd<T> where TFormat : IWeightFormat
{
    private const int FloatsInCache = 4096;

    [ThreadStatic] private static Scratch? t_x;

    private static int Size => TFormat.Type.Size();

    public static void Multiply(MatrixView x, WeightView w, MatrixView y, bool round, bool here)
    {
        var stride = (x.Columns + 3) & ~3;
        var copy = new MatrixView((t_x ??= new()).Floats((long)x.Rows * stride), x.Rows, stride, stride);
        for (var t = 0; t < x.Rows; t++)
        {
            var target = copy.Row(t);
            target[x.Columns..].Clear();
            if (round) Conversions.RoundToBF16(x.Row(t), target);
            else x.Row(t).CopyTo(target);
        }
        var share = (w.Outputs + Workers.Count - 1) / Workers.Count;
        var columns = Math.Max(64, Math.Min(FloatsInCache / x.Rows, share) & ~63);
        ParallelLoop.Run((w.Outputs + columns - 1) / columns, new Part(copy, w, y, columns), here);
    }

    private readonly record struct Part(MatrixView X, WeightView W, MatrixView Y, int Columns) : IJob
    {
        public void Run(int index)
        {
            var first = index * Columns;
            var count = Math.Min(Columns, W.Outputs - first);
            for (var t = 0; t < Y.Rows; t++) Y.Row(t).Slice(first, count).Clear();
            var whole = count - count % TSimd.Count;
            for (var k = 0; k < W.Inputs; k += 4)
            {
                var w = (byte*)W.Data + (k * W.Stride + first) * Size;
                var left = Math.Min(4, W.Inputs - k);
                var next = W.Stride * Size;
                // Past the last stored row the last one is read again; x is zero there.
                AddFour(w, w + next * Math.Min(1, left - 1), w + next * Math.Min(2, left - 1), w + next * Math.Min(3, left - 1),
                    X.Data + k, X.Stride, Y.Data + first, Y.Stride, Y.Rows, whole);
                if (whole < count) AddRest(w + whole * Size, left, k, first + whole, count - whole);
            }
        }

        private void AddRest(byte* w, int left, int k, int first, int count)
        {
            var row = stackalloc float[TSimd.Count];
            for (var i = 0; i < left; i++, w += W.Stride * Size)
            {
                Conversions.Widen(w, TFormat.Type, row, count);
                for (var t = 0; t < Y.Rows; t++)
                {
                    var factor = X.Row(t)[k + i];
                    var target = Y.Row(t).Slice(first, count);
                    for (var n = 0; n < count; n++) target[n] += factor * row[n];
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddFour(byte* w0, byte* w1, byte* w2, byte* w3, float* x, long xStride, float* y, long yStride, int rows, int count)
    {
        for (var n = 0; n < count; n += TSimd.Count)
        {
            var b0 = TFormat.Load<T, TSimd>(w0 + n * Size);
            var b1 = TFormat.Load<T, TSimd>(w1 + n * Size);
            var b2 = TFormat.Load<T, TSimd>(w2 + n * Size);
            var b3 = TFormat.Load<T, TSimd>(w3 + n * Size);
            float* a = x, target = y + n;
            for (var t = 0; t < rows; t++, a += xStride, target += yStride)
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
