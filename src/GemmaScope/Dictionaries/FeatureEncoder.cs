using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>
/// x → features, streamed over blocks of features: a block's products lie in a small scratch, are turned into features
/// at once and are overwritten by the next, so no [tokens, features] matrix ever exists. Always in exact arithmetic:
/// a product rounded to bf16 falls on the wrong side of thresholds.
/// </summary>
internal sealed class FeatureEncoder(WeightView weights, FeatureSelector selector)
{
    /// <summary>Numbers in the scratch (16 MB).</summary>
    private const int ScratchLength = 4 << 20;

    /// <summary>Rows encoded together: enough that reading the weights costs little beside the products.</summary>
    private const int RowsAtOnce = 1024;

    public WeightView Weights => weights;

    public int Inputs => weights.Inputs;

    public int Features => weights.Outputs;

    public FeatureSelector Selector => selector;

    /// <summary>Writes W_enc of one feature.</summary>
    public unsafe void Read(int feature, Span<float> vector)
    {
        var (step, start) = weights.Layout == WeightLayout.InOut ? (weights.Stride, (long)feature) : (1, feature * weights.Stride);
        fixed (float* target = vector[..weights.Inputs])
            for (var i = 0; i < weights.Inputs; i++)
                Conversions.Widen((byte*)weights.Data + (start + i * step) * weights.Type.Size(), weights.Type, target + i, 1);
    }

    /// <summary>‖W_enc‖ of each feature, read in the order in which the weights lie.</summary>
    public unsafe double[] Norms()
    {
        var squares = new double[Features];
        var (rows, columns) = weights.Layout == WeightLayout.InOut ? (Inputs, Features) : (Features, Inputs);
        var values = new float[columns];
        fixed (float* target = values)
            for (var row = 0; row < rows; row++)
            {
                Conversions.Widen((byte*)weights.Data + row * weights.Stride * weights.Type.Size(), weights.Type, target, columns);
                for (var i = 0; i < columns; i++)
                    squares[weights.Layout == WeightLayout.InOut ? i : row] += (double)values[i] * values[i];
            }
        return [.. squares.Select(Math.Sqrt)];
    }

    /// <summary>Adds the features of x [rows, inputs] to the rows, their indices raised by <paramref name="offset"/>.</summary>
    public void Encode(MatrixView x, int offset, FeatureRows found, CancellationToken cancellationToken)
    {
        for (var first = 0; first < x.Rows; first += RowsAtOnce)
            EncodeRows(x.SliceRows(first, Math.Min(RowsAtOnce, x.Rows - first)), first, offset, found, cancellationToken);
    }

    private void EncodeRows(MatrixView x, int firstRow, int offset, FeatureRows found, CancellationToken cancellationToken)
    {
        var block = Math.Min(Features, ScratchLength / x.Rows);
        using var scratch = Tensor.Uninitialized(x.Rows, block);
        var states = new TopSelection?[x.Rows];
        for (var i = 0; i < states.Length; i++)
            states[i] = selector.Start();
        for (var start = 0; start < Features; start += block)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var products = scratch.AsMatrix().SliceColumns(0, Math.Min(block, Features - start));
            Compute.Kernels.Multiply(x, weights.SliceOutputs(start, products.Columns), products, Arithmetic.Exact);
            Workers.For(x.Rows, new SelectJob(selector, products, start, offset, firstRow, found, states));
        }
        for (var i = 0; i < states.Length; i++)
            selector.Finish(states[i], offset, found[firstRow + i]);
    }

    private readonly struct SelectJob(
        FeatureSelector selector,
        MatrixView products,
        int start,
        int offset,
        int firstRow,
        FeatureRows found,
        TopSelection?[] states
    ) : IJob
    {
        public void Run(int index) => selector.Select(products.Row(index), start, offset, found[firstRow + index], states[index]);
    }
}
