using GemmaScope.Workbench.Html;
using Xunit;

namespace GemmaScope.Tests.Workbench.Html;

public sealed class PlotAxisTests
{
    [Theory]
    [InlineData(0, 7e-5, "0", "2e-5", "4e-5", "6e-5", "8e-5")]
    [InlineData(0, 0.0021, "0", "5e-4", "0.001", "0.0015", "0.002", "0.0025")]
    [InlineData(0, 1, "0", "0.2", "0.4", "0.6", "0.8", "1")]
    [InlineData(0.12341, 0.12349, "0.1234", "0.12342", "0.12344", "0.12346", "0.12348", "0.1235")]
    [InlineData(-0.3, 0.3, "-0.4", "-0.2", "0", "0.2", "0.4")]
    [InlineData(0, 25_000, "0", "5000", "10,000", "15,000", "20,000", "25,000")]
    [InlineData(1_000_000, 1_000_004, "1,000,000", "1,000,001", "1,000,002", "1,000,003", "1,000,004")]
    [InlineData(0, 4e8, "0", "1e8", "2e8", "3e8", "4e8")]
    public void ticks_are_told_apart(double low, double high, params string[] written)
    {
        var axis = PlotAxis.Around("x", PlotScale.Linear, [low, high]);
        Assert.Equal(written, axis.Ticks.Select(axis.Write));
    }

    [Theory]
    [InlineData(0, 0, 1)]
    [InlineData(7e-5, 6e-5, 8e-5)]
    [InlineData(-5, -5.6, -4.4)]
    public void what_is_always_the_same_has_an_axis_of_its_own_size(double value, double from, double to)
    {
        var axis = PlotAxis.Around("x", PlotScale.Linear, [value, value]);
        Assert.InRange(axis.Domain[0], from - 1e-9, value);
        Assert.InRange(axis.Domain[1], value, to + 1e-9);
        Assert.Equal(axis.Ticks.Length, axis.Ticks.Select(axis.Write).Distinct().Count());
    }

    [Fact]
    public void logarithms_of_shares_are_percentages_however_small()
    {
        var axis = PlotAxis.Within("density", PlotScale.Share, -9, 0);
        Assert.Equal(["1e-6 %", "1e-4 %", "0.01 %", "1 %", "100 %"], axis.Ticks.Select(axis.Write));
    }

    [Fact]
    public void amounts_begin_at_zero_where_a_plot_says_so()
    {
        var plot = new SvgPlot("dead", "step", "dead") { FromZero = true };
        plot.Points([new(0, 0.31, ""), new(1, 0.33, "")]);
        Assert.Equal(0, plot.Y!.Domain[0]);
        plot = new SvgPlot("dead", "step", "dead") { FromZero = true };
        plot.Points([new(0, 0, ""), new(1, 0, "")]);
        Assert.Equal((0, 1), (plot.Y!.Domain[0], plot.Y.Domain[1]));
    }
}
