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
    private readonly Func<MatrixView, SparseActivations> _encode;
    private readonly int[] _features;
    private readonly IFeatureActivation? _each;
    private readonly float[][] _encoders = [];
    private readonly float[] _offsets = [];

    /// <param name="dictionary">The dictionary; it reads one site.</param>
    /// <param name="features">Features of it.</param>
    public FeatureReadout(SparseDictionary dictionary, int[] features)
        : this((dictionary as LayerDictionary)?.Weights, x => dictionary.Encode(x), features) { }

    /// <param name="encoder">An encoder; null where rows are scaled one by one.</param>
    /// <param name="factor">What its input is multiplied by.</param>
    /// <param name="subtracted">What is subtracted of it then, or null.</param>
    /// <param name="encode">Encodes whole rows, where single features cannot be told.</param>
    /// <param name="features">Features of it.</param>
    public FeatureReadout(
        FeatureEncoder? encoder,
        float factor,
        float[]? subtracted,
        Func<MatrixView, SparseActivations> encode,
        int[] features
    )
    {
        (_encode, _features) = (encode, features);
        if (encoder?.Selector is not IFeatureActivation each)
            return;
        (_each, _encoders, _offsets) = (each, new float[features.Length][], new float[features.Length]);
        for (var i = 0; i < features.Length; i++)
        {
            encoder.Read(features[i], _encoders[i] = new float[encoder.Inputs]);
            // W (s x − b) = (s W) x − W b.
            if (subtracted is not null)
                _offsets[i] = -TensorPrimitives.Dot<float>(_encoders[i], subtracted);
            if (factor != 1)
                TensorPrimitives.Multiply(_encoders[i], factor, _encoders[i]);
        }
    }

    private FeatureReadout(DictionaryWeights? weights, Func<MatrixView, SparseActivations> encode, int[] features)
        : this(
            weights?.Scaling.Factor is null ? null : weights.Encoder,
            weights?.Scaling.Factor ?? 1,
            weights?.SubtractsBias == true ? weights.Bias : null,
            encode,
            features
        ) { }

    /// <summary>Number of features.</summary>
    public int Count => _features.Length;

    /// <summary>Writes the activations of each row, one row after another: [rows, <see cref="Count"/>].</summary>
    public void Read(MatrixView x, Span<float> values)
    {
        if (_each is null)
        {
            var all = _encode(x);
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
