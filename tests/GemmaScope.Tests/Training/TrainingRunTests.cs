using System.Text.RegularExpressions;
using GemmaScope.Activations;
using GemmaScope.Models;
using GemmaScope.Training;
using Xunit;

namespace GemmaScope.Tests.Training;

public sealed partial class TrainingRunTests : IDisposable
{
    private static readonly Site Place = Site.ResidPost(1),
        Other = Site.MlpOut(1);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void a_run_in_two_parts_ends_like_one_in_one_part()
    {
        Train(Configuration("whole"));
        Assert.Throws<OperationCanceledException>(() => Train(Configuration("parts"), stopAfter: 13));
        Assert.Equal(13, Resumed(Configuration("parts")));
        Train(Configuration("parts"));
        Assert.Equal(State("whole"), State("parts"));
        Assert.Equal(Metrics("whole"), Metrics("parts"));
    }

    [Fact]
    public void so_does_one_whose_k_falls_and_whose_dead_features_begin_anew()
    {
        TrainingConfiguration Annealed(string name) =>
            Configuration(name) with
            {
                Recipe = Configuration(name).Recipe with
                {
                    Architecture = Architecture.BatchTopK,
                    Sparsity = SparsityTerm.None,
                    K = 2,
                    KStart = 5,
                    KSteps = 16,
                    Beta1 = 0.5,
                    ClipNorm = 0.05,
                    DeadAfterTokens = 128,
                    ResampleEvery = 4,
                    ResampleUntil = 16,
                },
            };
        Train(Annealed("whole"));
        Assert.Throws<OperationCanceledException>(() => Train(Annealed("parts"), stopAfter: 9));
        Train(Annealed("parts"));
        Assert.Equal(State("whole"), State("parts"));
        Assert.Equal(Metrics("whole"), Metrics("parts"));
        var lines = MetricsFile.Read(Folder("whole")).ToArray();
        Assert.All(lines, line => Assert.True(line.Number("gradient_norm") > 0));
        Assert.Contains(lines, line => line.Number("resampled") > 0);
        Assert.Equal((5, 2), (lines[0].Number("l0"), Math.Round(lines[^1].Number("l0")!.Value)));
    }

    [Fact]
    public void held_out_rows_are_measured_on_the_way_and_change_nothing_else()
    {
        TrainingConfiguration measured = Configuration("measured") with
        {
            Steps = 60,
            Evaluation = new() { EverySteps = 25, Rows = 256 },
        };
        using (var apart = Rows())
        {
            apart.Seek(100_000);
            using var run = TrainingRun.Open([measured], Rows(), measured.Output, heldOut: apart);
            run.Run();
            var lines = MetricsFile.Read(measured.Output).Where(line => line.Has("held_out_fvu")).ToArray();
            Assert.Equal([25, 50, 60], lines.Select(line => line.Integer("step")));
            Assert.True(lines[^1].Number("held_out_fvu") < lines[0].Number("held_out_fvu"));
            // The rows are of the same kind as those trained on, and so are the figures.
            Assert.Equal(lines[^1].Number("fvu")!.Value, lines[^1].Number("held_out_fvu")!.Value, 0.1);
            Assert.Equal(lines[^1].Number("l0")!.Value, lines[^1].Number("held_out_l0")!.Value, 0.2 * lines[^1].Number("l0")!.Value);
        }
        Train(Configuration("plain") with { Steps = 60 });
        Assert.Equal(State("plain"), State("measured"));
        Assert.Contains("held out", Assert.Throws<ArgumentProblemException>(() => Train(measured)).Message);
    }

    [Fact]
    public void a_training_goes_on_from_a_dictionary_on_other_activations()
    {
        Train(Configuration("first") with { Steps = 150 });
        var written = Folder("dictionary");
        using (var run = TrainingRun.Open([Configuration("first") with { Steps = 150 }], Rows(), Folder("first")))
        using (var dictionary = run.Members[0].ToDictionary("first"))
            GemmaScope.Dictionaries.DictionaryWriter.Write(dictionary, written, GemmaScope.Dictionaries.DictionaryForm.Scope1);
        var configuration = Configuration("tuned") with { Start = [written], Steps = 3 };
        using (var run = TrainingRun.Open([configuration], new SampleRows(Place, Other) { Factor = 30 }, configuration.Output))
            run.Run();
        double Fvu(string name, int line) => MetricsFile.Read(Folder(name)).ElementAt(line).Number("fvu")!.Value;
        // What was learned counts from the first step on, at the other scale too.
        Assert.True(Fvu("tuned", 0) < 0.5 * Fvu("first", 0), $"{Fvu("first", 0)}, {Fvu("tuned", 0)}");
        Assert.Throws<OperationCanceledException>(() => Train(Configuration("parts") with { Start = [written] }, stopAfter: 7));
        Directory.Delete(written, recursive: true);
        Train(Configuration("parts") with { Start = [written] });
        Assert.Equal(20, MetricsFile.Read(Folder("parts")).Last().Integer("step"));
    }

