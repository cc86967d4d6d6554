namespace GemmaScope.Numerics;

/// <summary>A view of an f32 matrix; it owns nothing.</summary>
public readonly unsafe struct MatrixView(float* data, int rows, int columns, int stride)
{
    /// <summary>First element.</summary>
    public float* Data { get; init; } = data;

    /// <summary>Number of rows.</summary>
    public int Rows { get; init; } = rows;

    /// <summary>Number of columns.</summary>
    public int Columns { get; init; } = columns;

    /// <summary>Elements between the starts of consecutive rows.</summary>
    public int Stride { get; init; } = stride;

    /// <summary>Row <paramref name="index"/>.</summary>
    public Span<float> Row(int index) => new(Data + (long)index * Stride, Columns);

    /// <summary>A run of rows.</summary>
    public MatrixView SliceRows(int start, int count) => this with { Data = Data + (long)start * Stride, Rows = count };

    /// <summary>A run of columns.</summary>
    public MatrixView SliceColumns(int start, int count) => this with { Data = Data + start, Columns = count };
}

/// <summary>How the weights of a linear map lie in memory.</summary>
public enum WeightLayout
{
    /// <summary>[outputs, inputs], as PyTorch's Linear and Gemma's checkpoints store them.</summary>
    OutIn,

    /// <summary>[inputs, outputs], as dictionaries store W_enc.</summary>
    InOut,
}

/// <summary>
/// The weights of a linear map in their stored type (F32, BF16, F16 or a block type); a view that owns nothing.
/// </summary>
public readonly unsafe struct WeightView(void* data, DType type, int inputs, int outputs, WeightLayout layout, long stride)
{
    /// <summary>First element.</summary>
    public void* Data { get; init; } = data;

    /// <summary>Stored type: F32, BF16, F16 or a block type.</summary>
    public DType Type { get; init; } = type;

    /// <summary>Numbers a row of x holds (K).</summary>
    public int Inputs { get; init; } = inputs;

    /// <summary>Numbers a row of y holds (N).</summary>
    public int Outputs { get; init; } = outputs;

    /// <summary>Which of the two is the stored row.</summary>
    public WeightLayout Layout { get; init; } = layout;

    /// <summary>Elements between the starts of consecutive stored rows.</summary>
    public long Stride { get; init; } = stride;

    /// <summary>Bytes between the starts of consecutive stored rows.</summary>
    internal long RowBytes => Type.ByteLength(Stride);

    /// <summary>The first byte of a stored row.</summary>
    internal byte* StoredRow(long index) => (byte*)Data + index * RowBytes;

    /// <summary>Views a stored matrix: [outputs, inputs] for OutIn, [inputs, outputs] for InOut.</summary>
    public static WeightView Of(Tensor stored, WeightLayout layout)
    {
        if (!stored.Type.IsMatrixType())
            throw new ArgumentException($"weights of type {stored.Type} cannot be multiplied");
        var (rows, columns) = (checked((int)stored.Rows), stored.Columns);
        return layout == WeightLayout.OutIn
            ? new(stored.Pointer, stored.Type, columns, rows, layout, columns)
            : new(stored.Pointer, stored.Type, rows, columns, layout, columns);
    }

    /// <summary>An f32 matrix used as weights, e.g. keys or values of attention.</summary>
    public static WeightView Of(MatrixView matrix, WeightLayout layout) =>
        layout == WeightLayout.OutIn
            ? new(matrix.Data, DType.F32, matrix.Columns, matrix.Rows, layout, matrix.Stride)
            : new(matrix.Data, DType.F32, matrix.Rows, matrix.Columns, layout, matrix.Stride);

    /// <summary>The same numbers as the map from outputs to inputs, as the backward of a product needs: dx = dy · Wᵀ.</summary>
    public WeightView Transposed =>
        this with
        {
            Inputs = Outputs,
            Outputs = Inputs,
            Layout = Layout == WeightLayout.OutIn ? WeightLayout.InOut : WeightLayout.OutIn,
        };

    /// <summary>The part that produces outputs [start, start + count).</summary>
    /// <exception cref="ArgumentException">Stored rows of a block type would be cut inside a block.</exception>
    public WeightView SliceOutputs(int start, int count)
    {
        var elements = Layout == WeightLayout.OutIn ? start * Stride : start;
        if (elements % Type.BlockLength() != 0)
            throw new ArgumentException($"rows of {Type} cannot be cut at {start}");
        return this with { Data = (byte*)Data + Type.ByteLength(elements), Outputs = count };
    }
}
