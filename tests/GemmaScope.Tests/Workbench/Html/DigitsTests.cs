using GemmaScope.Workbench.Html;
using Xunit;

namespace GemmaScope.Tests.Workbench.Html;

public sealed class DigitsTests
{
    [Theory]
    [InlineData(0, "0 %")]
    [InlineData(1, "100 %")]
    [InlineData(0.28784, "29 %")]
    [InlineData(0.028784, "2.9 %")]
    [InlineData(0.00028784, "0.029 %")]
    [InlineData(0.000002, "0.0002 %")]
    [InlineData(0.984, "98 %")]
    [InlineData(0.9964, "99.6 %")]
    [InlineData(0.99996, "99.9 %")]
    [InlineData(double.NaN, "–")]
    public void a_share_has_the_digits_that_mean_something(double share, string written) => Assert.Equal(written, Digits.Percent(share));

    [Theory]
    [InlineData(0, "0")]
    [InlineData(0.06062, "0.0606")]
    [InlineData(0.32, "0.320")]
    [InlineData(0.99999, "1.00")]
    [InlineData(35.84, "35.8")]
    [InlineData(1204.4, "1204")]
    [InlineData(-0.0036, "-0.00360")]
    [InlineData(double.PositiveInfinity, "–")]
    public void a_number_has_three_significant_digits(double value, string written) => Assert.Equal(written, Digits.Number(value));

    [Fact]
    public void a_path_breaks_behind_its_separators() =>
        Assert.Equal("resid_<wbr>post/<wbr>layer_<wbr>3/<wbr>&lt;b&gt;", HtmlText.Path("resid_post/layer_3/<b>").ToString());
}