    [Fact]
    public void lines_written_after_the_checkpoint_are_written_again_only_once()
    {
        Assert.Throws<OperationCanceledException>(() => Train(Configuration("parts"), stopAfter: 7));
        File.AppendAllText(Path.Combine(Folder("parts"), MetricsFile.Name), "{\"step\":8}\n{\"st");
        Train(Configuration("parts"));
        Train(Configuration("whole"));
        Assert.Equal(Metrics("whole"), Metrics("parts"));
    }

    [Fact]
    public void several_dictionaries_on_one_stream_learn_what_each_would_alone()
    {
        TrainingConfiguration[] together = [Configuration("a"), Configuration("b") with { Width = 32, Seed = 5 }, Transcoder("c")];
        using (var run = TrainingRun.Open(together, new SampleRows(Place, Other), Folder("group")))
            run.Run();
        TrainingConfiguration[] alone =
        [
            Configuration("alone-a"),
            Configuration("alone-b") with
            {
                Width = 32,
                Seed = 5,
            },
            Transcoder("alone-c"),
        ];
        foreach (var one in alone)
            Train(one);
        Assert.Equal(Metrics("alone-a"), Metrics("a"));
        Assert.Equal(Metrics("alone-b"), Metrics("b"));
        Assert.Equal(Metrics("alone-c"), Metrics("c"));
        Assert.NotEqual(Metrics("a"), Metrics("b"));
    }

    [Fact]
    public void the_metrics_show_that_something_is_learned()
    {
        Train(Configuration("run") with { Steps = 150 });
        var lines = MetricsFile.Read(Folder("run")).ToArray();
        Assert.Equal([1, 2, 4, 8, 10, 20, 30], lines.Take(7).Select(line => line.Integer("step")));
        foreach (
            var key in (string[])
                [
                    "tokens",
                    "loss",
                    "mse",
                    "sparsity",
                    "l0",
                    "fvu",
                    "dead",
                    "dense",
                    "learning_rate",
                    "lambda",
                    "tokens_per_second",
                    "loading",
                ]
        )
            Assert.All(lines, line => Assert.NotNull(line.Number(key)));
        Assert.Equal(150 * 64, lines[^1].Integer("tokens"));
        Assert.True(lines[^1].Number("fvu") < 0.5 * lines[0].Number("fvu"), $"{lines[0].Number("fvu")} to {lines[^1].Number("fvu")}");
    }

    [Fact]
    public void a_changed_setting_is_named_and_refused_and_a_longer_run_goes_on()
    {
        Train(Configuration("run"));
        var changed = Configuration("run") with { Recipe = Configuration("run").Recipe with { LearningRate = 0.5 } };
        Assert.Contains(
            "recipe.learning_rate: 0.01 before, 0.5 now",
            Assert.Throws<ArgumentProblemException>(() => Train(changed)).Message
        );
        Assert.Contains(
            "begin anew with Restart",
            Assert.Throws<ArgumentProblemException>(() => Train(Configuration("run") with { Width = 128 })).Message
        );
        Assert.Equal(20, Resumed(Configuration("run") with { Steps = 30 }));
        Train(Configuration("run") with { Steps = 30 });
        Assert.Equal(30, MetricsFile.Read(Folder("run")).Last().Integer("step"));
        using var anew = TrainingRun.Open([changed], Rows(), Folder("run"), restart: true);
        Assert.Equal(0, anew.Step);
    }

    [Fact]
    public void a_longer_run_goes_on_with_the_schedules_it_began_with()
    {
        var configuration = Configuration("run") with { Recipe = new() { Epsilon = 0.05 } };
        Train(configuration);
        var begun = Recipe("run");
        Assert.Equal((4, 2), (begun.LambdaWarmupSteps, begun.WarmupSteps));
        Train(configuration with { Steps = 60 });
        Assert.Equal(60, MetricsFile.Read(Folder("run")).Last().Integer("step"));
        Assert.Equal(begun, Recipe("run"));

        Recipe Recipe(string name) => TrainingConfiguration.Load(Path.Combine(Folder(name), TrainingConfiguration.FileName), []).Recipe;
    }

    [Theory]
    [InlineData(SparsityTerm.L0Target)]
    [InlineData(SparsityTerm.L0TargetPerToken)]
    [InlineData(SparsityTerm.L0TargetRelative)]
    public void a_short_run_comes_to_the_target_with_the_defaults(SparsityTerm term)
    {
        var configuration = Configuration("run") with
        {
            Steps = 400,
            Recipe = new() { Sparsity = term, L0Target = 12 },
        };
        Train(configuration);
        Assert.InRange(MetricsFile.Read(Folder("run")).Last().Number("l0")!.Value, 9, 15);
    }

