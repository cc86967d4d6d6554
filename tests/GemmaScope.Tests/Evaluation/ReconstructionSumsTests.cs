using FsCheck;
using FsCheck.Fluent;
using GemmaScope.Evaluation;
using Xunit;

namespace GemmaScope.Tests.Evaluation;

public class ReconstructionSumsTests
{
    [Fact]
    public void two_rows_by_hand()
    {
        var sums = new ReconstructionSums(2);
        sums.Add([1, 2], [1, 1]);
        sums.Add([3, 6], [2, 6]);
        // Errors 1 and 1; mean (2, 4), so the spread is 1 + 4 + 1 + 4.
        Assert.Equal((2L, 1, 0.2, 0.8), (sums.Rows, sums.MeanSquaredError, sums.Fvu, sums.ExplainedVariance));
        // All numbers 1 2 3 6 have mean 3 and unbiased variance 14 / 3.
        Assert.Equal(1 - 0.5 / (14 / 3.0), sums.TutorialVarianceExplained, 1e-12);
        Assert.Equal(25, sums.MeanSquaredNorm);
        Assert.Equal(42 / 45.0, sums.ReconstructionBias, 1e-12);
    }

    [Fact]
    public void a_mean_far_from_zero_costs_no_digits()
    {
        var sums = new ReconstructionSums(1);
        foreach (var value in (float[])[16777216, 16777218, 16777220])
            sums.Add([value], [value - 2]);
        Assert.Equal(12 / 8.0, sums.Fvu, 1e-12);
    }

    [Fact]
    public void sums_of_parts_add_up_around_any_origin() =>
        Prop.ForAll<int[], int[]>(
                (first, second) =>
                {
                    ReconstructionSums whole = new(2),
                        one = new(2),
                        other = new(2);
                    foreach (var value in first)
                        Add(one, value);
                    foreach (var value in second)
                        Add(other, value);
                    foreach (var value in first.Concat(second))
                        Add(whole, value);
                    one.Merge(other);
                    return one.Rows == whole.Rows
                        && Near(one.Fvu, whole.Fvu)
                        && Near(one.TutorialVarianceExplained, whole.TutorialVarianceExplained)
                        && Near(one.CosineSimilarity, whole.CosineSimilarity)
                        && one.Mean().Zip(whole.Mean()).All(pair => Near(pair.First, pair.Second));

                    static void Add(ReconstructionSums sums, int value) => sums.Add([value, 3 - value], [value + 1, 2]);
                    static bool Near(double a, double b) => a.Equals(b) || Math.Abs(a - b) <= 1e-9 * Math.Max(1, Math.Abs(b));
                }
            )
            .QuickCheckThrowOnFailure();

    [Fact]
    public void rows_of_another_width_are_refused() =>
        Assert.Throws<ArgumentProblemException>(() => new ReconstructionSums(2).Add([1], [1]));
}
