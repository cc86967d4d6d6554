using GemmaScope.Dictionaries;
using GemmaScope.Features;
using GemmaScope.Text;
using Xunit;

namespace GemmaScope.Tests.Features;

public class HeadlineTests
{
    [Theory]
    [InlineData("a.txt", "one, two\n\n  three \n")]
    [InlineData("a.jsonl", "{\"headline\":\"one, two\",\"label\":\"x\"}\n{\"text\":\"three\"}\n")]
    [InlineData("a.csv", "topic,title\nx,\"one, two\"\n,three\n")]
    [InlineData("a.tsv", "text\tcategory\none, two\tx\nthree\t\n")]
    public void every_form_of_file_is_read(string name, string contents)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File(name), contents);
        var headlines = Headline.Load(folder.File(name));
        Assert.Equal(["one, two", "three"], headlines.Select(headline => headline.Text));
        Assert.Equal([name == "a.txt" ? null : "x", null], headlines.Select(headline => headline.Topic));
    }

    [Theory]
    [InlineData("a.txt", "\n", "no headline")]
    [InlineData("a.jsonl", "{\"label\":\"x\"}\n", "no text")]
    [InlineData("a.csv", "topic\nx\n", "no column")]
    public void a_file_without_headlines_is_refused(string name, string contents, string says)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File(name), contents);
        Assert.Contains(says, Assert.Throws<FileFormatException>(() => Headline.Load(folder.File(name))).Message);
    }

    [Fact]
    public void a_feature_that_is_always_on_weighs_nothing()
    {
        var density = new FeatureDensity([
            Reading("a", null, (0, 9), (1, 2)),
            Reading("b", null, (0, 9)),
            Reading("c", null, (0, 8), (2, 4)),
        ]);
        Assert.Equal((3, 1, 0.0), (density.Tokens, density.Of(0), density.Weight(0)));
        Assert.Equal(Math.Log(2) / 4, density.Weight(2), 1e-12);
        Assert.Equal(0, density.Weight(7));
        var top = HeadlineAnalyzer.Analyze([Reading("c", null, (0, 800), (2, 2))], density, new NoTopics())[0].Top;
        Assert.Equal((2, 1), (Assert.Single(top).Feature, top[0].Position));
        Assert.Equal(Math.Log(2) / 2, top[0].Score, 1e-6);
        Assert.Equal(2, top[0].Sum, 1e-6);
    }

    [Fact]
    public void topics_that_features_tell_apart_are_learned_and_others_stay_unknown()
    {
        var topics = LearnedTopics.Fit([.. Labelled(60)], null, 20);
        Assert.Equal(["health", "sport"], topics.Topics);
        Assert.Equal(60, topics.Validation.TrainingRows + topics.Validation.HeldOutRows);
        Assert.True(topics.Validation.HeldOutRows > 3);
        Assert.Equal((1.0, 1.0), (topics.Validation.Methods[0].Accuracy, topics.Validation.Methods[0].Auroc));
        Assert.Equal(3, topics.Validation.Methods.Count);

        var sport = topics.Assign(Reading("new", null, (3, 2)), []);
        Assert.Equal(("sport", 3, 1), (sport.Topic, sport.Evidence[0].Feature, sport.Evidence[0].Position));
        Assert.Equal(3, topics.FeaturesOf("sport")[0].Feature);
        Assert.Null(topics.Assign(Reading("new", null, (5, 2)), []).Topic);
    }

    [Fact]
    public void a_group_is_never_on_both_sides()
    {
        var rows = Labelled(60).Select((reading, i) => reading with { Headline = reading.Headline with { Group = $"{i % 6}" } }).ToArray();
        Assert.Equal(0, LearnedTopics.Fit(rows, null, 20).Validation.HeldOutRows % 10);
    }

    [Fact]
    public void one_topic_alone_is_refused() =>
        Assert.Contains(
            "at least two",
            Assert.Throws<ArgumentProblemException>(() => LearnedTopics.Fit([Reading("a", "sport", (1, 1))], [], 20)).Message
        );

    [Fact]
    public void topics_of_labels_and_of_the_article_come_from_the_top_features()
    {
        var density = new FeatureDensity([Reading("a", null, (1200, 2), (1300, 1), (7, 1)), Reading("b", null, (8, 1))]);
        var article = HeadlineAnalyzer.Analyze([Reading("a", null, (1200, 2), (1300, 1), (7, 1))], density, new ArticleTopics())[0].Topic;
        Assert.Equal("features 1000-1999", article.Topic);
        Assert.Contains("without meaning", new ArticleTopics().Warning);

        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("l.jsonl"), "{\"feature\":7,\"label\":\"rain\"}\n");
        var rule = new LabelTopics(FeatureLabels.Load(folder.File("l.jsonl")));
        Assert.Equal("rain", HeadlineAnalyzer.Analyze([Reading("a", null, (7, 1))], density, rule)[0].Topic.Topic);
        Assert.Null(HeadlineAnalyzer.Analyze([Reading("a", null, (8, 1))], density, rule)[0].Topic.Topic);
    }

    private static IEnumerable<HeadlineReading> Labelled(int count) =>
        Enumerable
            .Range(0, count)
            .Select(i =>
                i % 2 == 0
                    ? Reading($"sport {i}", "sport", (1, 5), (3, 2 + i % 3))
                    : Reading($"health {i}", "health", (1, 5), (4, 1 + i % 5))
            );

    /// <summary>BOS, which does not count, and one token with these features.</summary>
    private static HeadlineReading Reading(string text, string? topic, params (int Feature, float Value)[] features)
    {
        var sorted = features.OrderBy(feature => feature.Feature).ToArray();
        int[] indices = [.. sorted.Select(feature => feature.Feature)];
        float[] values = [.. sorted.Select(feature => feature.Value)];
        var rows = new SparseActivations(
            2000,
            [0, indices.Length, 2 * indices.Length],
            [.. indices, .. indices],
            [.. values.Select(_ => 99f), .. values]
        );
        return new HeadlineReading(
            new Headline(text, topic),
            new TokenizedText(text, [2, 5], [new TextSpan(0, 0), new TextSpan(0, text.Length)]),
            [false, true],
            rows,
            [.. sorted.Select(feature => new FeatureActivation(feature.Feature, feature.Value))],
            [topic == "sport" ? 1 : 0, 1]
        );
    }
}
