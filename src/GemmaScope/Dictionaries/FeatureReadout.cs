using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>
/// The activations of a few features of a dictionary, row by row. Where a feature does not depend on the others of its row only its own
/// encoder vector is
/// multiplied, and nothing is allocated; top-k and rows that are scaled one by one need the whole row.
/// </summary>
internal sealed class FeatureReadout
{
    private readonly SparseDictionary _dictionary;
    private readonly int[] _features;
    private readonly IFeatureActivation? _each;
    private readonly float[][] _encoders = [];
    private readonly float[] _offsets = [];

    /// <param name="dictionary">The dictionary; it reads one site.</param>
    /// <param name="features">Features of it.</param>
    public FeatureReadout(SparseDictionary dictionary, int[] features)
    {
        (_dictionary, _features) = (dictionary, features);
        if (
            dictionary
            is not LayerDictionary { Weights: { Encoder.Selector: IFeatureActivation each, Scaling.Factor: { } factor } weights } layer
        )
            return;
        (_each, _encoders, _offsets) = (each, new float[features.Length][], new float[features.Length]);
        for (var i = 0; i < features.Length; i++)
        {
            layer.Encoder(features[i], _encoders[i] = new float[layer.InputWidth]);
            // W (s x − b) = (s W) x − W b, and the vector holds s W.
            if (weights.SubtractsBias)
                _offsets[i] = -TensorPrimitives.Dot<float>(_encoders[i], weights.Bias) / factor;
        }
    }

    /// <summary>Number of features.</summary>
    public int Count => _features.Length;

    /// <summary>Writes the activations of each row, one row after another: [rows, <see cref="Count"/>].</summary>
    public void Read(MatrixView x, Span<float> values)
    {
        if (_each is null)
        {
            var all = _dictionary.Encode(x);
            for (var row = 0; row < x.Rows; row++)
            for (var i = 0; i < Count; i++)
                values[row * Count + i] = all.Value(row, _features[i]);
            return;
        }
        for (var row = 0; row < x.Rows; row++)
        for (var i = 0; i < Count; i++)
            values[row * Count + i] = _each.Activation(TensorPrimitives.Dot<float>(x.Row(row), _encoders[i]) + _offsets[i], _features[i]);
    }
}
