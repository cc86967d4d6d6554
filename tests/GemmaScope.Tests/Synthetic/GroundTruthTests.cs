using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Synthetic;

public class GroundTruthTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 3)]
    [InlineData(4, 7)]
    [InlineData(6, 6)]
    public void the_assignment_is_the_best_of_all(int rows, int columns)
    {
        var random = new Random(rows * 31 + columns);
        for (var round = 0; round < 50; round++)
        {
            using var gains = Tensor.Uninitialized(rows, columns);
            // Few values, so that there are ties.
            foreach (ref var gain in gains.AsSpan())
                gain = random.Next(5) / 4f;
            var found = Assignment.Best(gains.AsMatrix());
            Assert.Equal(rows, found.Distinct().Count());
            Assert.Equal(Best(gains, 0, []), found.Select((column, row) => (double)gains.Row(row)[column]).Sum(), 1e-6);
        }
    }

    [Fact]
    public void scores_count_latents_that_never_fire_and_features_that_two_share()
    {
        using Tensor truth = Tensor.From([1, 0, 0, 0, 1, 0, 0, 0, 1], 3, 3),
            decoder = Tensor.From([2, 0, 0, -1, 0.1f, 0, 0, 0, 3], 3, 3);
        var match = new FeatureMatch(decoder, truth);
        Assert.Equal([0, 0, 2], match.Best);
        Assert.Equal(2.0 / 3, match.Uniqueness, 1e-9);
        var sums = new GroundTruthSums(match, 3);
        // Feature 0 in rows 0 and 1, feature 1 in row 2. Latent 0 fires in rows 0 and 2, latent 1 in row 1, latent 2 never.
        using var x = Tensor.From([1, 0, 0, 2, 0, 0, 0, 3, 0], 3, 3);
        sums.Add(
            new SparseActivations(3, [0, 1, 2, 3], [0, 0, 1], [1, 2, 3]),
            new SparseActivations(3, [0, 1, 2, 3], [0, 1, 0], [1, 1, 1]),
            x.AsMatrix(),
            x.AsMatrix()
        );
        Assert.Equal((1L, 2L, 2L), (sums[0].Both, sums[0].Latent, sums[0].Feature));
        var scores = sums.Scores();
        // F1: 2·1/(2+2), 2·1/(1+2), 0.
        Assert.Equal((1 / 2.0 + 2 / 3.0) / 3, scores.F1, 1e-9);
        Assert.Equal((1 / 2.0 + 1) / 3, scores.Precision, 1e-9);
        Assert.Equal((1 / 2.0 + 1 / 2.0) / 3, scores.Recall, 1e-9);
        Assert.Equal((1, 1.0, 1.0), (scores.Dead, scores.L0, scores.TrueL0));
        Assert.Equal((1.0, 1.0), (scores.ExplainedVariance, scores.Shrinkage));
    }

    private static double Best(Tensor gains, int row, HashSet<int> taken)
    {
        if (row == gains.Rows)
            return 0;
        var best = double.NegativeInfinity;
        for (var column = 0; column < gains.Columns; column++)
            if (taken.Add(column))
            {
                best = Math.Max(best, gains.Row(row)[column] + Best(gains, row + 1, taken));
                taken.Remove(column);
            }
        return best;
    }
}