    [Fact]
    public void other_data_are_refused()
    {
        Train(Configuration("run"));
        var error = Assert.Throws<ArgumentProblemException>(() =>
            TrainingRun.Open([Configuration("run")], new SampleRows(Place, Other) { Factor = 4 }, Folder("run"))
        );
        Assert.Contains("has changed since the run began: the scale of resid_post.1", error.Message);
    }

    [Fact]
    public void a_second_run_in_the_same_folder_is_refused()
    {
        using var first = TrainingRun.Open([Configuration("run")], Rows(), Folder("run"));
        Assert.Contains(
            "the run is being written by another job of this process",
            Assert.Throws<GemmaScopeException>(() => TrainingRun.Open([Configuration("run")], Rows(), Folder("run"))).Message
        );
    }

    [Fact]
    public void a_batch_that_is_not_finite_ends_the_run_and_the_checkpoint_before_it_stays()
    {
        var configuration = Configuration("run") with
        {
            Run = new() { LogSteps = 10, CheckpointSteps = 5 },
        };
        var error = Assert.Throws<ArgumentProblemException>(() => Train(configuration, brokenAt: 12 * 64 + 3));
        Assert.Contains("step 12: ", error.Message);
        Assert.Contains("NaN", error.Message);
        Assert.Equal(10, Resumed(configuration));
    }

    [Fact]
    public void or_it_is_left_out_and_counted()
    {
        var configuration = Configuration("run") with { NonFinite = NonFiniteBatch.Skip };
        Train(configuration, brokenAt: 12 * 64 + 3);
        var last = MetricsFile.Read(Folder("run")).Last();
        Assert.Equal((19, 1, 19 * 64), (last.Integer("step"), last.Integer("skipped_batches"), last.Integer("tokens")));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    public void a_damaged_checkpoint_is_refused(int length)
    {
        Train(Configuration("run"));
        var file = Path.Combine(Folder("run"), "checkpoint.safetensors");
        File.WriteAllBytes(file, File.ReadAllBytes(file)[..length]);
        Assert.StartsWith(file, Assert.Throws<FileFormatException>(() => Train(Configuration("run"))).Message);
    }

    private string Folder(string name) => _folder.File(name);

    private TrainingConfiguration Configuration(string name) =>
        new()
        {
            Sites = [Place],
            Width = 64,
            Batch = 64,
            Steps = 20,
            Output = Folder(name),
            Run = new() { LogSteps = 10 },
            Data = new() { Store = "none" },
            Recipe = new()
            {
                LearningRate = 0.01,
                WarmupSteps = 5,
                LambdaWarmupSteps = 10,
                Lambda = 1e-3,
                Epsilon = 0.05,
                ThresholdStart = 0.01,
            },
        };

    private TrainingConfiguration Transcoder(string name) =>
        Configuration(name) with
        {
            Kind = GemmaScope.Dictionaries.DictionaryKind.SkipTranscoder,
            Targets = [Other],
        };

    private static SampleRows Rows(long brokenAt = -1) => new(Place, Other) { BrokenAt = brokenAt };

    private static void Train(TrainingConfiguration configuration, int? stopAfter = null, long brokenAt = -1)
    {
        using var run = TrainingRun.Open([configuration], Rows(brokenAt), configuration.Output);
        using var stop = new CancellationTokenSource();
        run.Run(
            new At(step =>
            {
                if (step == stopAfter)
                    stop.Cancel();
            }),
            stop.Token
        );
    }

    private static long Resumed(TrainingConfiguration configuration)
    {
        using var run = TrainingRun.Open([configuration], Rows(), configuration.Output);
        Assert.True(run.IsResumed);
        return run.Step;
    }

    /// <summary>The tensors of the checkpoint; what describes them names the folder.</summary>
    private Dictionary<string, byte[]> State(string name)
    {
        using var file = GemmaScope.Files.SafetensorsFile.Open(Path.Combine(Folder(name), "checkpoint.safetensors"));
        unsafe
        {
            return file.Tensors.ToDictionary(
                tensor => tensor.Key,
                tensor => new ReadOnlySpan<byte>(tensor.Value.Pointer, (int)tensor.Value.ByteLength).ToArray()
            );
        }
    }

    /// <summary>The metrics without what depends on the clock.</summary>
    private string Metrics(string name) => Clock().Replace(File.ReadAllText(Path.Combine(Folder(name), MetricsFile.Name)), "");

    [GeneratedRegex(",\"tokens_per_second\":.*(?=})")]
    private static partial Regex Clock();

    private sealed class At(Action<long> act) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => act(value.Step);
    }
}
