using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using GemmaScope.Cli;
using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Models;
using Xunit;

namespace GemmaScope.Tests.Cli;

public sealed partial class TrainCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public TrainCommandTests() =>
        File.WriteAllText(
            _folder.File("text.txt"),
            string.Join(' ', Enumerable.Range(0, 120).Select(i => $"The {Words[i % 7]} looked at the {Words[i * 5 % 7]} and said {i}."))
        );

    private static string[] Words { get; } = ["cat", "dog", "old man", "queen", "river", "city", "doctor"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void a_dictionary_is_trained_measured_and_written_under_its_l0()
    {
        var result = Train("run", "--eval-text", _folder.File("text.txt"), "--set", "evaluation.tokens=100000", "--json");
        Assert.Equal(0, result.Code);
        var json = JsonDocument.Parse(result.Out).RootElement;
        var (path, scores) = (json.GetProperty("dictionary").GetString()!, json.GetProperty("scores"));
        Assert.Equal($"resid_post/layer_1/width_48/average_l0_{scores.GetProperty("l0").GetDouble():F0}", path);
        Assert.False(scores.GetProperty("held_out").GetBoolean());
        foreach (var name in (string[])["fvu", "cosine", "delta_loss", "loss_recovered", "kl_score", "ce_clean"])
            Assert.True(double.IsFinite(scores.GetProperty(name).GetDouble()), name);

        using var dictionary = SparseDictionary.Load(Path.Combine(_folder.File("run"), path));
        Assert.Equal((48, Site.ResidPost(1)), (dictionary.Width, dictionary.InputSite));
        var card = File.ReadAllText(Path.Combine(_folder.File("run"), "README.md"));
        Assert.Contains("48 features, trained on 1,280 activations in 20 steps", card);
        Assert.Contains("which it was trained on too", card);
        var page = File.ReadAllText(Path.Combine(_folder.File("run"), "metrics.html"));
        Assert.Contains("<svg", page);
        Assert.DoesNotMatch(new Regex("<script|src=|https?://", RegexOptions.IgnoreCase), page);
        // What eval says of the file is what training said of the dictionary.
        var eval = CommandLine
            .Run("eval", "--sae", Path.Combine(_folder.File("run"), path), "--text", _folder.File("text.txt"), "--window", "32", "--json")
            .Json()
            .GetProperty("dictionaries")[0];
        Assert.Equal(eval.GetProperty("l0").GetDouble(), scores.GetProperty("l0").GetDouble(), 0.02);
        Assert.Equal(eval.GetProperty("fvu").GetDouble(), scores.GetProperty("fvu").GetDouble(), 1e-4);
    }

    [Fact]
    public void without_a_text_to_measure_on_some_windows_are_held_out()
    {
        var scores = JsonDocument.Parse(Train("run", "--set", "data.held_out=0.25", "--json").Out).RootElement.GetProperty("scores");
        Assert.True(scores.GetProperty("held_out").GetBoolean());
        Assert.True(double.IsFinite(scores.GetProperty("delta_loss").GetDouble()));
        // All that is not held out is trained on, and the other way round.
        var all = CommandLine
            .Run("eval", "--sae", Result("run"), "--no-losses", "--text", _folder.File("text.txt"), "--window", "32", "--json")
            .Json()
            .GetProperty("counted_tokens")
            .GetInt64();
        Assert.InRange(scores.GetProperty("tokens").GetInt64() / (double)all, 0.2, 0.26);
        var without = JsonDocument.Parse(Train("without", "--set", "data.held_out=0", "--json").Out).RootElement.GetProperty("scores");
        Assert.Equal(JsonValueKind.Null, without.GetProperty("held_out").ValueKind);
    }

    [Fact]
    public void a_lambda_is_searched_for_once_and_stands_in_the_recipe()
    {
        string[] search =
        [
            "--target-l0",
            "12",
            "--search",
            "--set",
            "search.runs=3",
            "--set",
            "search.steps=10",
            "--set",
            "evaluation.tokens=0",
        ];
        var run = Train("run", search);
        Assert.Equal("", run.Code == 0 ? "" : run.Error);
        Assert.Matches(@"search: lambda 0\.0006 gives L0 \d", run.Error);
        Assert.Matches("search: (training with|no) lambda", run.Error);
        var recipe = File.ReadAllText(Path.Combine(_folder.File("run"), "recipe.yaml"));
        Assert.Contains("  sparsity: l0\n", recipe);
        Assert.Matches(@"search:\n  l0: 12\n.*\n.*\n.*\n  lambda: [\d.]", recipe);
        Assert.DoesNotContain(
            "search:",
            CommandLine.Run("train", Path.Combine(_folder.File("run"), "recipe.yaml"), "--output", _folder.File("again")).Error
        );
        Assert.Equal(Weights("run"), Weights("again"));
        Train("run", "--search").IsRefused("--search", "--target-l0");
        Train("run", ["--target-l0", "12", "--search", "--set", "recipe.architecture=top_k", "--set", "recipe.sparsity=none"])
            .IsRefused("search.l0", "recipe.k");
    }

    [Fact]
    public void a_search_that_led_to_another_l0_says_so()
    {
        var run = Train("run", "--target-l0", "1000", "--search", "--set", "search.runs=1", "--set", "search.steps=5");
        Assert.Equal(0, run.Code);
        Assert.Matches(@"the training came to L0 [\d.]+, not 1000", run.Error);
    }

    [Fact]
    public void the_recipe_beside_the_result_makes_it_again()
    {
        Assert.Equal(0, Train("one").Code);
        Assert.Equal(0, CommandLine.Run("train", Path.Combine(_folder.File("one"), "recipe.yaml"), "--output", _folder.File("two")).Code);
        Assert.Equal(Weights("one"), Weights("two"));
    }

    [Fact]
    public void a_run_that_was_killed_ends_with_the_same_files_as_one_that_was_not()
    {
        string[] more = ["--steps", "200", "--set", "run.checkpoint_steps=7", "--set", "evaluation.tokens=500"];
        Directory.CreateDirectory(_folder.File("a"));
        Killing.InTheMiddle(
            _folder.File("a/run"),
            () =>
            {
                var process = Process.Start(Dotnet(Arguments("a/run", more)))!;
                _ = process.StandardError.ReadToEndAsync();
                _ = process.StandardOutput.ReadToEndAsync();
                return process;
            },
            () => File.Exists(_folder.File("a/run/checkpoint.safetensors")),
            () => File.Exists(_folder.File("a/run/result.json"))
        );
        var resumed = Train("a/run", more);
        Assert.Equal(0, resumed.Code);
        Assert.Contains("going on from step", resumed.Error);
        Assert.Equal(0, Train("b/run", more).Code);
        Assert.Equal(Weights("b/run"), Weights("a/run"));
        Assert.Equal(Metrics("b/run"), Metrics("a/run"));
        Assert.Equal(Scores("b/run"), Scores("a/run"));
    }

    [Theory]
    [InlineData("transcoder", "mlp_in.1", "transcoder/layer_1_width_48_l0_")]
    [InlineData("skip_transcoder", "mlp_in.1", "_affine")]
    [InlineData("sae", "z.2", "z/layer_2/width_48/average_l0_")]
    [InlineData("sae", "resid_mid.2", "resid_mid/layer_2")]
    public void kinds_and_sites_have_the_names_of_the_releases(string kind, string site, string path)
    {
        var json = JsonDocument.Parse(Train("run", "--kind", kind, "--site", site, "--json").Out).RootElement;
        Assert.Contains(path, json.GetProperty("dictionary").GetString());
        using var dictionary = SparseDictionary.Load(Path.Combine(_folder.File("run"), json.GetProperty("dictionary").GetString()!));
        Assert.Equal(Site.Parse(site), dictionary.InputSite);
        if (kind != "sae")
            Assert.Equal(
                kind == "skip_transcoder",
                JsonFile
                    .Read(Path.Combine(_folder.File("run"), json.GetProperty("dictionary").GetString()!, "config.json"))
                    .Flag("affine_connection")
            );
        var affine = json.GetProperty("scores").GetProperty("affine_fvu");
        Assert.Equal(kind != "sae", affine.ValueKind == JsonValueKind.Number && affine.GetDouble() is > 0 and < 1);
    }

    [Fact]
    public void a_cross_layer_transcoder_is_trained_on_several_layers_and_compared_with_a_transcoder_for_each()
    {
        string[] text = ["--eval-text", _folder.File("text.txt"), "--set", "evaluation.tokens=512", "--json"];
        var run = Train("clt", ["--kind", "clt", "--site", "mlp_in.1", "mlp_in.2", .. text]);
        Assert.Equal("", run.Code == 0 ? "" : run.Error);
        var scores = JsonDocument.Parse(run.Out).RootElement.GetProperty("scores");
        using (var dictionary = SparseDictionary.Load(Result("clt")))
        {
            Assert.Equal([Site.MlpIn(1), Site.MlpIn(2)], dictionary.InputSites);
            Assert.Equal([Site.MlpOut(1), Site.MlpOut(2)], dictionary.OutputSites);
        }
        foreach (var layer in (int[])[1, 2])
            Assert.Equal(0, Train($"layer{layer}", ["--kind", "transcoder", "--site", $"mlp_in.{layer}", .. text]).Code);

        var json = CommandLine
            .Run(
                "eval",
                "--sae",
                Result("clt"),
                "--sae",
                Result("layer1"),
                "--sae",
                Result("layer2"),
                "--splice-all",
                "--text",
                _folder.File("text.txt"),
                "--window",
                "32",
                "--tokens",
                "512",
                "--json"
            )
            .Json();
        var (clt, together) = (json.GetProperty("dictionaries")[0], json.GetProperty("together")[0]);
        Assert.Equal(2, together.GetProperty("dictionaries").GetArrayLength());
        foreach (var row in (JsonElement[])[clt, together, scores])
        foreach (var name in (string[])["delta_loss", "loss_recovered", "kl_score"])
            Assert.True(double.IsFinite(row.GetProperty(name).GetDouble()), name);
        Assert.Equal(clt.GetProperty("delta_loss").GetDouble(), scores.GetProperty("delta_loss").GetDouble(), 1e-4);
        // The same sites are ablated in both.
        Assert.Equal(Ablated(clt), Ablated(together));
        Assert.NotEqual(clt.GetProperty("l0").GetDouble(), clt.GetProperty("inside_spliced_run").GetProperty("l0").GetDouble());

        static double Ablated(JsonElement row) =>
            row.GetProperty("runs")
                .EnumerateArray()
                .Single(run => run.GetProperty("run").GetString() == "zero_ablated")
                .GetProperty("ce")
                .GetDouble();
    }

    [Fact]
    public void the_whole_configuration_is_printed_before_anything_is_done()
    {
        var printed = Train("run", "--print-config");
        Assert.Equal(0, printed.Code);
        Assert.Contains("  learning_rate: 0.01\n", printed.Out);
        Assert.Contains("  beta2: 0.999\n", printed.Out);
        Assert.False(Directory.Exists(_folder.File("run")));
    }

    [Theory]
    [InlineData("'recipe.lamda' is unknown; did you mean 'lambda'?", "--set", "recipe.lamda=1")]
    [InlineData("is no KEY=VALUE", "--set", "recipe")]
    [InlineData("--tokens: 'many' is no whole number", "--tokens", "many")]
    [InlineData("'width' must be a whole number", "--set", "width=wide")]
    [InlineData("no such site", "--site", "resid_post.99")]
    public void bad_input_is_refused(string says, params string[] more) => CommandLine.Run(Arguments("run", more)).IsRefused(says);

    private CommandLine Train(string output, params string[] more) => CommandLine.Run(Arguments(output, more));

    private string[] Arguments(string output, params string[] more) =>
        [
            "train",
            .. more.Contains("--site") ? [] : (string[])["--site", "resid_post.1"],
            "--text",
            _folder.File("text.txt"),
            "--width",
            "48",
            "--batch",
            "64",
            .. more.Contains("--steps") ? [] : (string[])["--steps", "20"],
            "--output",
            _folder.File(output),
            "--set",
            "recipe.learning_rate=0.01",
            "--set",
            "recipe.epsilon=0.05",
            "--set",
            "recipe.threshold_start=0.02",
            "--set",
            "data.window=32",
            "--set",
            "data.buffer_rows=256",
            .. more.Any(word => word.StartsWith("evaluation.tokens")) ? [] : (string[])["--set", "evaluation.tokens=2000"],
            .. more,
        ];

    private static ProcessStartInfo Dotnet(string[] arguments) =>
        new("dotnet", [typeof(Application).Assembly.Location, .. arguments])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };

    private byte[] Weights(string run) => File.ReadAllBytes(Path.Combine(Result(run), "params.npz"));

    private string Scores(string run) => File.ReadAllText(Path.Combine(Result(run), "scores.json"));

    private string Result(string run) =>
        Path.Combine(_folder.File(run), JsonFile.Read(Path.Combine(_folder.File(run), "result.json")).Text("dictionary")!);

    private string Metrics(string run) => Clock().Replace(File.ReadAllText(Path.Combine(_folder.File(run), "metrics.jsonl")), "");

    [GeneratedRegex(",\"tokens_per_second\":.*(?=})")]
    private static partial Regex Clock();
}
