using FsCheck;
using FsCheck.Fluent;
using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Evaluation;

public class LogisticProbeTests
{
    [Fact]
    public void an_optimum_in_closed_form_is_found()
    {
        // One example of each class at ±1: w = 2C / (1 + e^w), b = 0.
        var probe = LogisticProbe.Fit(Matrix(1, 1, -1), [true, false]);
        Assert.Equal(2 / (1 + Math.Exp(probe.Coefficients[0])), probe.Coefficients[0], 1e-10);
        Assert.Equal(0, probe.Intercept, 1e-10);
    }

    [Theory]
    [InlineData(8, 200, 1, 1)]
    [InlineData(50, 4, 100, 1)]
    [InlineData(40, 60, 1, 1000)]
    [InlineData(60, 10, 0.001, 50)]
    public void the_gradient_vanishes_for_more_columns_than_rows_and_for_large_inputs(int rows, int columns, double c, float scale)
    {
        var random = new Random(rows);
        var x = Matrix(columns, [.. Enumerable.Range(0, rows * columns).Select(_ => scale * (random.NextSingle() - 0.5f))]);
        bool[] labels = [.. Enumerable.Range(0, rows).Select(row => row % 3 == 0)];
        var probe = LogisticProbe.Fit(x, labels, new LogisticOptions { C = c });
        var largest = Gradient(probe, x, labels, c).Max(Math.Abs);
        Assert.True(largest < 1e-8, $"{largest}");
    }

    [Fact]
    public void no_point_nearby_is_better() =>
        Prop.ForAll(
                ArbMap.Default.ArbFor<int>(),
                seed =>
                {
                    var random = new Random(seed);
                    var x = Matrix(3, [.. Enumerable.Range(0, 60).Select(_ => 4 * random.NextSingle() - 2)]);
                    bool[] labels = [.. Enumerable.Range(0, 20).Select(row => row == 0 || (row > 1 && random.Next(2) == 0))];
                    var probe = LogisticProbe.Fit(x, labels);
                    double[] there = [.. probe.Coefficients, probe.Intercept];
                    double[] nearby = [.. there.Select(value => value + 0.01 * (random.NextDouble() - 0.5))];
                    return Objective(there, x, labels) <= Objective(nearby, x, labels)
                        && Math.Abs(Objective(there, x, labels) - probe.Objective) < 1e-9;
                }
            )
            .QuickCheckThrowOnFailure();

    [Fact]
    public void one_class_alone_is_refused() =>
        Assert.Contains("both", Assert.Throws<ArgumentProblemException>(() => LogisticProbe.Fit(Matrix(1, 1, 2), [true, true])).Message);

    [Fact]
    public void labels_of_another_number_are_refused() =>
        Assert.Throws<ArgumentProblemException>(() => LogisticProbe.Fit(Matrix(1, 1, 2), [true]));

    private static SparseActivations Matrix(int columns, params float[] values)
    {
        using var tensor = Tensor.From(values, values.Length / columns, columns);
        return SparseProducts.FromDense(tensor.AsMatrix());
    }

    private static double[] Gradient(LogisticProbe probe, SparseActivations x, bool[] labels, double c)
    {
        double[] gradient = [.. probe.Coefficients, 0];
        var scores = probe.Scores(x);
        for (var row = 0; row < x.Rows; row++)
        {
            var miss = c * (LogisticProbe.Probability(scores[row]) - (labels[row] ? 1 : 0));
            for (var column = 0; column < x.Width; column++)
                gradient[column] += miss * x.Value(row, column);
            gradient[^1] += miss;
        }
        return gradient;
    }

    private static double Objective(double[] at, SparseActivations x, bool[] labels) =>
        at[..^1].Sum(w => w * w) / 2
        + SparseProducts
            .Times(x, at.AsSpan(..^1))
            .Select((score, row) => Math.Log(1 + Math.Exp((labels[row] ? -1 : 1) * (score + at[^1]))))
            .Sum();
}
