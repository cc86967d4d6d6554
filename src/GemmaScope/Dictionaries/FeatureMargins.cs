using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>
/// How far rows are from where a feature that fires falls silent: the distance that the row would have to move straight against the feature's
/// encoder vector, as a share of the row's norm. (z − θ) / (‖W_enc‖ ‖x‖) with θ the threshold, of a gated dictionary the nearer of gate and
/// magnitude, of top-k the least activation that the row keeps. Shares of different features, layers and models are comparable, and an
/// error of the activations is one too.
/// </summary>
public sealed class FeatureMargins
{
    private readonly Block[] _blocks;
    private readonly InputScaling _scaling;
    private readonly int _inputs;
    private readonly float[] _scaled;

    /// <summary>Reads the encoder once.</summary>
    /// <param name="dictionary">The dictionary, which must outlive this.</param>
    public FeatureMargins(SparseDictionary dictionary)
    {
        (_inputs, _scaling) = (dictionary.InputWidth, (dictionary as LayerDictionary)?.Weights.Scaling ?? InputScaling.None);
        (FeatureEncoder Encoder, int Start)[] encoders = dictionary is MultiLayerDictionary layers
            ? [.. layers.Blocks.Select(block => (block.Encoder, block.Start))]
            : [(((LayerDictionary)dictionary).Weights.Encoder, 0)];
        _blocks = [.. encoders.Select(one => new Block(one.Encoder.Selector, one.Start, one.Encoder.Norms()))];
        _scaled = new float[_inputs / _blocks.Length];
    }

    /// <summary>The margins of a row's entries, in their order; 0 for one that is not above 0.</summary>
    /// <param name="features">The features of some rows.</param>
    /// <param name="row">Which row.</param>
    /// <param name="x">[inputs] what the row was encoded from.</param>
    public double[] Of(SparseActivations features, int row, ReadOnlySpan<float> x)
    {
        if (x.Length != _inputs)
            throw new ArgumentProblemException($"has {x.Length} numbers where {_inputs} are needed", "x");
        var indices = features.Indices(row);
        var values = features.Values(row);
        var margins = new double[indices.Length];
        for (int b = 0, first = 0; b < _blocks.Length; b++)
        {
            var (selector, start, norms) = _blocks[b];
            var end = first;
            while (end < indices.Length && indices[end] < start + norms.Length)
                end++;
            if (end > first)
            {
                _scaling.Apply(x.Slice(b * _scaled.Length, _scaled.Length), _scaled);
                var size = (double)TensorPrimitives.Norm<float>(_scaled);
                var least = TensorPrimitives.Min(values[first..end]);
                for (var i = first; i < end; i++)
                    if (values[i] > 0)
                        margins[i] =
                            selector.Margin(indices[i] - start, values[i], least, end - first) / (norms[indices[i] - start] * size);
            }
            first = end;
        }
        return margins;
    }

    private readonly record struct Block(FeatureSelector Selector, int Start, double[] Norms);
}
