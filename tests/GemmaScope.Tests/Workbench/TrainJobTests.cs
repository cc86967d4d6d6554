using System.Text.Json;
using GemmaScope.Cli.Output;
using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Training;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Workbench;

public sealed class TrainJobTests : IDisposable
{
    private readonly GemmaScope.Tests.TemporaryFolder _folder = new();

    public TrainJobTests() =>
        File.WriteAllText(
            _folder.File("text.txt"),
            string.Join(' ', Enumerable.Range(0, 100).Select(i => $"The cat saw {i} dogs, {i * 7 % 10} rivers and a city."))
        );

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task a_dictionary_is_trained_and_measured_from_a_program()
    {
        var steps = new List<TrainingReport>();
        var trained = await Train(
            Configuration,
            new DirectProgress<JobReport>(report =>
            {
                if (report is TrainingReport step)
                    steps.Add(step);
            })
        );
        Assert.Equal(Enumerable.Range(1, 12).Select(step => (long)step), steps.Select(step => step.Progress.Step));
        Assert.Equal(Configuration.Sites, Assert.Single(steps[^1].Members).Configuration.Sites);
        using var dictionary = SparseDictionary.Load(trained.Folder);
        Assert.Equal((32, Site.ResidPost(1)), (dictionary.Width, dictionary.InputSite));
        Assert.Equal(trained.Scores, TrainingScores.Read(trained.Folder));
        Assert.Contains(trained.Scores.Measured, score => score.Name == "L0");

        var text = ResultJson.Text(trained);
        Assert.Equal(text, File.ReadAllText(Path.Combine(trained.Output, TrainResult.FileName)));
        using var json = JsonDocument.Parse(text);
        Assert.Equal(
            [
                "output",
                "dictionary",
                "form",
                "kind",
                "sites",
                "targets",
                "width",
                "steps",
                "tokens",
                "skipped_batches",
                "skipped_rows",
                "scores",
                "missed_target",
            ],
            json.RootElement.EnumerateObject().Select(member => member.Name)
        );
        Assert.Equal(
            [
                "measured_on",
                "held_out",
                "tokens",
                "l0",
                "fvu",
                "cosine",
                "dead_features",
                "dense_features",
                "affine_fvu",
                "ce_clean",
                "delta_loss",
                "loss_recovered",
                "kl_score",
            ],
            json.RootElement.GetProperty("scores").EnumerateObject().Select(member => member.Name)
        );
    }

    [Theory]
    [InlineData(SparsityTerm.L0Target, 10_000, 353.0, 360.0, 355.0, "penalty is still rising")]
    [InlineData(SparsityTerm.L0Target, null, 353.0, 800.0, 355.0, "recipe.learning_rate")]
    [InlineData(SparsityTerm.L0Target, null, 353.0, 356.0, 355.0, "larger recipe.lambda")]
    [InlineData(SparsityTerm.L0TargetPerToken, null, 3.0, 3.1, 3.0, "smaller recipe.lambda")]
    [InlineData(SparsityTerm.L0TargetRelative, null, 60.0, 35.0, 33.0, "text measured on")]
    [InlineData(SparsityTerm.L0Target, null, 33.0, 100.0, 33.0, null)]
    [InlineData(SparsityTerm.L0, null, 353.0, 800.0, 355.0, null)]
    public void a_target_that_was_missed_is_said_with_the_likely_cause(
        SparsityTerm term,
        int? rise,
        double l0,
        double before,
        double last,
        string? says
    )
    {
        var recipe = new Recipe { Sparsity = term, L0Target = 30 };
        var missed = Missed(
            Configuration with
            {
                Steps = 400,
                Recipe = rise is { } steps ? recipe with { LambdaWarmupSteps = steps } : recipe,
            }
        );
        if (says is null)
            Assert.Null(missed);
        else
            Assert.Contains(says, $"{missed}");

        MissedTarget? Missed(TrainingConfiguration configuration) =>
            MissedTarget.Of(configuration, l0, [Line($"{{\"step\":300,\"l0\":{before}}}"), Line($"{{\"step\":400,\"l0\":{last}}}")]);
    }

    [Fact]
    public void a_search_that_led_elsewhere_is_a_missed_target_too()
    {
        var searched = Configuration with
        {
            Search = new() { L0 = 30, Lambda = 0.01 },
        };
        Assert.Contains("search.steps", $"{MissedTarget.Of(searched, 40, [])}");
        Assert.Null(MissedTarget.Of(searched, 30.5, []));
    }

    [Fact]
    public async Task a_missed_target_stands_in_result_page_card_and_note()
    {
        var notes = new List<string>();
        var trained = await Train(
            Configuration with
            {
                Recipe = Configuration.Recipe with { Sparsity = SparsityTerm.L0Target, L0Target = 1, LambdaWarmupSteps = 1000 },
            },
            new DirectProgress<JobReport>(report =>
            {
                if (report is JobNote note)
                    notes.Add(note.Text);
            })
        );
        Assert.Contains("the penalty is still rising", trained.MissedTarget!.Cause);
        Assert.Contains($"{trained.MissedTarget}", notes);
        foreach (var file in (string[])[TrainResult.FileName, TrainResult.PageFile, TrainResult.CardFile])
            Assert.Contains(trained.MissedTarget.Cause, File.ReadAllText(Path.Combine(trained.Output, file)));
    }

