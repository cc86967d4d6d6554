using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>
/// Leave-one-out refinement of an encoding: a feature stays where the row, without what every other active feature contributes, still
/// projects onto its decoder vector by more than τ: ⟨x − x̂, w_i⟩ + f_i ‖w_i‖² &gt; τ. One pass, and nothing is trained anew; of features
/// that share a cause it lets go of those that the others already account for. Activations that stay keep their value.
/// </summary>
public static class LeaveOneOut
{
    /// <summary>The features that stay.</summary>
    /// <param name="dictionary">A dictionary that reads and writes the same rows.</param>
    /// <param name="x">[rows, <see cref="SparseDictionary.InputWidth"/>] what was encoded.</param>
    /// <param name="features">Its features.</param>
    /// <param name="tau">τ, on the scale of the rows times that of a decoder vector.</param>
    /// <exception cref="ArgumentProblemException">The dictionary writes other rows than it reads, or shapes do not fit.</exception>
    public static SparseActivations Filter(SparseDictionary dictionary, MatrixView x, SparseActivations features, double tau)
    {
        if (dictionary.Kind is not (DictionaryKind.Sae or DictionaryKind.Crosscoder))
            throw new ArgumentProblemException($"{dictionary.Name} does not reconstruct what it reads", "dictionary");
        using var residual = dictionary.Decode(features, x);
        for (var row = 0; row < x.Rows; row++)
            TensorPrimitives.Subtract(x.Row(row), residual.Row(row), residual.Row(row));
        var kept = new FeatureRows(x.Rows, features.Width);
        Workers.For(x.Rows, new RowJob(dictionary, residual, features, tau, kept));
        return kept.ToActivations();
    }

    private readonly struct RowJob(SparseDictionary dictionary, Tensor residual, SparseActivations features, double tau, FeatureRows kept)
        : IJob
    {
        public void Run(int index)
        {
            var vector = new float[residual.Columns];
            var indices = features.Indices(index);
            var values = features.Values(index);
            for (var i = 0; i < indices.Length; i++)
            {
                dictionary.Decoder(indices[i], vector);
                if (Dot(residual.Row(index), vector) + values[i] * Dot(vector, vector) > tau)
                    kept[index].Add(indices[i], values[i]);
            }
        }

        private static double Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b) => TensorPrimitives.Dot(a, b);
    }
}
