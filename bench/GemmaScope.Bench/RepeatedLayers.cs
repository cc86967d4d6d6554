using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>The matrices of as many layers of Gemma 2 2B as a block of private memory holds that no cache does, in one type. The numbers
/// are all the same, which no kernel's speed depends on.</summary>
internal sealed unsafe class RepeatedLayers : IDisposable
{
    /// <summary>This byte everywhere is a small, finite weight in every type.</summary>
    private const byte Filling = 0x11;

    private static readonly (int Outputs, int Inputs)[] Shapes =
    [
        (2048, 2304),
        (1024, 2304),
        (1024, 2304),
        (2304, 2048),
        (9216, 2304),
        (9216, 2304),
        (2304, 9216),
    ];

    private readonly Tensor _memory,
        _x,
        _y;
    private readonly List<WeightView> _matrices = [];

    public RepeatedLayers(DType type, bool quick)
    {
        Type = type;
        var layer = Shapes.Sum(shape => type.ByteLength((long)shape.Outputs * shape.Inputs));
        var layers = quick ? 1 : (int)Math.Max(1, (800L << 20) / layer);
        Bytes = layers * layer;
        _memory = Tensor.Allocate(DType.U8, [(long)Bytes], clear: false);
        for (long at = 0; at < _memory.Length; at += 1 << 30)
            new Span<byte>(_memory.Pointer + at, (int)Math.Min(1 << 30, _memory.Length - at)).Fill(Filling);
        var place = _memory.Pointer;
        for (var i = 0; i < layers; i++)
            foreach (var (outputs, inputs) in Shapes)
            {
                _matrices.Add(new WeightView(place, type, inputs, outputs, WeightLayout.OutIn, inputs));
                place += type.ByteLength((long)outputs * inputs);
            }
        _x = Tensor.Zeros(512, 9216);
        _x.AsSpan().Fill(1);
        _y = Tensor.Zeros(512, 9216);
    }

    public DType Type { get; }

    /// <summary>Bytes of all matrices.</summary>
    public double Bytes { get; }

    /// <summary>Weights of all matrices.</summary>
    public double Weights => _matrices.Sum(matrix => (double)matrix.Inputs * matrix.Outputs);

    /// <summary>Every matrix times one row.</summary>
    public Contestant OneToken() =>
        new(
            Weights,
            () =>
            {
                foreach (var matrix in _matrices)
                    Multiply(matrix, 1);
            }
        );

    /// <summary>The matrices of one layer's MLP times many rows.</summary>
    public Contestant Prompt(int rows)
    {
        var mlp = _matrices[4..7];
        return new(
            mlp.Sum(matrix => WorkCount.Product(rows, matrix.Inputs, matrix.Outputs)),
            () =>
            {
                foreach (var matrix in mlp)
                    Multiply(matrix, rows);
            }
        );
    }

    public void Dispose()
    {
        _memory.Dispose();
        _x.Dispose();
        _y.Dispose();
    }

    private void Multiply(WeightView matrix, int rows) =>
        Compute.Kernels.Multiply(
            _x.AsMatrix().SliceRows(0, rows).SliceColumns(0, matrix.Inputs),
            matrix,
            _y.AsMatrix().SliceRows(0, rows).SliceColumns(0, matrix.Outputs),
            Compute.DefaultArithmetic
        );
}
