using GemmaScope.Training;
using Xunit;

namespace GemmaScope.Tests.Training;

public class AdamTests
{
    private const int Steps = 40,
        Width = 21;

    [Fact]
    public void rows_that_are_left_alone_end_where_the_dense_update_takes_them()
    {
        var (dense, lazy) = (
            Run(new Recipe { Beta1 = 0, WarmupSteps = 10 }, skip: false),
            Run(new Recipe { Beta1 = 0, WarmupSteps = 10 }, skip: true)
        );
        Assert.All(dense.Zip(lazy), pair => Assert.Equal(pair.First, pair.Second, 1e-6 * Math.Max(1e-3, Math.Abs(pair.First))));
    }

    [Fact]
    public void with_momentum_a_row_moves_on_without_a_gradient() =>
        Assert.Contains(
            Run(new Recipe { Beta1 = 0.9 }, skip: false).Zip(Run(new Recipe { Beta1 = 0.9 }, skip: true)),
            pair => Math.Abs(pair.First - pair.Second) > 1e-3 * Math.Abs(pair.First)
        );

    [Fact]
    public void the_first_step_without_momentum_is_the_sign_of_the_gradient()
    {
        using var parameter = new Parameter("p", 1, 1, 3);
        new Adam(new Recipe { LearningRate = 0.5, WarmupSteps = 0 }, 0).Update(parameter, 0, [2f, -1e-3f, 0f]);
        Assert.Equal([-0.5f, 0.5f, 0f], parameter.Values.AsSpan().ToArray(), (a, b) => Math.Abs(a - b) < 1e-4);
    }

    [Theory]
    [InlineData(0, 0.1)]
    [InlineData(500, 0.55)]
    [InlineData(1000, 1)]
    [InlineData(7999, 1)]
    [InlineData(9000, 0.5)]
    [InlineData(10000, 0)]
    [InlineData(12000, 0)]
    public void the_learning_rate_warms_up_along_a_cosine_and_decays_along_a_line(long step, double factor) =>
        Assert.Equal(
            factor,
            Schedules.LearningRate(
                new Recipe
                {
                    LearningRate = 1,
                    DecayStart = 8000,
                    DecayEnd = 10000,
                },
                step
            ),
            1e-12
        );

    [Theory]
    [InlineData(0, 0.25)]
    [InlineData(2, 0.75)]
    [InlineData(3, 1)]
    [InlineData(100, 1)]
    public void lambda_rises_linearly(long step, double factor) =>
        Assert.Equal(2 * factor, Schedules.Lambda(new Recipe { Lambda = 2, LambdaWarmupSteps = 4 }, step));

    // A row with a gradient in every seventh step only.
    private static float[] Run(Recipe recipe, bool skip)
    {
        using var parameter = new Parameter("p", recipe.Beta1 == 0 ? 1 : 2, 1, Width);
        var (random, last) = (new Random(5), 0L);
        for (var step = 0; step < Steps; step++)
        {
            var gradient = new float[Width];
            if (step % 7 == 3)
                for (var i = 0; i < Width; i++)
                    gradient[i] = (float)(random.NextDouble() - 0.5);
            else if (skip)
                continue;
            new Adam(recipe, step).Update(parameter, 0, gradient, skip ? step + 1 - last : 1);
            last = step + 1;
        }
        return parameter.Values.AsSpan().ToArray();
    }
}
