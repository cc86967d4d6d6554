using GemmaScope.Cli.Output;
using GemmaScope.Evaluation;
using GemmaScope.Features;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Workbench;

/// <summary>The jobs that look into a model and measure dictionaries, as a program calls them.</summary>
public sealed class MeasuringJobTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private Microscope _microscope = null!;

    public async ValueTask InitializeAsync()
    {
        File.WriteAllText(_folder.File("text.txt"), string.Join(' ', Enumerable.Range(0, 100).Select(i => $"The cat sat on mat {i}.")));
        _microscope = await Microscope.OpenAsync();
    }

    public ValueTask DisposeAsync()
    {
        _microscope.Dispose();
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task an_evaluation_that_was_broken_off_says_how_to_go_on_and_does()
    {
        var options = Options with { Resume = _folder.File("state") };
        using var stop = new CancellationTokenSource();
        var notes = new List<JobNote>();
        var progress = new DirectProgress<JobReport>(report =>
        {
            if (report is JobStage { Done: > 0 })
                stop.Cancel();
            else if (report is JobNote said)
                notes.Add(said);
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => EvaluateJob.RunAsync(_microscope, options, progress, stop.Token));
        var note = Assert.Single(notes);
        Assert.Equal(new Setting("Resume", options.Resume), Assert.Single(note.Remedy!.Settings));
        var resumed = await EvaluateJob.RunAsync(_microscope, options);
        Assert.Equal(ResultJson.Text(await EvaluateJob.RunAsync(_microscope, Options)), ResultJson.Text(resumed));
        var one = Assert.Single(resumed.Dictionaries);
        Assert.Equal(["spliced", "zero_ablated"], one.Runs!.Select(run => run.Run));
        Assert.InRange(one.Fvu, 0, 1);
    }

    [Fact]
    public async Task without_losses_nothing_is_said_of_them()
    {
        var result = await EvaluateJob.RunAsync(_microscope, Options with { Losses = false });
        Assert.Null(result.Dictionaries[0].DeltaLoss);
        Assert.DoesNotContain("delta_loss", ResultJson.Text(result));
        Assert.Contains("FVU by position", EvaluatePage.Render(result).ToString());
    }

    [Fact]
    public async Task headlines_from_a_program_have_topics_of_a_rule_and_a_page()
    {
        var options = new HeadlinesJobOptions { Headlines = [new("Stocks <i>fall</i>"), new("A cure for flu", "health")], Top = 2 };
        var result = await HeadlinesJob.RunAsync(_microscope, options with { Categories = new ArticleTopics() });
        Assert.All(result.Headlines, headline => Assert.StartsWith("features ", headline.Topic));
        Assert.All(result.Headlines, headline => Assert.Equal(2, headline.TopFeatures.Count));
        Assert.Contains("Stocks &lt;i&gt;fall", HeadlinesPage.Render(result).ToString());
        Refuses(
            "Categories",
            () => HeadlinesJob.RunAsync(_microscope, options with { Categories = new NoTopics(), Labelled = options.Headlines })
        );
        Refuses("HeldOut", () => HeadlinesJob.RunAsync(_microscope, options with { HeldOut = options.Headlines }));
        Refuses("Labelled", () => HeadlinesJob.RunAsync(_microscope, options with { Labelled = [new("without a topic")] }));
        Refuses("Top", () => HeadlinesJob.RunAsync(_microscope, options with { Top = 0 }));
    }

    [Fact]
    public async Task an_analysis_is_shaded_by_any_feature()
    {
        var result = await AnalyzeJob.RunAsync(_microscope, new() { Text = "Global temperatures", Feature = 756 });
        Assert.Equal(result.Shades(756), result.Shades());
        Assert.NotEqual(result.Shades(null), result.Shades());
        Assert.Equal(0, result.Shades()[0]);
    }

    [Fact]
    public void numbers_that_cannot_be_are_refused_by_their_names()
    {
        Refuses("Also", () => EvaluateJob.RunAsync(_microscope, Options with { Also = [SplicedRun.MeanAblated] }));
        Refuses("Latents", () => ProbeJob.RunAsync(_microscope, new() { Sets = [], Latents = [0] }));
        Refuses("Train", () => ProbeJob.RunAsync(_microscope, new() { Sets = [], Train = 1 }));
        Refuses("MaxTokens", () => AbsorptionJob.RunAsync(_microscope, new() { Words = [], MaxTokens = 0 }));
        Refuses("Context", () => DetectJob.RunAsync(_microscope, new() { Set = new([], [], []), Context = 1 }));
        var pets = new RavelSet(
            "pet",
            new Dictionary<string, IReadOnlyDictionary<string, string>>(),
            new Dictionary<string, IReadOnlyList<string>>(),
            new HashSet<string>()
        );
        Refuses(
            "Entities",
            () =>
                RavelJob.RunAsync(
                    _microscope,
                    new()
                    {
                        Set = pets,
                        Measured = new() { Entities = 3 },
                    }
                )
        );
    }

    [Fact]
    public async Task words_that_are_all_too_long_say_what_to_raise()
    {
        var problem = await Assert.ThrowsAsync<ArgumentProblemException>(() =>
            AbsorptionJob.RunAsync(_microscope, new() { Words = ["antidisestablishmentarianism"] })
        );
        Assert.Equal("MaxTokens", Assert.Single(problem.Remedy!.Settings).Name);
    }

    private EvaluateJobOptions Options =>
        new()
        {
            Corpus = new()
            {
                Text = [_folder.File("text.txt")],
                Window = 16,
                Batch = 1,
                Tokens = 100,
            },
        };

    private static void Refuses(string setting, Func<Task> job) =>
        Assert.Equal(setting, Assert.Throws<ArgumentProblemException>(() => job().GetAwaiter().GetResult()).Setting?.Name);
}
