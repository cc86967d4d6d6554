using System.Runtime.CompilerServices;
using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>
/// The inner loops of products with sparse features, over a run of columns. Decoder vectors stream past once, by rising feature, while the
/// next are under way; the rows of a block stay in a cache. Sums run in the order of features (of rows, for Fᵀ · G).
/// </summary>
internal static unsafe class SparseKernel<T, TSimd, TFormat>
    where T : unmanaged
    where TSimd : ISimd<T>
    where TFormat : IWeightFormat
{
    /// <summary>How far ahead decoder vectors are asked for.</summary>
    private const int PrefetchBytes = 8192;

    private static int Size => TFormat.Size;

    /// <summary>y += F · W.</summary>
    /// <param name="f">F.</param>
    /// <param name="w">W, with its first column at that of y.</param>
    /// <param name="y">[rows, columns].</param>
    public static void Add(in FeatureColumns f, in DecoderView w, MatrixView y)
    {
        var ahead = 1 + PrefetchBytes / Math.Max(1, y.Columns * Size);
        for (var u = 0; u < f.Count; u++)
        {
            if (u + ahead < f.Count)
                Ahead.FetchAll(w.Row(f.Features[u + ahead]), y.Columns * Size);
            var row = w.Row(f.Features[u]);
            var scale = w.ScaleOf(f.Features[u]);
            var (e, end) = (f.Starts[u], f.Starts[u + 1]);
            for (; e + 1 < end; e += 2)
                AddToTwo(row, f.Values[e] * scale, At(y, f.Rows[e]), f.Values[e + 1] * scale, At(y, f.Rows[e + 1]), y.Columns);
            if (e < end)
                AddToOne(row, f.Values[e] * scale, At(y, f.Rows[e]), y.Columns);
        }
    }

    /// <summary>The products g · w of each entry's row and decoder vector, added to the entry's place.</summary>
    /// <param name="f">F.</param>
    /// <param name="w">W, with its first column at that of g.</param>
    /// <param name="g">[rows, columns].</param>
    /// <param name="products">One number for each entry, in the order by rows.</param>
    public static void AddDots(in FeatureColumns f, in DecoderView w, MatrixView g, float* products)
    {
        var ahead = 1 + PrefetchBytes / Math.Max(1, g.Columns * Size);
        for (var u = 0; u < f.Count; u++)
        {
            if (u + ahead < f.Count)
                Ahead.FetchAll(w.Row(f.Features[u + ahead]), g.Columns * Size);
            var row = w.Row(f.Features[u]);
            var scale = w.ScaleOf(f.Features[u]);
            for (var e = f.Starts[u]; e < f.Starts[u + 1]; e++)
                products[f.Places[e]] += scale * Dot(row, At(g, f.Rows[e]), g.Columns);
        }
    }

    /// <summary>y := Fᵀ · g, or y += Fᵀ · g.</summary>
    /// <param name="f">F.</param>
    /// <param name="g">[rows, columns].</param>
    /// <param name="y">[features, columns].</param>
    /// <param name="add">Whether to add.</param>
    public static void Transposed(in FeatureColumns f, MatrixView g, MatrixView y, bool add)
    {
        var next = 0;
        for (var u = 0; u < f.Count; u++)
        {
            var feature = f.Features[u];
            for (; next < feature && !add; next++)
                y.Row(next).Clear();
            Gather(f.Rows + f.Starts[u], f.Values + f.Starts[u], f.Starts[u + 1] - f.Starts[u], g, At(y, feature), add);
            next = feature + 1;
        }
        for (; next < y.Rows && !add; next++)
            y.Row(next).Clear();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* At(MatrixView matrix, int row) => matrix.Data + (long)row * matrix.Stride;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddToOne(byte* w, float value, float* y, int columns)
    {
        var (c, n) = (TSimd.Count, 0);
        var v = TSimd.Broadcast(value);
        for (; n + 4 * c <= columns; n += 4 * c, w += 4 * c * Size, y += 4 * c)
        {
            var y0 = TSimd.MultiplyAdd(TFormat.Load<T, TSimd>(w), v, TSimd.Load(y));
            var y1 = TSimd.MultiplyAdd(TFormat.Load<T, TSimd>(w + c * Size), v, TSimd.Load(y + c));
            var y2 = TSimd.MultiplyAdd(TFormat.Load<T, TSimd>(w + 2 * c * Size), v, TSimd.Load(y + 2 * c));
            var y3 = TSimd.MultiplyAdd(TFormat.Load<T, TSimd>(w + 3 * c * Size), v, TSimd.Load(y + 3 * c));
            TSimd.Store(y0, y);
            TSimd.Store(y1, y + c);
            TSimd.Store(y2, y + 2 * c);
            TSimd.Store(y3, y + 3 * c);
        }
        AddRest(w, value, y, columns - n);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddToTwo(byte* w, float first, float* y, float second, float* z, int columns)
    {
        var (c, n) = (TSimd.Count, 0);
        var v = TSimd.Broadcast(first);
        var u = TSimd.Broadcast(second);
        for (; n + 4 * c <= columns; n += 4 * c, w += 4 * c * Size, y += 4 * c, z += 4 * c)
        {
            T w0 = TFormat.Load<T, TSimd>(w),
                w1 = TFormat.Load<T, TSimd>(w + c * Size);
            T w2 = TFormat.Load<T, TSimd>(w + 2 * c * Size),
                w3 = TFormat.Load<T, TSimd>(w + 3 * c * Size);
            TSimd.Store(TSimd.MultiplyAdd(w0, v, TSimd.Load(y)), y);
            TSimd.Store(TSimd.MultiplyAdd(w1, v, TSimd.Load(y + c)), y + c);
            TSimd.Store(TSimd.MultiplyAdd(w2, v, TSimd.Load(y + 2 * c)), y + 2 * c);
            TSimd.Store(TSimd.MultiplyAdd(w3, v, TSimd.Load(y + 3 * c)), y + 3 * c);
            TSimd.Store(TSimd.MultiplyAdd(w0, u, TSimd.Load(z)), z);
            TSimd.Store(TSimd.MultiplyAdd(w1, u, TSimd.Load(z + c)), z + c);
            TSimd.Store(TSimd.MultiplyAdd(w2, u, TSimd.Load(z + 2 * c)), z + 2 * c);
            TSimd.Store(TSimd.MultiplyAdd(w3, u, TSimd.Load(z + 3 * c)), z + 3 * c);
        }
        AddRest(w, first, y, columns - n);
        AddRest(w, second, z, columns - n);
    }

    private static void AddRest(byte* w, float value, float* y, int columns)
    {
        if (columns == 0)
            return;
        var values = stackalloc float[4 * TSimd.Count];
        Conversions.Widen(w, TFormat.Type, values, columns);
        for (var n = 0; n < columns; n++)
            y[n] += value * values[n];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Dot(byte* w, float* g, int columns)
    {
        var (c, n) = (TSimd.Count, 0);
        T s0 = default,
            s1 = default,
            s2 = default,
            s3 = default;
        for (; n + 4 * c <= columns; n += 4 * c, w += 4 * c * Size, g += 4 * c)
        {
            s0 = TSimd.MultiplyAdd(TFormat.Load<T, TSimd>(w), TSimd.Load(g), s0);
            s1 = TSimd.MultiplyAdd(TFormat.Load<T, TSimd>(w + c * Size), TSimd.Load(g + c), s1);
            s2 = TSimd.MultiplyAdd(TFormat.Load<T, TSimd>(w + 2 * c * Size), TSimd.Load(g + 2 * c), s2);
            s3 = TSimd.MultiplyAdd(TFormat.Load<T, TSimd>(w + 3 * c * Size), TSimd.Load(g + 3 * c), s3);
        }
        return TSimd.Sum(TSimd.Add(TSimd.Add(s0, s1), TSimd.Add(s2, s3))) + DotOfRest(w, g, columns - n);
    }

    private static float DotOfRest(byte* w, float* g, int columns)
    {
        if (columns == 0)
            return 0;
        var values = stackalloc float[4 * TSimd.Count];
        Conversions.Widen(w, TFormat.Type, values, columns);
        float sum = 0;
        for (var n = 0; n < columns; n++)
            sum += values[n] * g[n];
        return sum;
    }

    /// <summary>y := Σ of the entries' values times their rows of g (+ y); the sums stay in registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Gather(int* rows, float* values, int count, MatrixView g, float* y, bool add)
    {
        var (c, n) = (TSimd.Count, 0);
        for (; n + 4 * c <= g.Columns; n += 4 * c)
        {
            T s0 = default,
                s1 = default,
                s2 = default,
                s3 = default;
            if (add)
                (s0, s1, s2, s3) = (TSimd.Load(y + n), TSimd.Load(y + n + c), TSimd.Load(y + n + 2 * c), TSimd.Load(y + n + 3 * c));
            for (var e = 0; e < count; e++)
            {
                var x = At(g, rows[e]) + n;
                var v = TSimd.Broadcast(values[e]);
                s0 = TSimd.MultiplyAdd(TSimd.Load(x), v, s0);
                s1 = TSimd.MultiplyAdd(TSimd.Load(x + c), v, s1);
                s2 = TSimd.MultiplyAdd(TSimd.Load(x + 2 * c), v, s2);
                s3 = TSimd.MultiplyAdd(TSimd.Load(x + 3 * c), v, s3);
            }
            TSimd.Store(s0, y + n);
            TSimd.Store(s1, y + n + c);
            TSimd.Store(s2, y + n + 2 * c);
            TSimd.Store(s3, y + n + 3 * c);
        }
        for (; n < g.Columns; n++)
        {
            var sum = add ? y[n] : 0;
            for (var e = 0; e < count; e++)
                sum += At(g, rows[e])[n] * values[e];
            y[n] = sum;
        }
    }
}