    [Fact]
    public async Task a_training_that_was_cancelled_goes_on_where_it_was()
    {
        using var stop = new CancellationTokenSource();
        var notes = new List<JobNote>();
        var progress = new DirectProgress<JobReport>(report =>
        {
            if (report is JobNote note)
                notes.Add(note);
            if (report is TrainingReport { Progress.Step: 5 })
                stop.Cancel();
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Train(Configuration, progress, stop.Token));
        Assert.StartsWith("step 5 of 12 is kept in", Assert.Single(notes).Text);
        var trained = await Train(Configuration, progress);
        Assert.Equal(12, trained.Steps);
        Assert.StartsWith("going on from step 5 of 12", notes[1].Text);
        Assert.Equal([new Setting("Restart")], notes[1].Remedy!.Settings);
    }

    [Fact]
    public async Task held_out_text_is_measured_on_the_way_and_the_result_can_be_trained_further()
    {
        var first = await Train(
            Configuration with
            {
                Evaluation = new()
                {
                    Tokens = 500,
                    EverySteps = 5,
                    Rows = 64,
                },
            }
        );
        var lines = MetricsFile.Read(first.Output).ToArray();
        Assert.Equal([5, 10, 12], lines.Where(line => line.Has("held_out_l0")).Select(line => line.Integer("step")));
        Assert.Contains("FVU of held-out activations", File.ReadAllText(Path.Combine(first.Output, TrainResult.PageFile)));
        var further = await Train(Configuration with { Start = [first.Folder], Output = _folder.File("further"), Steps = 2 });
        Assert.True(MetricsFile.Read(further.Output).First().Number("fvu") < 0.9 * lines[0].Number("fvu"));
        var nothing = Configuration with
        {
            Evaluation = new() { EverySteps = 5 },
            Output = _folder.File("nothing"),
        };
        var problem = await Assert.ThrowsAsync<ArgumentProblemException>(() =>
            Train(nothing with { Data = nothing.Data with { HeldOut = 0 } })
        );
        Assert.Contains("needs a share of the text above 0", problem.Message);
    }

    [Fact]
    public async Task what_contradicts_itself_is_refused_before_a_model_is_opened()
    {
        var nothing = Configuration with
        {
            Data = new() { Text = ["none.txt"], Model = "no-such-model" },
        };
        var problem = await Assert.ThrowsAsync<FileFormatException>(() => Train(nothing with { Sites = [] }));
        Assert.Contains("'sites' is missing", problem.Message);
        var suite = new SweepConfiguration { Output = _folder.File("suite"), Base = nothing };
        problem = await Assert.ThrowsAsync<FileFormatException>(() => SweepJob.RunAsync(new() { Configuration = suite }));
        Assert.Contains("'base.sites' is what the grid varies", problem.Message);
    }

    [Fact]
    public async Task a_suite_is_trained_from_a_program()
    {
        var suite = new SweepConfiguration
        {
            Output = _folder.File("suite"),
            Grid = new() { Layers = [1], Lambdas = [0.001, 0.1] },
            Base = Configuration with { Sites = [], Output = "" },
        };
        Assert.Equal(2, SweepJob.Items(suite).Count);
        var result = await SweepJob.RunAsync(new() { Configuration = suite }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.All(result.Dictionaries, one => Assert.True(one.L0 > 0 && one.Failure is null));
        Assert.Equal(ResultJson.Text(result), File.ReadAllText(_folder.File("suite/results.json")));
        using var json = JsonDocument.Parse(ResultJson.Text(result));
        Assert.Equal(["output", "dictionaries"], json.RootElement.EnumerateObject().Select(member => member.Name));
        Assert.Equal(
            [
                "name",
                "site",
                "width",
                "path",
                "failure",
                "l0",
                "fvu",
                "affine_fvu",
                "delta_loss",
                "loss_recovered",
                "dead_features",
                "dense_features",
            ],
            json.RootElement.GetProperty("dictionaries")[0].EnumerateObject().Select(member => member.Name)
        );
    }

    private static JsonSection Line(FormattableString json) =>
        new("metrics.jsonl", "", JsonElement.Parse(FormattableString.Invariant(json)));

    private TrainingConfiguration Configuration =>
        new()
        {
            Sites = [Site.ResidPost(1)],
            Width = 32,
            Data = new()
            {
                Text = [_folder.File("text.txt")],
                Model = "demo-pt",
                Window = 32,
                BufferRows = 256,
            },
            Batch = 64,
            Steps = 12,
            Recipe = new()
            {
                LearningRate = 0.01,
                WarmupSteps = 1,
                LambdaWarmupSteps = 1,
                Epsilon = 0.05,
                ThresholdStart = 0.02,
            },
            Evaluation = new() { Tokens = 500 },
            Output = _folder.File("run"),
        };

    private static Task<TrainResult> Train(
        TrainingConfiguration configuration,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    ) => TrainJob.RunAsync(new() { Configuration = configuration }, progress, cancellationToken);
}
