using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>
/// z = h · W_enc + b_enc, the one dense product of a step, over runs of features: products lie in a small scratch, the few that matter are
/// picked out at once, and no [rows, features] matrix ever exists (METHODS §5.1, §5.3).
/// </summary>
internal sealed class EncoderPass(Recipe recipe, TrainerShape shape, TrainerParameters parameters) : IDisposable
{
    /// <summary>Numbers in the scratch (16 MB).</summary>
    private const int ScratchLength = 4 << 20;

    private Tensor _scratch = Tensor.Uninitialized(0);

    /// <summary>Finds the entries of all rows.</summary>
    public void Run(MatrixView h, FeatureRule rule, EntryRows found)
    {
        if (_scratch.Length < Math.Max(ScratchLength, h.Rows * 16L))
        {
            _scratch.Dispose();
            _scratch = Tensor.Uninitialized(Math.Max(ScratchLength, h.Rows * 16L));
        }
        var first = 0;
        for (var l = 0; l < shape.Blocks.Count; first += shape.Blocks[l++].Features)
            RunBlock(
                h.SliceColumns(shape.Blocks[l].InputStart, shape.Blocks[l].InputWidth),
                parameters.Encoder[l].Values,
                first,
                rule,
                found
            );
        rule.End(found);
    }

    private unsafe void RunBlock(MatrixView h, Tensor encoder, int first, FeatureRule rule, EntryRows found)
    {
        var (features, weights) = ((int)encoder.Rows, WeightView.Of(encoder, WeightLayout.OutIn));
        var run = (int)Math.Min(features, _scratch.Length / h.Rows);
        for (var start = 0; start < features; start += run)
        {
            var count = Math.Min(run, features - start);
            var products = new MatrixView(_scratch.Floats, h.Rows, count, count);
            Compute.Kernels.Multiply(h, weights.SliceOutputs(start, count), products, recipe.Arithmetic);
            Workers.For(
                h.Rows,
                new ScanJob(
                    products,
                    parameters.EncoderBias.Values.AsSpan().Slice(first + start, count).ToArray(),
                    first + start,
                    rule,
                    found
                )
            );
            rule.EndOfRun(found);
        }
    }

    public void Dispose() => _scratch.Dispose();

    private readonly struct ScanJob(MatrixView products, float[] bias, int first, FeatureRule rule, EntryRows found) : IJob
    {
        public void Run(int index)
        {
            var z = products.Row(index);
            TensorPrimitives.Add(z, bias, z);
            rule.Scan(index, z, first, found[index]);
        }
    }
}
