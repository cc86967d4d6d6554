using GemmaScope.Evaluation;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Evaluation;

public sealed class AffineBaselineTests
{
    [Fact]
    public void an_affine_map_is_found_again_from_rows_in_portions()
    {
        var random = new Random(1);
        float[] w = [1, -2, 0.5f, 3, 0, 4],
            b = [100, -7];
        var baseline = new AffineBaseline(3, 2);
        foreach (var rows in (int[])[5, 64, 31])
        {
            using Tensor x = Tensor.Zeros(rows, 3),
                y = Tensor.Zeros(rows, 2);
            Fill(random, w, b, x, y, noise: 0);
            baseline.Add(x.AsMatrix(), y.AsMatrix());
        }
        using var map = baseline.Solve();
        using Tensor fresh = Tensor.Zeros(10, 3),
            want = Tensor.Zeros(10, 2);
        Fill(random, w, b, fresh, want, noise: 0);
        using var got = map.Apply(fresh.AsMatrix());
        for (var i = 0; i < want.Length; i++)
            Assert.Equal(want.AsSpan()[i], got.AsSpan()[i], 1e-3);
    }

    [Fact]
    public void noise_is_what_stays_unexplained()
    {
        var random = new Random(2);
        float[] w = [1, -2, 0.5f, 3, 0, 4],
            b = [100, -7];
        using Tensor x = Tensor.Zeros(4000, 3),
            y = Tensor.Zeros(4000, 2);
        Fill(random, w, b, x, y, noise: 1);
        var baseline = new AffineBaseline(3, 2);
        baseline.Add(x.AsMatrix(), y.AsMatrix());
        using var map = baseline.Solve();
        using var got = map.Apply(x.AsMatrix());
        var sums = new ReconstructionSums(2);
        for (var row = 0; row < 4000; row++)
            sums.Add(y.Row(row), got.Row(row));
        // Two outputs with noise of variance 1/12 each.
        Assert.Equal(2 / 12.0, sums.MeanSquaredError, 0.01);
    }

    [Fact]
    public void inputs_that_depend_on_each_other_are_no_obstacle_and_too_few_rows_are()
    {
        using Tensor x = Tensor.Zeros(50, 2),
            y = Tensor.Zeros(50, 1);
        for (var row = 0; row < 50; row++)
            (x.Row(row)[0], x.Row(row)[1], y.Row(row)[0]) = (row, 2 * row, 5 * row + 1);
        var baseline = new AffineBaseline(2, 1);
        baseline.Add(x.AsMatrix().SliceRows(0, 2), y.AsMatrix().SliceRows(0, 2));
        Assert.Throws<ArgumentProblemException>(baseline.Solve);
        baseline.Add(x.AsMatrix().SliceRows(2, 48), y.AsMatrix().SliceRows(2, 48));
        using var map = baseline.Solve();
        using var got = map.Apply(x.AsMatrix());
        Assert.Equal(5 * 49 + 1, got.Row(49)[0], 0.01);
    }

    private static void Fill(Random random, float[] w, float[] b, Tensor x, Tensor y, float noise)
    {
        for (var row = 0; row < x.Rows; row++)
        {
            foreach (ref var value in x.Row(row))
                value = 50 + random.NextSingle();
            for (var j = 0; j < b.Length; j++)
            {
                y.Row(row)[j] = b[j] + noise * (random.NextSingle() - 0.5f);
                for (var i = 0; i < x.Columns; i++)
                    y.Row(row)[j] += x.Row(row)[i] * w[i * b.Length + j];
            }
        }
    }
}
