using GemmaScope.Dictionaries;

namespace GemmaScope.Evaluation;

/// <summary>
/// Mean of the positives minus mean of the negatives, column by column: the DiffMean direction on dense activations, and what ranks
/// latents for k-sparse probing (METHODS §6.2).
/// </summary>
public static class MeanDifference
{
    /// <summary>One difference for each column.</summary>
    /// <param name="x">One row for each example.</param>
    /// <param name="labels">Whether each is a positive.</param>
    /// <exception cref="ArgumentProblemException">There are not as many labels as rows, or not both classes.</exception>
    public static double[] Of(SparseActivations x, ReadOnlySpan<bool> labels)
    {
        Labels.RequireBoth(x, labels);
        double[] positive = new double[x.Width],
            negative = new double[x.Width];
        for (var row = 0; row < x.Rows; row++)
            SparseProducts.AddRow(x, row, 1, labels[row] ? positive : negative);
        var positives = labels.Count(true);
        for (var i = 0; i < positive.Length; i++)
            positive[i] = positive[i] / positives - negative[i] / (x.Rows - positives);
        return positive;
    }

    /// <summary>All columns by the size of their difference, largest first; of equal ones the lower index first.</summary>
    public static int[] Rank(IReadOnlyList<double> differences) =>
        [.. Enumerable.Range(0, differences.Count).OrderByDescending(i => Math.Abs(differences[i])).ThenBy(i => i)];
}
