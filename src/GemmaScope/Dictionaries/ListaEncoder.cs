using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>
/// A single-layer dictionary whose encoding is refined by steps of iterated shrinkage (LISTA): z ← z + η ((x − x̂) · W_enc) with x̂ of the
/// features found so far, f = max(z, 0) where z is above the threshold of that step. Since z is linear in the input, a step encodes the
/// input plus η times what was left over, so no [rows, features] matrix is made. Weights stay the dictionary's.
/// </summary>
/// <remarks>Gregor and LeCun, Learning Fast Approximations of Sparse Coding, 2010.</remarks>
public sealed class ListaEncoder
{
    private readonly LayerDictionary _dictionary;
    private readonly FeatureEncoder[] _encoders;
    private readonly float[] _steps;

    /// <summary>An encoder over a dictionary, which it does not own.</summary>
    /// <param name="dictionary">An autoencoder with ReLU or JumpReLU features that reads raw rows, or rows times one factor.</param>
    /// <param name="steps">η of each refinement; none: the dictionary's own encoding.</param>
    /// <param name="thresholds">For each refinement a threshold for each feature, on the scale of its activations; null: the dictionary's
    /// own in all.</param>
    /// <exception cref="ArgumentProblemException">The dictionary is of another kind, or the thresholds are not one a feature and
    /// step.</exception>
    public ListaEncoder(SparseDictionary dictionary, IReadOnlyList<double> steps, IReadOnlyList<float[]>? thresholds = null)
    {
        if (
            dictionary
            is not LayerDictionary
            {
                Kind: DictionaryKind.Sae,
                Weights: { Scaling.Factor: not null, Skip: null, Encoder.Selector: ThresholdSelector selector } weights,
            } one
        )
            throw new ArgumentProblemException(
                $"{dictionary.Name} must be an autoencoder of one layer with ReLU or JumpReLU features, whose rows are not scaled one by one",
                "dictionary"
            );
        if (thresholds is not null && (thresholds.Count != steps.Count || thresholds.Any(levels => levels.Length != dictionary.Width)))
            throw new ArgumentProblemException(
                $"must be {steps.Count} lists of {dictionary.Width}, for each step a threshold for each feature",
                "thresholds"
            );
        _steps = [.. steps.Select(step => (float)step)];
        _dictionary = one;
        _encoders =
        [
            .. steps.Select(
                (_, i) =>
                    thresholds is null
                        ? weights.Encoder
                        : new FeatureEncoder(
                            weights.Encoder.Weights,
                            new ThresholdSelector(ActivationFunction.JumpRelu, selector.Bias, thresholds[i], keepNegative: false)
                        )
            ),
        ];
    }

    /// <summary>The features of each row.</summary>
    /// <param name="x">[rows, <see cref="SparseDictionary.InputWidth"/>] activations.</param>
    /// <param name="cancellationToken">Stops between blocks of features.</param>
    /// <exception cref="ArgumentProblemException">The rows have another width.</exception>
    public SparseActivations Encode(MatrixView x, CancellationToken cancellationToken = default)
    {
        var features = _dictionary.Encode(x, cancellationToken);
        if (_steps.Length == 0)
            return features;
        using var input = Tensor.Uninitialized(x.Rows, x.Columns);
        for (var row = 0; row < x.Rows; row++)
            x.Row(row).CopyTo(input.Row(row));
        for (var step = 0; step < _steps.Length; step++)
        {
            using var reconstruction = _dictionary.Decode(features);
            for (var row = 0; row < x.Rows; row++)
            {
                var left = reconstruction.Row(row);
                TensorPrimitives.Subtract(x.Row(row), left, left);
                TensorPrimitives.MultiplyAdd(left, _steps[step], input.Row(row), input.Row(row));
            }
            features = _dictionary.Encode(_encoders[step], input.AsMatrix(), cancellationToken);
        }
        return features;
    }
}
