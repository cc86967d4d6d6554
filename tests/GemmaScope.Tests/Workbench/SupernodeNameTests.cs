using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Workbench;

public class SupernodeNameTests
{
    [Theory]
    [InlineData("American states", 3, "names of American states", "U.S. states and American places", "Texas")]
    [InlineData("capital city", 2, "the capital city", "a city that is a capital")]
    [InlineData(null, 2, "the cat", "the dog")]
    [InlineData(null, 4, "one cat", "two cat", "three", "four")]
    [InlineData(null, 3, "plural nouns")]
    [InlineData(null, 2)]
    public void a_group_is_named_by_the_words_that_most_of_its_labels_share(string? name, int members, params string[] labels) =>
        Assert.Equal(name, SupernodeNames.Shared(labels, members));
}
