using GemmaScope.Numerics;

namespace GemmaScope.Tests.Numerics;

/// <summary>A random product with padding between rows, and its result in double precision.</summary>
internal sealed unsafe class DenseProblem : IDisposable
{
    private const int Gap = 5;
    private const float Untouched = 12345;
    private readonly Tensor _x,
        _weights,
        _y;
    private readonly int _rows,
        _inputs,
        _outputs;

    public DenseProblem(int rows, int inputs, int outputs, DType type, WeightLayout layout, bool denseWeights = false, int seed = 1)
    {
        (_rows, _inputs, _outputs) = (rows, inputs, outputs);
        var random = new Random(seed);
        var (storedRows, storedColumns) = layout == WeightLayout.OutIn ? (outputs, inputs) : (inputs, outputs);
        var stride = storedColumns + (denseWeights ? 0 : Gap);
        _x = Tensor.Zeros(rows, inputs + Gap);
        foreach (ref var v in _x.AsSpan())
            v = (float)(random.NextDouble() - 0.5);
        _weights = Tensor.Allocate(type, [storedRows, stride]);
        for (long i = 0; i < _weights.Length; i++)
            Set(i, (float)(random.NextDouble() - 0.5));
        _y = Tensor.Uninitialized(rows, outputs + Gap);
        _y.AsSpan().Fill(Untouched);
        X = new MatrixView(_x.Floats, rows, inputs, inputs + Gap);
        Y = new MatrixView(_y.Floats, rows, outputs, outputs + Gap);
        W = new WeightView(_weights.Pointer, type, inputs, outputs, layout, stride);
    }

    public MatrixView X { get; }

    public WeightView W { get; }

    public MatrixView Y { get; }

    /// <summary>
    /// The largest error of y, relative to the sum of |x·w| it is the result of. Throws where something outside y was written.
    /// </summary>
    public double Error(bool roundedX = false)
    {
        double worst = 0;
        var outIn = W.Layout == WeightLayout.OutIn;
        using var widened = _weights.ToF32();
        using var rowOfX = Tensor.Zeros(_inputs);
        for (var t = 0; t < _rows; t++)
        {
            for (var k = 0; k < _inputs; k++)
                rowOfX.Floats[k] = roundedX ? Conversions.RoundToBF16(X.Row(t)[k]) : X.Row(t)[k];
            for (var n = 0; n < _outputs; n++)
            {
                double sum = 0,
                    size = 1e-30;
                float* w = widened.Floats + (outIn ? n * W.Stride : n),
                    x = rowOfX.Floats;
                for (var k = 0; k < _inputs; k++)
                {
                    var product = (double)x[k] * w[outIn ? k : k * W.Stride];
                    sum += product;
                    size += Math.Abs(product);
                }
                var error = Math.Abs(Y.Row(t)[n] - sum) / size;
                worst = error <= worst ? worst : error;
            }
            for (var gap = 0; gap < Gap; gap++)
                if (Y.Data[(long)t * Y.Stride + _outputs + gap] != Untouched)
                    throw new InvalidOperationException($"wrote past row {t}");
        }
        return worst;
    }

    public void Dispose()
    {
        _x.Dispose();
        _weights.Dispose();
        _y.Dispose();
    }

    private void Set(long i, float value)
    {
        if (_weights.Type == DType.F32)
            _weights.Floats[i] = value;
        else
            ((ushort*)_weights.Pointer)[i] =
                _weights.Type == DType.BF16 ? Conversions.F32ToBF16(value) : BitConverter.HalfToUInt16Bits((Half)value);
    }
}
