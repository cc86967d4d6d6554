using GemmaScope.Dictionaries;
using GemmaScope.Numerics;

namespace GemmaScope.Evaluation;

/// <summary>Counts in which rows latents and their true features fire; rows may come in any portions.</summary>
/// <param name="match">Which feature each latent stands for.</param>
/// <param name="width">Numbers in a row of the data.</param>
public sealed class GroundTruthSums(FeatureMatch match, int width)
{
    // Shorter rows have no direction to shrink in, and less variance than this is none.
    private const double LeastNorm = 1e-6,
        LeastVariance = 1e-10;

    private readonly SparsitySums _latents = new(match.Latents),
        _features = new(match.Features);

    private readonly long[] _both = new long[match.Latents];
    private readonly ReconstructionSums _reconstruction = new(width);
    private long _measured;
    private double _shrinkage;

    /// <summary>Counts some rows.</summary>
    /// <param name="truth">[rows, features] true activations.</param>
    /// <param name="latents">[rows, latents] activations of the dictionary.</param>
    /// <param name="rows">[rows, width] what was encoded.</param>
    /// <param name="reconstruction">[rows, width] what was decoded.</param>
    public void Add(SparseActivations truth, SparseActivations latents, MatrixView rows, MatrixView reconstruction)
    {
        _features.Add(truth);
        _latents.Add(latents);
        for (var row = 0; row < truth.Rows; row++)
        {
            var indices = latents.Indices(row);
            var values = latents.Values(row);
            for (var i = 0; i < indices.Length; i++)
                if (values[i] > 0 && truth.Value(row, match.Best[indices[i]]) > 0)
                    _both[indices[i]]++;
            Measure(rows.Row(row), reconstruction.Row(row));
        }
    }

    /// <summary>The counts of a latent.</summary>
    public LatentCounts this[int latent] =>
        new(_both[latent], _latents.Counts[latent], _features.Counts[match.Best[latent]], _latents.Rows);

    /// <summary>The scores of all rows so far.</summary>
    public GroundTruthScores Scores()
    {
        LatentCounts[] counts = [.. Enumerable.Range(0, match.Latents).Select(latent => this[latent])];
        return new()
        {
            Rows = _latents.Rows,
            Latents = match.Latents,
            Features = match.Features,
            Mcc = match.MeanCorrelation,
            Uniqueness = match.Uniqueness,
            F1 = counts.Average(count => count.F1),
            Precision = counts.Average(count => count.Precision),
            Recall = counts.Average(count => count.Recall),
            Accuracy = counts.Average(count => count.Accuracy),
            Dead = _latents.Dead,
            L0 = _latents.L0,
            TrueL0 = _features.L0,
            ExplainedVariance = ExplainedVariance(),
            Shrinkage = _shrinkage / _measured,
        };
    }

    private void Measure(ReadOnlySpan<float> x, ReadOnlySpan<float> reconstructed)
    {
        var products = RowProducts.Of(x, reconstructed);
        _reconstruction.Add(x, products);
        if (Math.Sqrt(products.Norm) is > LeastNorm and var norm)
        {
            _shrinkage += Math.Sqrt(products.ReconstructedNorm) / norm;
            _measured++;
        }
    }

    /// <summary>Data that never change are explained by what gives them back, and by nothing else.</summary>
    private double ExplainedVariance()
    {
        var rows = _reconstruction.Rows;
        if (_reconstruction.SpreadAround(_reconstruction.Mean()) / rows >= LeastVariance)
            return _reconstruction.ExplainedVariance;
        return _reconstruction.MeanSquaredError * rows < LeastVariance ? 1 : 0;
    }
}
