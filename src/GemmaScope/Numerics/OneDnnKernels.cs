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

    [ThreadStatic] private static Scratch? t_x;

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
        if (arithmetic == Arithmetic.Fast && x.Rows >= LeastRows && weights is { Type: DType.BF16, Inputs: > 0, Outputs: > 0 }
            && TryMultiply(x, weights, y)) return;
        _managed.Multiply(x, weights, y, arithmetic);
    }

    private bool TryMultiply(MatrixView x, WeightView w, MatrixView y)
    {
        // Four parts for each thread even out a busy machine; multiples of 64 outputs suit the library's blocks.
        var parts = 4 * Workers.Count;
        var outputs = Math.Max(256, ((w.Outputs + parts - 1) / parts + 63) & ~63);
        parts = (w.Outputs + outputs - 1) / outputs;
        var most = Prepare(x.Rows, w, Math.Min(outputs, w.Outputs), y.Stride);
        var last = Prepare(x.Rows, w, w.Outputs - (parts - 1) * outputs, y.Stride);
        if (most is null || last is null) return false;

        var rounded = (ushort*)(t_x ??= new()).Bytes((long)x.Rows * x.Columns * sizeof(ushort));
        Workers.For(x.Rows, new RoundRow(x, rounded));
        Workers.For(parts, new Part(most, last, rounded, w, y, outputs, parts));
        return true;
    }

    private OneDnn.Matmul? Prepare(int rows, WeightView w, int outputs, int resultStride)
    {
        var shape = new MatmulShape(rows, w.Inputs, outputs, w.Layout, w.Stride, resultStride);
        lock (_lock)
        {
            if (_prepared.TryGetValue(shape, out var known)) return known;
            if (_prepared.Count >= MostPrepared) _prepared.Clear();
            var prepared = _prepared[shape] = library.Prepare(shape);
            Implementation = prepared?.Implementation ?? Implementation;
            return prepared;
        }
    }

    private readonly struct RoundRow(MatrixView x, ushort* rounded) : IJob
    {
        public void Run(int index) =>
            Conversions.NarrowToBF16(x.Row(index), new Span<ushort>(rounded + (long)index * x.Columns, x.Columns));
    }

    private readonly struct Part(OneDnn.Matmul most, OneDnn.Matmul last, ushort* x, WeightView w, MatrixView y, int outputs, int parts) : IJob
    {
        public void Run(int index)
        {
            var first = index * outputs;
            var matmul = index == parts - 1 ? last : most;
            matmul.Run(x, w.SliceOutputs(first, 1).Data, y.Data + first);
        }
    }
}
