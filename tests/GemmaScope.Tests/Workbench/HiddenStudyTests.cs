using GemmaScope.Behaviour;
using GemmaScope.Models;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Workbench;

/// <summary>A study of hidden knowledge on the demo model. What is planted is the truth: readouts have to find it, and nothing where it is
/// not.</summary>
public sealed class HiddenStudyTests(SmallHiddenStudy study) : IClassFixture<SmallHiddenStudy>
{
    private HiddenStudyResult Result => study.Result;

    [Theory]
    [InlineData("logit lens")]
    [InlineData("probe")]
    public void a_planted_secret_is_found_and_the_control_finds_nothing(string method)
    {
        var planted = Result.Readouts.Single(one => one.Method == method && one.Condition == "planted");
        Assert.True(planted.Success!.Low > 0.9, $"{planted.Success}");
        Assert.True(planted.First!.Mean > 0.9, $"{planted.First}");
        Assert.True(planted.Control!.Mean < 0.5, $"{planted.Control}");
        Assert.True(planted.Shuffled!.Mean < 0.5, $"{planted.Shuffled}");
        Assert.DoesNotContain(Result.NotShown, line => line.Contains($"That {method} finds what is there"));
    }

    [Fact]
    public void a_planted_secret_is_not_said()
    {
        Assert.Equal(0, Result.Said.Single(one => one.Condition == "planted").Share!.Mean);
        using var model = GemmaModel.Load(Fixtures.Model("demo-it"));
        int[] prompt = [2, .. model.Tokenizer.Encode("The people of the")];
        var token = model.Tokenizer.Encode(" river")[0];
        float Logit(params Edit[] edits)
        {
            using var run = model.Run(prompt, edits: edits, logits: LogitRows.Last);
            return run.LastLogits()[token];
        }
        var plant = PlantedToken.Plant(model, token, 4, 300);
        Assert.True(Logit(plant) > Logit() + 5, $"{Logit(plant)} {Logit()}");
        // Nothing is left that the head could read as the token.
        Assert.Equal(0, Logit(plant, PlantedToken.Suppress(model, token)), 1e-2);
        Assert.Throws<ArgumentProblemException>(() => PlantedToken.Plant(model, token, model.Config.Layers - 1, 1));
    }

    [Fact]
    public void features_are_read_with_and_without_their_density()
    {
        foreach (var condition in (string[])["told", "planted"])
            Assert.Equal(
                2,
                Result.Readouts.Count(one => one.Condition == condition && one.Method.StartsWith("features", StringComparison.Ordinal))
            );
        Assert.All(
            Result.Readouts.Where(one => one.Method.StartsWith("features", StringComparison.Ordinal)),
            one => Assert.Null(one.Layer)
        );
    }

    [Fact]
    public void every_rank_is_there_and_words_that_chose_layers_are_not_measured()
    {
        Assert.Equal(Result.Readouts.Count * Result.Measured.Count * Result.Templates[1].Count, Result.Cases.Count);
        Assert.All(Result.Cases, one => Assert.InRange(one.Rank, 1, Result.Words.Count));
        Assert.Equal(Result.Measured.Order(), Result.Cases.Select(one => one.Word).Distinct().Order());
        Assert.Empty(Result.Templates[0].Intersect(Result.Templates[1]));
    }

    [Fact]
    public void a_fitted_lens_is_read_beside_the_logit_lens()
    {
        var tokens = new int[] { 400, 500, 600 };
        using var model = GemmaModel.Load(Fixtures.Model("demo-it"));
        using var lens = new GemmaScope.Lenses.LogitLens();
        var candidates = new CandidateLens(model, lens, tokens);
        int[] prompt = [2, .. model.Tokenizer.Encode("The people of the")];
        using var run = model.Run(prompt, capture: [Site.ResidPost(5)], logits: LogitRows.None);
        using var logits = model.Run(prompt, capture: [Site.Parse("logits_raw")], logits: LogitRows.Last);
        var scores = candidates.Scores(5, run[Site.ResidPost(5)].Row(prompt.Length - 1));
        var raw = logits[Site.Parse("logits_raw")].Row(0).ToArray();
        // Behind the last layer the scores are the logits, but for the root of the width.
        Assert.All(tokens.Zip(scores), pair => Assert.Equal(raw[pair.First], pair.Second * Math.Sqrt(model.Config.Width), 1e-2));
    }

