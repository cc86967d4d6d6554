using GemmaScope.Bench;
using Xunit;

namespace GemmaScope.Tests.Bench;

public class RaceTests
{
    [Fact]
    public void contestants_take_turns_after_one_untimed_call_each()
    {
        var calls = new List<char>();
        new Race(rounds: 2, seconds: 0).Run(
            default,
            new Contestant(1, () => calls.Add('a')),
            new Contestant(1, () => calls.Add('b'), () => calls.Add('-'))
        );
        Assert.Equal("a-ba-ba-b", new string([.. calls]));
    }

    [Fact]
    public void a_ratio_is_the_median_of_the_rounds_own_ratios()
    {
        // The machine was slower in the second round, for both alike.
        var figure = Figure.Against("f", [90, 9, 80], "u", 10, "limit", [100, 10, 100], target: 0.85);
        Assert.Equal((8, 10, 0.9, true), (figure.Value, figure.Limit!.Value, figure.Ratio!.Value, figure.Reached!.Value));
    }

    [Theory]
    [InlineData(1.5, true)]
    [InlineData(2.5, false)]
    public void an_upper_bound_is_reached_from_below(double value, bool reached) =>
        Assert.Equal(reached, Figure.Below("f", [value], "s", "allowed", 2).Reached);
}
