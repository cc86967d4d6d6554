using GemmaScope.Dictionaries;
using GemmaScope.Numerics;

namespace GemmaScope.Evaluation;

/// <summary>One row for a text out of the rows of its tokens: the mean or the largest over those that count. Where none counts it is
/// 0.</summary>
public static class Pooling
{
    /// <summary>Mean of dense rows.</summary>
    /// <param name="rows">[tokens, columns].</param>
    /// <param name="counted">Whether each token counts.</param>
    /// <param name="mean">[columns] the result.</param>
    public static void Mean(MatrixView rows, ReadOnlySpan<bool> counted, Span<float> mean)
    {
        var sums = new double[rows.Columns];
        for (var row = 0; row < rows.Rows; row++)
        for (var i = 0; counted[row] && i < sums.Length; i++)
            sums[i] += rows.Row(row)[i];
        var count = Math.Max(counted.Count(true), 1);
        for (var i = 0; i < sums.Length; i++)
            mean[i] = (float)(sums[i] / count);
    }

    /// <summary>Mean of each feature that fired, by rising index.</summary>
    /// <param name="features">The features of each token.</param>
    /// <param name="counted">Whether each token counts.</param>
    public static FeatureActivation[] Mean(SparseActivations features, ReadOnlySpan<bool> counted)
    {
        var sums = new SortedDictionary<int, double>();
        for (var row = 0; row < features.Rows; row++)
        for (var i = 0; counted[row] && i < features.Indices(row).Length; i++)
            sums[features.Indices(row)[i]] = sums.GetValueOrDefault(features.Indices(row)[i]) + features.Values(row)[i];
        var count = Math.Max(counted.Count(true), 1);
        return [.. sums.Select(pair => new FeatureActivation(pair.Key, (float)(pair.Value / count)))];
    }

    /// <summary>The largest value of each feature that fired, by rising index.</summary>
    /// <param name="features">The features of each token.</param>
    /// <param name="counted">Whether each token counts.</param>
    public static FeatureActivation[] Max(SparseActivations features, ReadOnlySpan<bool> counted)
    {
        var largest = new SortedDictionary<int, float>();
        for (var row = 0; row < features.Rows; row++)
        for (var i = 0; counted[row] && i < features.Indices(row).Length; i++)
            largest[features.Indices(row)[i]] = Math.Max(largest.GetValueOrDefault(features.Indices(row)[i]), features.Values(row)[i]);
        return [.. largest.Select(pair => new FeatureActivation(pair.Key, pair.Value))];
    }
}
