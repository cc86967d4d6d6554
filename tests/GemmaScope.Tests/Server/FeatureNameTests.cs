using GemmaScope.Features.Exchange;
using GemmaScope.Features.Statistics;
using GemmaScope.Models;
using GemmaScope.Server.Pages;
using GemmaScope.Store;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>How a feature is named on the pages.</summary>
public class FeatureNameTests
{
    [Theory]
    [InlineData("tokens: \" the\", \"The\", \" its\"", "the · its")]
    [InlineData("after: \" of the\"", "after of the")]
    [InlineData("before: \"a\", \"b\", \"c\", \"d\", \"e\", \"f\"", "before a · b · c · d · e")]
    [InlineData("phrases: \"say \\\"no\\\"\", \" \"", "say \"no\" · ␣")]
    [InlineData("words of love", "words of love")]
    // What only begins like a rule is a label like any other.
    [InlineData("tokens: of love", "tokens: of love")]
    [InlineData("tokens: \"open", "tokens: \"open")]
    public void a_rule_about_tokens_is_named_by_its_words(string label, string plain)
    {
        Assert.Equal(plain, FeatureName.Plain(label, null));
        Assert.Equal(plain.StartsWith("after", StringComparison.Ordinal), $"{FeatureName.Of(label, null)}".Contains("after"));
    }

    [Fact]
    public void a_label_of_any_length_is_matched_in_one_pass()
    {
        var label = "tokens: " + string.Concat(Enumerable.Repeat("\"\\\\\", ", 20_000)) + "!";
        Assert.Equal(label, FeatureName.Plain(label, null));
    }

    [Fact]
    public void a_feature_without_a_label_is_named_by_the_tokens_it_fires_on_and_the_words_it_promotes()
    {
        var glance = Glance([("▁cat", 3), ("Cat", 2), ("▁dog", 1)], promoted: "▁tail");
        Assert.Equal("cat · dog", FeatureName.Plain(null, glance));
        var html = $"{FeatureName.Of(null, glance)}";
        Assert.Matches("cat</code>.*dog</code>.*→.*tail</code>", html);
        Assert.DoesNotContain("no label", html);
        Assert.Contains("no label", $"{FeatureName.Of(null, null)}");
    }

    [Fact]
    public void a_card_shows_each_kind_of_example_once()
    {
        var glance = Glance([("▁cat", 9), ("▁cat", 8), ("▁dog", 7)], promoted: "▁tail");
        Assert.Equal([9f, 7f], glance.Best(3).Select(example => example.Values[example.Position]));
    }

    private static FeatureGlance Glance((string Token, float Value)[] strongest, string promoted)
    {
        string[] pieces = ["<bos>", .. strongest.Select(one => one.Token).Distinct(), promoted];
        var source = new DashboardSource
        {
            Model = "m",
            Set = "s",
            Layer = 0,
            Corpus = new(1, 4, 3, 4),
            Text = "t",
            Pieces = pieces,
        };
        var dashboard = TinyDashboards.Of(0, [0, 1], new(0, 1), new(1, -1)) with
        {
            Logits = new([new TokenScore(pieces.Length - 1, 1)], [], -1, 1, [1]),
            Examples = [.. strongest.Select(one => new FeatureExample(-1, 0, 1, [0, Array.IndexOf(pieces, one.Token)], [0, one.Value]))],
        };
        return new(new FeaturePage(new LabelledDashboard(dashboard, []), ""), source);
    }
}
