namespace GemmaScope.Numerics;

/// <summary>
/// bf16 products by oneDNN, which reaches the processor's bf16 instructions; all others by <see cref="ManagedKernels"/>.
/// Weights are read where they lie; x is rounded to bf16 in a buffer that is kept.
/// </summary>
internal sealed unsafe class OneDnnKernels(OneDnn library) : IDenseKernels
{
    /// <summary>Below this many rows of x a product is bound by reading weights, which our own kernels do faster.</summary>
    private const int LeastRows = 8;

    // A prompt of a new length needs new primitives; some hundred cover the shapes of a few lengths.
    private const int MostPrepared = 128;

    // A part's dense result, before it is copied to its place: it should stay in the second-level cache.
    private const int ResultFloats = 1 << 17;

    // Longer prompts go in blocks of rows, so that x stays in the third-level cache and few primitives serve all lengths.
    private const int MostRows = 512;

    [ThreadStatic]
    private static Scratch? t_x;

    [ThreadStatic]
    private static Scratch? t_result;

    // Weights of a block type as bf16, so many that the library has enough outputs for all threads.
    private const long WideBytes = 16 << 20;

    [ThreadStatic]
    private static Scratch? t_wide;

    [ThreadStatic]
    private static Scratch? t_row;

    private readonly ManagedKernels _managed = new();
    private readonly Dictionary<MatmulShape, OneDnn.Matmul?> _prepared = [];
    private readonly Lock _lock = new();

    /// <summary>The library's name of the last implementation used, null if there is none for this processor.</summary>
    public string? Implementation { get; private set; }

    /// <inheritdoc/>
    public string Name => $"oneDNN {library.Version}, {Implementation}";

    /// <inheritdoc/>
    public void Multiply(MatrixView x, WeightView weights, MatrixView y, Arithmetic arithmetic)
    {
        DenseArguments.Check(x, weights, y);
        if (arithmetic != Arithmetic.Fast)
        {
            _managed.Multiply(x, weights, y, arithmetic);
            return;
        }
        if (weights.Type.IsBlockType() && weights.Layout == WeightLayout.OutIn && x.Rows >= LeastRows)
        {
            MultiplyBlocks(x, weights, y, arithmetic);
            return;
        }
        for (var row = 0; row < x.Rows; row += MostRows)
        {
            var rows = Math.Min(MostRows, x.Rows - row);
            MatrixView someX = x.SliceRows(row, rows),
                someY = y.SliceRows(row, rows);
            if (rows < LeastRows || !TryMultiply(someX, weights, someY))
                _managed.Multiply(someX, weights, someY, arithmetic);
        }
    }

    /// <summary>Weights of a block type become bf16 some rows at a time, in a buffer that is kept.</summary>
    private void MultiplyBlocks(MatrixView x, WeightView w, MatrixView y, Arithmetic arithmetic)
    {
        var most = Math.Max(64, (int)Math.Min(w.Outputs, WideBytes / (sizeof(ushort) * Math.Max(1L, w.Inputs))));
        var wide = (ushort*)(t_wide ??= new()).Bytes((long)most * w.Inputs * sizeof(ushort));
        for (var first = 0; first < w.Outputs; first += most)
        {
            var count = Math.Min(most, w.Outputs - first);
            Workers.For(count, new WidenRow(w, first, wide));
            var some = new WeightView(wide, DType.BF16, w.Inputs, count, WeightLayout.OutIn, w.Inputs);
            Multiply(x, some, y.SliceColumns(first, count), arithmetic);
        }
    }

    /// <summary>The product by the library, unless it has no fast way for it: weights must be bf16, [outputs, inputs], without
    /// gaps.</summary>
    internal bool TryMultiply(MatrixView x, WeightView w, MatrixView y)
    {
        if (w is not { Type: DType.BF16, Layout: WeightLayout.OutIn, Inputs: > 0, Outputs: > 0 } || w.Stride != w.Inputs)
            return false;
        // Four parts for each thread even out a busy machine; multiples of 64 outputs suit the library's blocks.
        var share = Math.Min(ResultFloats / x.Rows, w.Outputs / (4 * Workers.Count));
        var outputs = Math.Min(w.Outputs, Math.Max(64, share & ~63));
        var parts = (w.Outputs + outputs - 1) / outputs;
        var most = Prepare(new(x.Rows, w.Inputs, outputs));
        var last = Prepare(new(x.Rows, w.Inputs, w.Outputs - (parts - 1) * outputs));
        if (most is null || last is null)
            return false;

        var rounded = (ushort*)(t_x ??= new()).Bytes((long)x.Rows * x.Columns * sizeof(ushort));
        Workers.For(x.Rows, new RoundRow(x, rounded));
        Workers.For(parts, new Part(most, last, rounded, w, y, outputs, parts));
        return true;
    }

    private OneDnn.Matmul? Prepare(MatmulShape shape)
    {
        lock (_lock)
        {
            if (_prepared.TryGetValue(shape, out var known))
                return known;
            if (_prepared.Count >= MostPrepared)
                _prepared.Clear();
            var prepared = _prepared[shape] = library.Prepare(shape);
            Implementation = prepared?.Implementation ?? Implementation;
            return prepared;
        }
    }

    private readonly struct WidenRow(WeightView w, int first, ushort* wide) : IJob
    {
        public void Run(int index)
        {
            var row = (t_row ??= new()).Floats(w.Inputs);
            Conversions.Widen(w.StoredRow(first + index), w.Type, row, w.Inputs);
            Conversions.NarrowToBF16(new ReadOnlySpan<float>(row, w.Inputs), new Span<ushort>(wide + (long)index * w.Inputs, w.Inputs));
        }
    }

    private readonly struct RoundRow(MatrixView x, ushort* rounded) : IJob
    {
        public void Run(int index) =>
            Conversions.NarrowToBF16(x.Row(index), new Span<ushort>(rounded + (long)index * x.Columns, x.Columns));
    }

    private readonly struct Part(OneDnn.Matmul most, OneDnn.Matmul last, ushort* x, WeightView w, MatrixView y, int outputs, int parts)
        : IJob
    {
        public void Run(int index)
        {
            var first = index * outputs;
            var count = Math.Min(outputs, w.Outputs - first);
            var result = (t_result ??= new()).Floats((long)y.Rows * count);
            (index == parts - 1 ? last : most).Run(x, w.SliceOutputs(first, count).Data, result);
            for (var t = 0; t < y.Rows; t++)
                new Span<float>(result + (long)t * count, count).CopyTo(y.Row(t)[first..]);
        }
    }
}
