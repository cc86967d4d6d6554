namespace GemmaScope.Numerics;

/// <summary>
/// bf16 products by oneDNN, which reaches the processor's bf16 instructions; all others by <see cref="ManagedKernels"/>. x is rounded once
/// for all products that read it. bf16 weights are read where they lie; others are rounded part by part, in the cache of the worker that
/// multiplies them.
/// </summary>
/// <param name="library">The library.</param>
/// <param name="type">What its products read: bf16; f32 runs the same code on processors without such products, for tests.</param>
internal sealed unsafe class OneDnnKernels(OneDnn library, DType type = DType.BF16) : IDenseKernels
{
    /// <summary>Below this many rows of x a product is bound by reading weights, which our own kernels do faster.</summary>
    private const int LeastRows = 8;

    // A prompt of a new length needs new primitives; some hundred cover the shapes of a few lengths.
    private const int MostPrepared = 128;

    [ThreadStatic]
    private static Scratch? t_x;

    private readonly IDenseKernels _managed = new ManagedKernels();
    private readonly Dictionary<MatmulShape, OneDnn.Matmul?> _prepared = [];
    private readonly Lock _lock = new();

    /// <summary>The library's name of the last implementation used, null if there is none for this processor.</summary>
    public string? Implementation { get; private set; }

    /// <inheritdoc/>
    public string Name => $"oneDNN {library.Version}, {Implementation}";

    /// <inheritdoc/>
    public void Multiply(MatrixView x, WeightView weights, MatrixView y, Arithmetic arithmetic) =>
        MultiplyEach(x, [new(weights, y)], arithmetic);

    /// <inheritdoc/>
    public void MultiplyEach(MatrixView x, ReadOnlySpan<DenseProduct> products, Arithmetic arithmetic)
    {
        foreach (var (w, y) in products)
            DenseArguments.Check(x, w, y);
        ushort* rounded = null;
        foreach (var (w, y) in products)
            if (!Takes(x, w, arithmetic) || !TryMultiply(x, ref rounded, w, null, y))
                _managed.Multiply(x, w, y, arithmetic);
    }

    /// <inheritdoc/>
    public void MultiplyGated(MatrixView x, WeightView gate, WeightView up, MatrixView y, MatrixView room, Arithmetic arithmetic)
    {
        DenseArguments.Check(x, gate, y);
        DenseArguments.Check(x, up, room);
        ushort* rounded = null;
        var alike = gate.Type == up.Type && gate.Layout == up.Layout && gate.Outputs == up.Outputs && gate.Stride == up.Stride;
        if (alike && Takes(x, gate, arithmetic) && TryMultiply(x, ref rounded, gate, up, y))
            return;
        _managed.MultiplyGated(x, gate, up, y, room, arithmetic);
    }

    /// <summary>The product by the library; false where it has no fast way for it.</summary>
    internal bool TryMultiply(MatrixView x, WeightView w, MatrixView y)
    {
        ushort* rounded = null;
        return Takes(x, w, Arithmetic.Fast) && TryMultiply(x, ref rounded, w, null, y);
    }

    /// <summary>A cut through stored rows could cut blocks, so those are taken in one layout only.</summary>
    private static bool Takes(MatrixView x, WeightView w, Arithmetic arithmetic) =>
        arithmetic == Arithmetic.Fast
        && x.Rows >= LeastRows
        && w is { Inputs: > 0, Outputs: > 0 }
        && (w.Layout == WeightLayout.OutIn || !w.Type.IsBlockType());

    private bool TryMultiply(MatrixView x, ref ushort* rounded, WeightView w, WeightView? up, MatrixView y)
    {
        if (OneDnnParts.Plan(x.Rows, w, up, y, type, Prepare) is not { } parts)
            return false;
        if (rounded is null)
        {
            var rowBytes = type.ByteLength(x.Columns);
            rounded = (ushort*)(t_x ??= new()).Bytes(x.Rows * rowBytes);
            Workers.For(x.Rows, new RoundRow(x, (byte*)rounded, rowBytes, type));
        }
        parts.Run(rounded);
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
            var prepared = _prepared[shape] = library.Prepare(shape, type);
            Implementation = prepared?.Implementation ?? Implementation;
            return prepared;
        }
    }

    private readonly struct RoundRow(MatrixView x, byte* rounded, long rowBytes, DType type) : IJob
    {
        public void Run(int index) => OneDnnParts.Round(x.Row(index), rounded + index * rowBytes, type);
    }
}
