using Xunit;

namespace GemmaScope.Tests.Documents;

/// <summary>The comparison of pages with outputs finds what it should find.</summary>
public class TranscriptTests
{
    [Theory]
    [InlineData("the same with other gaps", "L0  33.9 features", "L0 33.9   features\n")]
    [InlineData("another last digit", "L0 33.9", "L0 33.8")]
    [InlineData("lines left out", "first|…|third", "first\nsecond\nthird")]
    [InlineData("the rest of a line left out", "exact, …", "exact, oneDNN 3")]
    [InlineData("the end left out", "first|…", "first\nsecond")]
    public void what_may_differ_may_differ(string what, string page, string output)
    {
        Assert.NotEmpty(what);
        Assert.Null(Of(page).Mismatch(output));
    }

    [Theory]
    [InlineData("another word", "L0 33.9", "L1 33.9")]
    [InlineData("another integer", "feature 756", "feature 757")]
    [InlineData("another number", "L0 33.9", "L0 33.7")]
    [InlineData("a line too few", "first|second", "first")]
    [InlineData("a line too many", "first", "first\nsecond")]
    [InlineData("another order", "…|second|…|first", "first\nsecond")]
    [InlineData("a word too many", "exact", "exact or fast")]
    public void what_must_not_differ_is_found(string what, string page, string output)
    {
        Assert.NotEmpty(what);
        Assert.NotNull(Of(page).Mismatch(output));
    }

    private static Transcript Of(string page) => new("page", "command", page.Split('|'));
}
