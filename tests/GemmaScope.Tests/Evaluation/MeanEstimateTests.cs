using GemmaScope.Evaluation;
using Xunit;

namespace GemmaScope.Tests.Evaluation;

public class MeanEstimateTests
{
    [Fact]
    public void the_interval_is_where_means_of_other_draws_lie()
    {
        var random = new Random(3);
        double[] values =
        [
            .. Enumerable
                .Range(0, 400)
                .Select(_ => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())),
        ];
        var one = MeanEstimate.Of(values, resamples: 4000)!;
        Assert.Equal((400, values.Average()), (one.Count, one.Mean));
        // 1.96 standard errors of the mean on both sides.
        var error = Math.Sqrt(values.Sum(value => Math.Pow(value - one.Mean, 2)) / values.Length / values.Length);
        Assert.Equal(one.Mean - 1.96 * error, one.Low, 0.1 * error);
        Assert.Equal(one.Mean + 1.96 * error, one.High, 0.1 * error);
        Assert.Equal(one, MeanEstimate.Of(values, resamples: 4000));
    }

    [Fact]
    public void one_case_has_no_width_and_none_has_no_mean()
    {
        Assert.Equal(new MeanEstimate(1, 2.5, 2.5, 2.5), MeanEstimate.Of([2.5]));
        Assert.Null(MeanEstimate.Of([]));
    }

    [Theory]
    [InlineData(0, 0.95)]
    [InlineData(10, 1)]
    [InlineData(10, 0)]
    public void settings_that_cannot_be_are_refused(int resamples, double level) =>
        Assert.Throws<ArgumentProblemException>(() => MeanEstimate.Of([1, 2], resamples, level: level));
}
