using GemmaScope.Files;
using GemmaScope.Models;
using Xunit;

namespace GemmaScope.Tests.Files;

public sealed class SettingsTests
{
    public enum Colour
    {
        DeepRed,
        Blue,
    }

    public sealed record Inner
    {
        public double LearningRate { get; init; } = 7e-5;
        public int? K { get; init; }
        public IReadOnlyList<int> Prefixes { get; init; } = [];
    }

    public sealed record Sample
    {
        public Colour Colour { get; init; } = Colour.Blue;
        public string Name { get; init; } = "plain";
        public string? Path { get; init; }
        public long Tokens { get; init; } = 1000;
        public bool Fast { get; init; }
        public IReadOnlyList<Site> Sites { get; init; } = [];
        public Inner Inner { get; init; } = new();
        public int Twice => 2 * (int)Tokens;
    }

    [Fact]
    public void what_is_not_mentioned_keeps_its_default_and_what_is_printed_reads_back()
    {
        var read = Read(
            "{colour: deep_red, sites: [resid_post.3, blocks.4.hook_mlp_out], inner: {k: 7, prefixes: [1, 2]}, path: 'a: b', tokens: "
                + "5000000000}"
        );
        Assert.Equal(Colour.DeepRed, read.Colour);
        Assert.Equal([Site.ResidPost(3), Site.MlpOut(4)], read.Sites);
        Assert.Equal(7e-5, read.Inner.LearningRate);
        Assert.Equal(5_000_000_000, read.Tokens);
        var yaml = Settings.ToYaml(read);
        Assert.Contains("colour: deep_red\n", yaml);
        Assert.Contains("inner:\n  learning_rate: 7E-05\n  k: 7\n  prefixes: [1, 2]\n", yaml);
        Assert.Contains("path: \"a: b\"\n", yaml);
        Assert.DoesNotContain("twice", yaml);
        Assert.Equal(yaml, Settings.ToYaml(Settings.Read(YamlFile.Parse(yaml, "again"), new Sample())));
    }

    [Theory]
    [InlineData("colour: green", "'colour' must be one of deep_red, blue, found \"green\"")]
    [InlineData("inner: {learning_rat: 1}", "'inner.learning_rat' is unknown; did you mean 'learning_rate'?")]
    [InlineData("inner: 3", "'inner' must be an object")]
    [InlineData("tokens: 1.5", "'tokens' must be a whole number")]
    [InlineData("tokens: ~", "'tokens' must have a value")]
    [InlineData("sites: [resid_past.3]", "'sites' cannot be used: site: 'resid_past.3'")]
    [InlineData("twice: 3", "'twice' is unknown")]
    public void what_does_not_fit_is_named(string yaml, string says) =>
        Assert.Contains(says, Assert.Throws<FileFormatException>(() => Read($"{{{yaml}}}")).Message, StringComparison.Ordinal);

    [Fact]
    public void a_difference_names_key_and_values()
    {
        var before = Settings.Flatten(new Sample()).ToDictionary(pair => pair.Key, pair => pair.Value);
        Assert.Empty(Settings.Differences(before, new Sample()));
        Assert.Equal(
            ["inner.learning_rate: 7E-05 before, 0.1 now"],
            Settings.Differences(before, new Sample { Inner = new() { LearningRate = 0.1 } })
        );
    }

    [Fact]
    public void a_setting_that_an_earlier_version_did_not_have_was_its_default()
    {
        var before = Settings.Flatten(new Sample()).ToDictionary();
        before.Remove("inner.learning_rate");
        Assert.Empty(Settings.Differences(before, new Sample()));
        Assert.Equal(
            ["inner.learning_rate: 7E-05 before, 0.1 now"],
            Settings.Differences(before, new Sample { Inner = new() { LearningRate = 0.1 } })
        );
    }

    [Fact]
    public void values_from_elsewhere_win_over_the_file()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("a.yaml"), "tokens: 5\ninner: {k: 1}");
        (string, System.Text.Json.Nodes.JsonNode?)[] values =
        [
            ("inner.k", YamlFile.ParseValue("9", "--set")),
            ("inner.learning_rate", 0.5),
            ("name", "x: y"),
        ];
        var read = Settings.Read(YamlFile.ReadWith(folder.File("a.yaml"), values), new Sample());
        Assert.Equal((5, 9, 0.5, "x: y"), (read.Tokens, read.Inner.K, read.Inner.LearningRate, read.Name));
        Assert.Equal(9, Settings.Read(YamlFile.ReadWith(null, values[..1].ToList()), new Sample()).Inner.K);
        Assert.Contains(
            "'tokens.x' cannot be set",
            Assert.Throws<FileFormatException>(() => YamlFile.ReadWith(folder.File("a.yaml"), [("tokens.x", 1)])).Message
        );
    }

    private static Sample Read(string yaml) => Settings.Read(YamlFile.Parse(yaml, "sample.yaml"), new Sample());
}