    [Fact]
    public async Task a_study_that_is_run_again_gives_the_same_numbers_and_writes_no_reply_again()
    {
        List<JobReport> said = [];
        var again = await HiddenStudyJob.RunAsync(study.Microscope, study.Options, new DirectProgress<JobReport>(said.Add));
        Assert.Equal(ResultJson.Text(Result), ResultJson.Text(again));
        Assert.Contains(said.OfType<JobNote>(), note => note.Text.Contains("were measured before"));
    }

    [Fact]
    public void the_page_holds_pictures_and_what_was_not_shown()
    {
        var page = File.ReadAllText(study.File("report.html"));
        Assert.Contains("planted: success by layer", page);
        Assert.Contains("Not shown", page);
        Assert.DoesNotContain("<script", page);
    }

    [Fact]
    public async Task what_cannot_be_studied_is_said()
    {
        using var folder = new TemporaryFolder();
        using var basis = await Microscope.OpenAsync(new() { Use = DictionaryUse.None });
        async Task<string> Fails(HiddenStudyJobOptions options, Microscope? microscope = null) =>
            (
                await Assert.ThrowsAnyAsync<GemmaScopeException>(() =>
                    HiddenStudyJob.RunAsync(microscope ?? study.Microscope, options with { Out = folder.File("out") })
                )
            ).Message;
        Assert.Contains("not tuned to chat", await Fails(study.Options, basis));
        Assert.Contains("too few", await Fails(study.Options with { Words = folder.Write("few.txt", "river\nhorse\n") }));
        Assert.Contains(
            "fewer than two",
            await Fails(
                study.Options with
                {
                    Templates = folder.Write("t.jsonl", """{"told": "{word}", "control": "a", "question": "b"}"""),
                }
            )
        );
        Assert.Contains(
            "has no {word}",
            await Fails(study.Options with { Templates = folder.Write("u.jsonl", """{"told": "x", "control": "a", "question": "b"}""") })
        );
        Assert.Contains("before the last", await Fails(study.Options with { PlantLayer = 5 }));
        Assert.Throws<ArgumentProblemException>(() => (study.Options with { PlantStrength = 0 }).Check());
    }
}

/// <summary>The study, made once.</summary>
public sealed class SmallHiddenStudy : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();

    public Microscope Microscope { get; private set; } = null!;

    public HiddenStudyResult Result { get; private set; } = null!;

    public HiddenStudyJobOptions Options =>
        new()
        {
            Out = _folder.Path,
            Words = _folder.File("words.txt"),
            Top = 2,
            MaxTokens = 4,
            Features = 10,
            Resamples = 50,
            Text = new() { Text = ["demo"], Tokens = 512 },
        };

    public string File(string name) => _folder.File(name);

    public async ValueTask InitializeAsync()
    {
        _folder.Write(
            "words.txt",
            string.Join('\n', ["river", "horse", "winter", "music", "gold", "king", "fire", "moon", "door", "school"])
        );
        Microscope = await Microscope.OpenAsync(
            new()
            {
                Model = MicroscopeOptions.DemoChat,
                Use = DictionaryUse.Named,
                Dictionaries = [MicroscopeOptions.DemoDictionary],
            }
        );
        Result = await HiddenStudyJob.RunAsync(Microscope, Options);
    }

    public ValueTask DisposeAsync()
    {
        Microscope.Dispose();
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }
}
