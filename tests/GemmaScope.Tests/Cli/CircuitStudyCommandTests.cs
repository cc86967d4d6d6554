using System.Text.Json;
using Xunit;

namespace GemmaScope.Tests.Cli;

public sealed class CircuitStudyCommandTests : IDisposable
{
    private static readonly string[] Nouns = ["boy", "friend", "brother", "author", "teacher", "woman/women", "father", "guard"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void the_feature_of_a_plural_subject_is_found_and_proved_on_other_subjects()
    {
        var json = CommandLine.Run("circuit", "pairs", Agreement(), "--json").Json();
        var plural = json.GetProperty("cases").EnumerateArray().Single(one => one.GetProperty("name").GetString() == "plural");
        Assert.Equal(Nouns.Length, plural.GetProperty("pairs").GetInt32());
        Assert.True(plural.GetProperty("right").GetInt32() >= Nouns.Length - 1);
        var first = plural.GetProperty("features")[0];
        Assert.True(first.GetProperty("changed").GetBoolean());
        Assert.True(first.GetProperty("fires").GetDouble() > 0.7);
        Assert.True(first.GetProperty("fires_in_other").GetDouble() < 0.3);
        foreach (
            var effect in plural
                .GetProperty("effects")
                .EnumerateArray()
                .Where(one => one.GetProperty("features").ValueKind == JsonValueKind.Number)
        )
            Assert.True(
                effect.GetProperty("drop").GetProperty("low").GetDouble()
                    > effect.GetProperty("random_drop").GetProperty("high").GetDouble()
            );
    }

    [Fact]
    public void pairs_are_read_under_the_published_names_too()
    {
        var ours = CommandLine.Run("circuit", "pairs", Agreement(), "--json").Out;
        Assert.Equal(
            ours,
            CommandLine.Run("circuit", "pairs", Agreement("clean_prefix", "patch_prefix", "clean_answer", "patch_answer"), "--json").Out
        );
    }

    [Fact]
    public void answers_that_the_model_does_not_know_are_not_explained()
    {
        var file = _folder.Write("wrong.jsonl", """{"prompt": "The boys", "other": "The boy", "answer": " is", "wrong": " are"}""");
        var run = CommandLine.Run("circuit", "pairs", file);
        Assert.Contains("in 0 the model is right", run.Out);
        Assert.Contains("does not know the answers", run.Out);
    }

    [Theory]
    [InlineData("", "holds no pair")]
    [InlineData("""{"prompt": "The boys", "answer": " are", "wrong": " is"}""", "'other' is missing")]
    [InlineData("""{"prompt": "a", "other": "a", "answer": " are", "wrong": " is"}""", "the same")]
    [InlineData("""{"prompt": "a", "other": "b", "answer": " extraordinary things", "wrong": " is"}""", "tokens, and it must be one")]
    public void bad_pairs_are_refused(string line, string words)
    {
        CommandLine.Run("circuit", "pairs", _folder.Write("pairs.jsonl", line)).Refuses(words);
    }

    [Fact]
    public void sets_are_scored_side_by_side_on_the_same_prompts()
    {
        var text = _folder.Write(
            "texts.jsonl",
            string.Join(
                '\n',
                Nouns.Select(noun => $$"""{"text": "The {{noun}} of the house went to the old town on a cold day in the winter."}""")
            )
        );
        var json = CommandLine.Run("circuit", "score", "--text", text, "--prompts", "3", "--length", "8", "--json").Json();
        Assert.Equal(3, json.GetProperty("prompts").GetInt32());
        var own = json.GetProperty("sets")[0];
        Assert.Equal(3, own.GetProperty("complete").GetInt32());
        Assert.Equal(JsonValueKind.Null, own.GetProperty("replacement_gain").ValueKind);
        var mean = own.GetProperty("scores").EnumerateArray().Average(one => one.GetProperty("replacement").GetDouble());
        Assert.Equal(mean, own.GetProperty("replacement").GetProperty("mean").GetDouble(), 1e-6);

        var table = CommandLine.Run("circuit", "score", "--text", text, "--prompts", "2", "--length", "8").Out;
        Assert.Contains("2 of 8 tokens", table);
        Assert.Contains("2 of 2", table);
    }

    [Theory]
    [InlineData("--prompts", "0", "--prompts")]
    [InlineData("--length", "2", "--length")]
    [InlineData("--length", "400", "no document of 400 tokens")]
    [InlineData("--budget", "0", "--budget")]
    public void scores_that_cannot_be_are_refused(string option, string value, string words)
    {
        var text = _folder.Write("texts.txt", "A short text.");
        CommandLine.Run("circuit", "score", "--text", text, option, value).Refuses(words);
    }

    private string Agreement(string prompt = "prompt", string other = "other", string answer = "answer", string wrong = "wrong")
    {
        var lines = Nouns.SelectMany(noun =>
        {
            var (one, many) = noun.Split('/') is [var singular, var plural] ? (singular, plural) : (noun, noun + "s");
            return new[] { Line(many, one, " are", " is", "plural"), Line(one, many, " is", " are", "singular") };
        });
        return _folder.Write($"{prompt}.jsonl", string.Join('\n', lines));

        string Line(string subject, string compared, string right, string bad, string name) =>
            JsonSerializer.Serialize(
                new Dictionary<string, string>
                {
                    [prompt] = $"The {subject}",
                    [other] = $"The {compared}",
                    [answer] = right,
                    [wrong] = bad,
                    ["case"] = name,
                }
            );
    }
}
