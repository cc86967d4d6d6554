using GemmaScope.Server.Pages;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>Counts as people say them.</summary>
public class PageNumbersTests
{
    [Theory]
    [InlineData(0, "0")]
    [InlineData(9_812, "9,812")]
    [InlineData(10_000, "10 thousand")]
    [InlineData(148_619, "149 thousand")]
    [InlineData(999_499, "999 thousand")]
    [InlineData(999_600, "1 million")]
    [InlineData(10_234_567, "10.2 million")]
    [InlineData(4_000_000_000, "4 billion")]
    public void a_count_has_three_digits_and_a_word(long count, string says) => Assert.Equal(says, PageNumbers.Count(count));
}
