using System.Text.Json;
using GemmaScope.Files;
using GemmaScope.Lenses;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Cli;

public class LensCommandTests
{
    private const string Text = "The people of the United";

    private static readonly string[] QuickFit = ["lens", "fit", "--max-seq-len", "10", "--skip-first", "6", "--layers", "3-4", "--prompts"];

    [Fact]
    public void a_text_is_shown_layer_by_layer_with_its_answer_and_a_page()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "page.html");
        var run = CommandLine.Run("lens", "show", Text, "--lens", "logit", "--watch", " States", "--report", file);
        Assert.Equal(0, run.Code);
        Assert.StartsWith("logit lens on demo-pt", run.Lines[0]);
        Assert.Contains(run.Lines, line => line.Contains("United  United  States  States") || line.Contains("United  States  States"));
        Assert.Contains("followed words", run.Out);
        var page = File.ReadAllText(file);
        Assert.Contains("default-src 'none'", page);
        Assert.Contains("States", page);
        Assert.DoesNotContain("<button", page);
    }

    [Fact]
    public void json_has_every_cell()
    {
        var json = CommandLine.Run("lens", "show", Text, "--lens", "logit", "--top", "3", "--json").Json();
        Assert.Equal("logit", json.GetProperty("lens").GetString());
        Assert.Equal(6, json.GetProperty("layers").GetArrayLength());
        var last = json.GetProperty("tokens").EnumerateArray().Last();
        Assert.Equal(6, last.GetProperty("cells").GetArrayLength());
        Assert.All(last.GetProperty("cells").EnumerateArray(), cell => Assert.Equal(3, cell.GetProperty("top").GetArrayLength()));
        Assert.Equal("▁States", last.GetProperty("answer").GetProperty("piece").GetString());
        Assert.Equal(0, last.GetProperty("cells")[5].GetProperty("kl").GetDouble(), 1e-5);
        Assert.True(last.GetProperty("appears").GetInt32() <= last.GetProperty("settles").GetInt32());
    }

    [Fact]
    public void a_lens_is_fitted_in_parts_that_are_merged_to_the_whole()
    {
        using var folder = new TemporaryFolder();
        string File(string name) => Path.Combine(folder.Path, $"{name}.safetensors");
        var whole = CommandLine.Run([.. QuickFit, "3", "--out", File("whole"), "--json"]);
        Assert.Equal(0, whole.Code);
        Assert.Equal(3, JsonDocument.Parse(whole.Out).RootElement.GetProperty("prompts").GetInt32());
        Assert.Equal(0, CommandLine.Run([.. QuickFit, "3", "--part", "0/2", "--out", File("a")]).Code);
        Assert.Equal(0, CommandLine.Run([.. QuickFit, "3", "--part", "1/2", "--out", File("b")]).Code);
        var merged = CommandLine.Run("lens", "fit", "--merge", File("a"), File("b"), "--out", File("merged"));
        Assert.Contains("of 3 prompts, layers 3 to 4", merged.Out);
        using JacobianLens one = LensFile.ReadJacobian(File("whole")),
            two = LensFile.ReadJacobian(File("merged"));
        foreach (var layer in (int[])[3, 4])
            for (var i = 0; i < one[layer].Length; i++)
                Assert.Equal(one[layer].AsSpan()[i], two[layer].AsSpan()[i], 1e-5);
        Assert.Equal("demo-pt", one.Origin.Model);
        Assert.Empty(Directory.EnumerateFiles(folder.Path, "*.fit*"));

        var shown = CommandLine.Run("lens", "show", Text, "--lens", $"jacobian:{File("merged")}");
        Assert.StartsWith("jacobian lens of 3 prompts on demo-pt", shown.Out);
        Assert.Contains("note: the lens has nothing for layer 0, 1, 2", shown.Error);
        CommandLine.Run("lens", "show", Text, "--lens", $"tuned:{File("merged")}").Refuses("is a jacobian lens, not a tuned lens");
        Assert.Contains(
            "belongs to one checkpoint",
            CommandLine.Run("lens", "show", Text, "--model", "demo-it", "--lens", File("merged")).Error
        );
    }

    [Fact]
    public async Task an_interrupted_fit_goes_on_and_ends_in_the_same_lens()
    {
        using var folder = new TemporaryFolder();
        var options = new LensFitJobOptions
        {
            Text = [DemoFiles.Texts],
            Out = Path.Combine(folder.Path, "lens.safetensors"),
            Prompts = 4,
            Fit = new()
            {
                MaxSeqLen = 10,
                SkipFirst = 6,
                Layers = [4],
            },
        };
        using var microscope = await Microscope.OpenAsync(new() { Use = DictionaryUse.None });
        using var stop = new CancellationTokenSource();
        var progress = new DirectProgress<JobReport>(report =>
        {
            if (report is JobStage { Unit: "prompts", Done: 2 })
                stop.Cancel();
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => LensFitJob.RunAsync(microscope, options, progress, stop.Token));
        Assert.True(File.Exists(options.Out + LensFitJob.CheckpointEnding));
        Assert.False(File.Exists(options.Out));

        var other = options with { Fit = options.Fit with { SkipFirst = 5 } };
        var refusal = await Assert.ThrowsAsync<ArgumentProblemException>(() => LensFitJob.RunAsync(microscope, other));
        Assert.Contains("differs in skip first", refusal.Message);

        var notes = new List<string>();
        var result = await LensFitJob.RunAsync(
            microscope,
            options,
            new DirectProgress<JobReport>(report =>
            {
                if (report is JobNote note)
                    notes.Add(note.Text);
            })
        );
        Assert.Contains("goes on after 2 prompts that were fitted before", notes);
        Assert.Equal(4, result.Prompts);
        var whole = options with { Out = Path.Combine(folder.Path, "whole.safetensors") };
        await LensFitJob.RunAsync(microscope, whole);
        using JacobianLens one = LensFile.ReadJacobian(options.Out),
            two = LensFile.ReadJacobian(whole.Out);
        Assert.Equal(one[4].AsSpan().ToArray(), two[4].AsSpan().ToArray());
        Assert.False(File.Exists(options.Out + LensFitJob.CheckpointEnding));
    }

    [Fact]
    public void a_tuned_lens_comes_nearer_to_the_model_on_text_it_was_not_trained_on()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "tuned.safetensors");
        var json = CommandLine
            .Run(
                "lens",
                "tune",
                "--steps",
                "6",
                "--tokens-per-step",
                "128",
                "--max-seq-len",
                "64",
                "--held-out",
                "2",
                "--out",
                file,
                "--json"
            )
            .Json();
        var first = json.GetProperty("layers")[0];
        Assert.True(first.GetProperty("kl").GetDouble() < first.GetProperty("kl_before").GetDouble());
        Assert.StartsWith("tuned lens on demo-pt", CommandLine.Run("lens", "show", Text, "--lens", $"tuned:{file}").Out);
    }

    [Fact]
    public void lenses_are_scored_beside_their_shuffled_control()
    {
        var json = CommandLine.Run("lens", "score", "--prompts", "2", "--max-seq-len", "32", "--json").Json();
        var lenses = json.GetProperty("lenses").EnumerateArray().ToArray();
        Assert.Equal(["logit", "shuffled logit"], lenses.Select(lens => lens.GetProperty("lens").GetString()));
        double[] agreement =
        [
            .. lenses.Select(lens => lens.GetProperty("layers")[4].GetProperty("agreement").GetProperty("mean").GetDouble()),
        ];
        Assert.True(agreement[0] > 0.4 && agreement[1] < 0.1);
        Assert.Contains("shuffled logit", CommandLine.Run("lens", "score", "--prompts", "2", "--max-seq-len", "32").Out);
    }

    [Theory]
    [InlineData("steer")]
    [InlineData("add")]
    [InlineData("ablate")]
    [InlineData("swap")]
    [InlineData("swap-live")]
    [InlineData("swap-projection")]
    [InlineData("ablate-top")]
    public void every_change_through_a_lens_moves_the_prediction_and_has_its_control(string mode)
    {
        string[] to = mode.StartsWith("swap", StringComparison.Ordinal) ? ["--to", " world"] : [];
        string[] token = mode == "ablate-top" ? [] : ["--token", " States"];
        var json = CommandLine
            .Run([
                "lens",
                "steer",
                Text,
                "--lens",
                "logit",
                "--mode",
                mode,
                .. token,
                .. to,
                "--layers",
                "4",
                "--controls",
                "2",
                "--max-tokens",
                "3",
                "--json",
            ])
            .Json();
        Assert.Equal(mode, json.GetProperty("mode").GetString());
        Assert.True(json.GetProperty("kl").GetDouble() > 1e-6);
        Assert.Equal(mode == "ablate-top" ? 0 : 2, json.GetProperty("control_kl").GetArrayLength());
        Assert.NotEqual("", json.GetProperty("changed_text").GetString());
    }

    [Fact]
    public void a_change_is_told_in_words()
    {
        var run = CommandLine.Run("lens", "steer", Text, "--lens", "logit", "--token", " world", "--layers", "4", "--max-tokens", "3");
        Assert.Equal(0, run.Code);
        Assert.StartsWith("steer ' world', strength 0.5, after layer 4, logit lens", run.Out);
        Assert.Contains("with random words", run.Out);
        Assert.Contains("changed:", run.Out);
    }

    [Theory]
    [InlineData("a lens reads single tokens", "show", Text, "--lens", "logit", "--watch", "Antananarivo")]
    [InlineData("no such file", "show", Text, "--lens", "missing.safetensors")]
    [InlineData("name the word", "steer", Text, "--lens", "logit")]
    [InlineData("a swap is of one word and another", "steer", Text, "--lens", "logit", "--mode", "swap", "--token", " States")]
    [InlineData("there is no layer 9", "steer", Text, "--lens", "logit", "--token", " States", "--layers", "9")]
    [InlineData("names no layers", "steer", Text, "--lens", "logit", "--token", " States", "--layers", "x")]
    [InlineData("written as .safetensors", "fit", "--out", "lens.pt")]
    [InlineData("must be more than 17", "fit", "--out", "lens.safetensors", "--max-seq-len", "12")]
    [InlineData("no such file|does not exist|not found|is missing", "fit", "--merge", "missing.safetensors", "--out", "lens.safetensors")]
    [InlineData("say what", "")]
    public void what_cannot_be_is_refused_in_plain_words(string says, params string[] arguments)
    {
        var run = CommandLine.Run(["lens", .. arguments.Where(argument => argument.Length > 0)]);
        Assert.Equal(2, run.Code);
        Assert.Contains(says.Split('|'), one => run.Error.Contains(one));
    }
}
