namespace GemmaScope.Numerics;

/// <summary>
/// One product by oneDNN, cut into runs of outputs for our workers: each makes its weights ready, multiplies all rows of x by them, some
/// rows at a time, and copies what came out to its place. With a second matrix of weights the two products meet in the cache:
/// y = gelu(x · W) ∘ (x · up).
/// </summary>
internal sealed unsafe class OneDnnParts
{
    // A part's dense results, before they are copied to their place: they should stay in the second-level cache.
    private const int ResultFloats = 1 << 17;

    // So should weights that are rounded, which all blocks of rows read.
    private const int RoundedBytes = 1 << 20;

    // Many rows go in blocks, so that a part's results stay small and few primitives serve all numbers of rows.
    private const int MostRows = 512;

    [ThreadStatic]
    private static Scratch? t_result,
        t_weights,
        t_row;

    private readonly WeightView _w;
    private readonly WeightView? _up;
    private readonly MatrixView _y;
    private readonly DType _type;
    private readonly int _outputs,
        _parts;

    // [whole or last block of rows][whole or last part]
    private readonly OneDnn.Matmul?[] _prepared = new OneDnn.Matmul?[4];

    private OneDnnParts(int rows, WeightView w, WeightView? up, MatrixView y, DType type)
    {
        (_w, _up, _y, _type) = (w, up, y, type);
        var matrices = up is null ? 1 : 2;
        var most = ResultFloats / matrices / Math.Min(rows, MostRows);
        if (!AreRead)
            most = Math.Min(most, RoundedBytes / matrices / (int)Math.Min(RoundedBytes, type.ByteLength(w.Inputs)));
        // Four parts for each thread even out a busy machine; multiples of 64 outputs suit the library's blocks.
        var share = Math.Min(most, w.Outputs / (4 * Workers.Count));
        _outputs = Math.Min(w.Outputs, Math.Max(64, share & ~63));
        _parts = (w.Outputs + _outputs - 1) / _outputs;
    }

    // The library reads dense [outputs, inputs] weights of its type where they lie.
    private bool AreRead => _w.Type == _type && _w.Layout == WeightLayout.OutIn && _w.Stride == _w.Inputs;

    /// <summary>The product's parts; null where the library has no fast way for one of them.</summary>
    /// <param name="rows">Rows of x.</param>
    /// <param name="w">Weights.</param>
    /// <param name="up">Second weights of the same form, or null.</param>
    /// <param name="y">Receives the product.</param>
    /// <param name="type">What the library's products read.</param>
    /// <param name="prepare">Gives the library's product of a shape, or null.</param>
    public static OneDnnParts? Plan(
        int rows,
        WeightView w,
        WeightView? up,
        MatrixView y,
        DType type,
        Func<MatmulShape, OneDnn.Matmul?> prepare
    )
    {
        var plan = new OneDnnParts(rows, w, up, y, type);
        int[] heights = [Math.Min(rows, MostRows), rows - (rows - 1) / MostRows * MostRows],
            widths = [plan._outputs, w.Outputs - (plan._parts - 1) * plan._outputs];
        for (var i = 0; i < 4; i++)
            if ((plan._prepared[i] = prepare(new(heights[i / 2], w.Inputs, widths[i % 2], w.Layout))) is null)
                return null;
        return plan;
    }

    /// <summary>Multiplies rounded rows [rows, inputs] without gaps.</summary>
    public void Run(void* x) => Workers.For(_parts, new Part(this, (byte*)x));

    /// <summary>Values as the library's products read them.</summary>
    public static void Round(ReadOnlySpan<float> values, void* target, DType type)
    {
        if (type == DType.BF16)
            Conversions.NarrowToBF16(values, new Span<ushort>(target, values.Length));
        else
            values.CopyTo(new Span<float>(target, values.Length));
    }

    private void Compute(int part, byte* x)
    {
        var first = part * _outputs;
        var count = Math.Min(_outputs, _w.Outputs - first);
        byte* w = (byte*)_w.Data + first * _type.ByteLength(_w.Inputs),
            up = _up is { } read ? (byte*)read.Data + first * _type.ByteLength(_w.Inputs) : null;
        if (!AreRead)
        {
            var bytes = (count * _type.ByteLength(_w.Inputs) + 63) & ~63L;
            w = (t_weights ??= new()).Bytes(_up is null ? bytes : 2 * bytes);
            RoundWeights(_w, first, count, w);
            if (_up is { } second)
                RoundWeights(second, first, count, up = w + bytes);
        }
        for (var row = 0; row < _y.Rows; row += MostRows)
        {
            var rows = Math.Min(MostRows, _y.Rows - row);
            var product = _prepared[(row + rows == _y.Rows ? 2 : 0) + (part == _parts - 1 ? 1 : 0)]!;
            var numbers = rows * count;
            var result = (t_result ??= new()).Floats(_up is null ? numbers : 2L * numbers);
            product.Run(x + row * _type.ByteLength(_w.Inputs), w, result);
            if (up is not null)
            {
                product.Run(x + row * _type.ByteLength(_w.Inputs), up, result + numbers);
                Elementwise.GeluTanhMultiply(new(result, numbers), new(result + numbers, numbers), new(result, numbers));
            }
            for (var t = 0; t < rows; t++)
                new Span<float>(result + (long)t * count, count).CopyTo(_y.Row(row + t)[first..]);
        }
    }

    // The part's piece of the weights in their own layout, without gaps: [count, inputs] or [inputs, count].
    private void RoundWeights(WeightView w, int first, int count, byte* target)
    {
        var part = w.SliceOutputs(first, count);
        var (stored, length) = w.Layout == WeightLayout.OutIn ? (count, w.Inputs) : (w.Inputs, count);
        var row = (t_row ??= new()).Floats(length);
        for (var i = 0; i < stored; i++, target += _type.ByteLength(length))
        {
            if (w.Type == DType.F32)
            {
                Round(new(part.StoredRow(i), length), target, _type);
                continue;
            }
            Conversions.Widen(part.StoredRow(i), w.Type, row, length);
            Round(new(row, length), target, _type);
        }
    }

    private readonly struct Part(OneDnnParts product, byte* x) : IJob
    {
        public void Run(int index) => product.Compute(index, x);
    }
}
