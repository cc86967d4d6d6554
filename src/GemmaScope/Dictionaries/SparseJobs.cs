using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>
/// Products with sparse features, shared by the workers: by columns, or by features where each entry has a result of its own, so that no
/// two write the same numbers.
/// </summary>
internal static unsafe class SparseJobs
{
    private const int LeastColumns = 64;

    /// <summary>y := start + F · W.</summary>
    /// <param name="f">F.</param>
    /// <param name="type">Stored type of W.</param>
    /// <param name="w">W.</param>
    /// <param name="start">What each row of y begins with; null: what it holds.</param>
    /// <param name="y">[rows, d].</param>
    public static void Multiply(FeatureColumns f, DType type, DecoderView w, float[]? start, MatrixView y) =>
        KernelCall.Run(type, new MultiplyCall(f, w, start, y));

    /// <summary>Adds g · w of each entry to its place.</summary>
    public static void AddDots(FeatureColumns f, DType type, DecoderView w, MatrixView g, float* products) =>
        KernelCall.Run(type, new DotsCall(f, w, g, products));

    /// <summary>y := Fᵀ · G, or y += Fᵀ · G.</summary>
    public static void Transposed(FeatureColumns f, MatrixView g, MatrixView y, bool add) =>
        KernelCall.Run(DType.F32, new TransposedCall(f, g, y, add));

    // As wide as can be: memory gives long pieces of a decoder vector much faster than short ones.
    private static int Share(int columns) => Math.Max(LeastColumns, ((columns + Workers.Count - 1) / Workers.Count + 15) & ~15);

    private static MatrixView Slice(MatrixView matrix, int first, int columns) =>
        matrix.SliceColumns(first, Math.Min(columns, matrix.Columns - first));

    private readonly struct MultiplyCall(FeatureColumns f, DecoderView w, float[]? start, MatrixView y) : IKernelCall
    {
        public void Run<T, TSimd, TFormat>()
            where T : unmanaged
            where TSimd : ISimd<T>
            where TFormat : IWeightFormat
        {
            var columns = Share(y.Columns);
            Workers.For((y.Columns + columns - 1) / columns, new MultiplyJob<T, TSimd, TFormat>(f, w, start, y, columns));
        }
    }

    private readonly struct MultiplyJob<T, TSimd, TFormat>(FeatureColumns f, DecoderView w, float[]? start, MatrixView y, int columns)
        : IJob
        where T : unmanaged
        where TSimd : ISimd<T>
        where TFormat : IWeightFormat
    {
        public void Run(int index)
        {
            var first = index * columns;
            var part = Slice(y, first, columns);
            for (var row = 0; row < part.Rows && start is not null; row++)
                start.AsSpan(first, part.Columns).CopyTo(part.Row(row));
            SparseKernel<T, TSimd, TFormat>.Add(f, w.From(first * TFormat.Size), part);
        }
    }

    private readonly struct DotsCall(FeatureColumns f, DecoderView w, MatrixView g, float* products) : IKernelCall
    {
        public void Run<T, TSimd, TFormat>()
            where T : unmanaged
            where TSimd : ISimd<T>
            where TFormat : IWeightFormat => Workers.For(Workers.Count, new DotsJob<T, TSimd, TFormat>(f, w, g, products));
    }

    private readonly struct DotsJob<T, TSimd, TFormat>(FeatureColumns f, DecoderView w, MatrixView g, float* products) : IJob
        where T : unmanaged
        where TSimd : ISimd<T>
        where TFormat : IWeightFormat
    {
        public void Run(int index) => SparseKernel<T, TSimd, TFormat>.AddDots(f.Part(index, Workers.Count), w, g, products);
    }

    private readonly struct TransposedCall(FeatureColumns f, MatrixView g, MatrixView y, bool add) : IKernelCall
    {
        public void Run<T, TSimd, TFormat>()
            where T : unmanaged
            where TSimd : ISimd<T>
            where TFormat : IWeightFormat
        {
            var columns = Share(g.Columns);
            Workers.For((g.Columns + columns - 1) / columns, new TransposedJob<T, TSimd, TFormat>(f, g, y, add, columns));
        }
    }

    private readonly struct TransposedJob<T, TSimd, TFormat>(FeatureColumns f, MatrixView g, MatrixView y, bool add, int columns) : IJob
        where T : unmanaged
        where TSimd : ISimd<T>
        where TFormat : IWeightFormat
    {
        public void Run(int index) =>
            SparseKernel<T, TSimd, TFormat>.Transposed(f, Slice(g, index * columns, columns), Slice(y, index * columns, columns), add);
    }
}
