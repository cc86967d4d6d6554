using Xunit;

namespace GemmaScope.Tests.Cli;

public sealed class LabelledSetCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void probing_shows_the_baselines_and_measures_another_source_too()
    {
        var rows = Enumerable
            .Range(0, 20)
            .Select(i => i % 2 == 0 ? $"\"Shares of company {i} rise, traders say\",1" : $"The doctor gave patient {i} a cure,0");
        var data = Write("news.csv", "prompt,target\n" + string.Join('\n', rows));
        Write("news_OOD.csv", "prompt,target\nStocks fall,1\nA nurse in the hospital,0\n");
        var json = CommandLine.Run("probe", data, "--json").Json();
        var task = json.GetProperty("tasks")[0];
        Assert.Equal(
            (16, 4, 2),
            (
                task.GetProperty("train").GetProperty("rows").GetInt32(),
                task.GetProperty("test").GetProperty("rows").GetInt32(),
                task.GetProperty("other_source").GetProperty("rows").GetInt32()
            )
        );
        var methods = task.GetProperty("methods").EnumerateArray().ToDictionary(method => method.GetProperty("method").GetString()!);
        Assert.Equal(
            ["commonest class", "bag of words", "dense probe", "difference of means", "best latent", "1 latent", "2 latents", "5 latents"],
            methods.Keys
        );
        // The classes share hardly a word, so the words tell them apart.
        Assert.Equal(1, methods["bag of words"].GetProperty("auroc").GetDouble());
        Assert.Equal(0.5, methods["commonest class"].GetProperty("auroc").GetDouble());
        Assert.Equal(5, methods["5 latents"].GetProperty("features").GetArrayLength());
        Assert.Contains("AUROC, other source", CommandLine.Run("probe", data).Out);
    }

    [Fact]
    public void absorption_counts_the_words_that_the_probe_gets_right()
    {
        var words = Write(
            "words.txt",
            "people\nplace\npart\npoint\npower\nprice\nwater\nwork\nword\nway\nweek\nwar\nhouse\nhand\nhead\nhome\nhorse\nheart\n"
        );
        var json = CommandLine.Run("absorption", "--words", words, "--examples", "1", "--json").Json().GetProperty("dictionaries")[0];
        foreach (var letter in json.GetProperty("letters").EnumerateArray())
        {
            Assert.True(letter.GetProperty("full").GetInt32() <= letter.GetProperty("probe_right").GetInt32());
            Assert.True(letter.GetProperty("probe_right").GetInt32() <= letter.GetProperty("words").GetInt32());
            Assert.Equal(
                letter.GetProperty("probe_right").GetInt32() == 0,
                letter.GetProperty("full_rate").ValueKind == System.Text.Json.JsonValueKind.Null
            );
        }
        Assert.Equal(
            json.GetProperty("probe_right").GetInt32(),
            json.GetProperty("letters").EnumerateArray().Sum(letter => letter.GetProperty("probe_right").GetInt32())
        );
        CommandLine.Run("absorption", "--words", Write("none.txt", "A\n7\n")).IsRefused("none.txt", "holds no word");
    }

    [Fact]
    public void a_set_of_another_dictionary_does_not_lend_its_feature_numbers()
    {
        string Line(string text, string category, int concept, bool link = false) =>
            $$"""{"output": "{{text}}", "category": "{{category}}", "concept_id": {{concept}}, "concept_genre": "text", "output_concept": "ships"{{(link ? ", \"sae_id\": 5, \"sae_link\": \"https://www.neuronpedia.org/gemma-2-2b/20-gemmascope-res-16k/5\"" : "")}}}""";
        var train = Write(
            "c-train.jsonl",
            string.Join(
                '\n',
                Enumerable
                    .Range(0, 6)
                    .SelectMany(i =>
                        new[]
                        {
                            Line($"The ship number {i} sailed over the sea", "positive", 0),
                            Line($"He bought {i} loaves of bread", "negative", -1),
                        }
                    )
            )
        );
        Write(
            "c-eval.jsonl",
            string.Join(
                '\n',
                new[]
                {
                    Line("A ship in the storm", "positive", 0, link: true),
                    Line("She read a book", "negative", 0, link: true),
                    Line("The shop was closed", "hard negative", 0, link: true),
                }
            )
        );
        var dictionary = CommandLine.Run("detect", train, "--json").Json().GetProperty("dictionaries")[0];
        Assert.False(dictionary.GetProperty("labelled_features_apply").GetBoolean());
        var auroc = dictionary.GetProperty("concepts")[0].GetProperty("auroc");
        Assert.Equal(System.Text.Json.JsonValueKind.Null, auroc.GetProperty("labelled_feature").ValueKind);
        foreach (var name in new[] { "best_feature", "difference_of_means", "probe", "bag_of_words" })
            Assert.InRange(auroc.GetProperty(name).GetDouble(), 0, 1);
        Assert.Contains("mean nothing here and are not used", CommandLine.Run("detect", train).Out);
        CommandLine.Run("detect", Write("other.jsonl", "")).IsRefused("--eval");
        CommandLine
            .Run("detect", Write("bad-train.jsonl", "{\"category\": \"maybe\"}"), "--eval", train)
            .IsRefused("bad-train.jsonl line 1", "maybe");
    }

    [Fact]
    public void questions_that_the_model_cannot_answer_leave_ravel_undefined()
    {
        Write(
            "ravel_pet_entity_attributes.json",
            """{"cat": {"sound": "zebra"}, "dog": {"sound": "quartz"}, "cow": {"sound": "vortex"}, "hen": {"sound": "jigsaw"}}"""
        );
        Write("ravel_pet_attribute_to_prompts.json", """{"sound": ["The %s says"]}""");
        Write("ravel_pet_entity_to_split.json", """{"cat": "train", "dog": "train", "cow": "test", "hen": "test"}""");
        var run = CommandLine.Run("ravel", _folder.Path, "--domain", "pet");
        Assert.Equal(0, run.Code);
        Assert.Contains("answers 0 of 4 questions rightly", run.Out);
        Assert.Contains("undefined", run.Out);
        CommandLine.Run("ravel", _folder.Path, "--domain", "plant").IsRefused("ravel_plant_entity_attributes.json");
        Write("ravel_pet_attribute_to_prompts.json", """{"sound": ["It says"]}""");
        CommandLine.Run("ravel", _folder.Path, "--domain", "pet").IsRefused("one %s");
    }

    [Theory]
    [InlineData("probe", "--train", "1")]
    [InlineData("probe", "--context", "1")]
    [InlineData("probe", "--latents", "0")]
    public void bad_settings_are_refused(string command, string option, string value) =>
        CommandLine.Run(command, Write("a.csv", "text,label\nx,1\n"), option, value).IsRefused(option);

    [Fact]
    public void a_run_that_is_interrupted_says_so() =>
        Assert.Equal(
            130,
            CommandLine
                .Run(
                    ["probe", Write("a.csv", "text,label\n" + string.Join('\n', Enumerable.Range(0, 20).Select(i => $"text {i},{i % 2}")))],
                    [],
                    cancellationToken: new CancellationToken(canceled: true)
                )
                .Code
        );

    private string Write(string name, string contents)
    {
        File.WriteAllText(_folder.File(name), contents);
        return _folder.File(name);
    }
}
