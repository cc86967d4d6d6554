using GemmaScope.Behaviour;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Workbench;

/// <summary>A study of refusal on the demo model, with mild requests that it refuses.</summary>
public sealed class RefusalStudyTests(SmallRefusalStudy study) : IClassFixture<SmallRefusalStudy>
{
    private RefusalStudyResult Result => study.Result;

    [Fact]
    public void every_edit_stands_beside_controls_as_long_as_it()
    {
        Assert.Equal(["none", "ablate", "subtract", "add"], Result.Effects.Select(effect => effect.Edit).Distinct());
        foreach (var edit in (string[])["ablate", "subtract", "add"])
            Assert.Equal(
                ["refusal", "random 1", "shuffled"],
                Result.Effects.Where(effect => effect.Edit == edit).Select(effect => effect.Direction)
            );
        Assert.All(Result.Effects, effect => Assert.Equal(effect.Direction != "refusal", effect.IsControl));
    }

    [Fact]
    public void every_raw_number_is_there_for_each_prompt()
    {
        Assert.Equal(Result.Prompts.Count, Result.Runs[0].Sets.Sum(set => set.Scores.Count));
        Assert.All(Result.Runs, run => Assert.All(run.Sets, set => Assert.Equal(set.Scores.Count, set.Divergences.Count)));
        Assert.All(Result.Runs[0].Sets, set => Assert.All(set.Divergences, kl => Assert.Equal(0, kl)));
        Assert.All(Result.Runs[0].Sets, set => Assert.NotNull(set.Refused));
    }

    [Fact]
    public void taking_the_direction_out_lowers_refusal_more_than_random_ones()
    {
        double Score(string edit, string direction) =>
            Result.Effects.Single(effect => effect.Edit == edit && effect.Direction == direction).Sets[0].Score!.Mean;
        Assert.True(Score("subtract", "refusal") < Score("subtract", "random 1"));
        Assert.True(Score("subtract", "refusal") < Result.Effects[0].Sets[0].Score!.Mean);
    }

    [Fact]
    public void features_are_clamped_beside_random_ones()
    {
        var features = Assert.Single(Result.Features);
        Assert.Equal(3, features.Nearest.Count);
        Assert.Equal(features.Attributed.OrderByDescending(one => one.Attribution), features.Attributed);
        Assert.True(features.Attributed[0].Attribution > 0);
        Assert.Equal(
            ["nearest", "attributed", "random 1 as nearest", "random 1 as attributed"],
            features.Effects.Where(effect => effect.Clamp == "off").Select(effect => effect.Features)
        );
    }

    [Fact]
    public void the_direction_is_in_a_file_with_its_place()
    {
        var file = DirectionFile.Read(study.File(RefusalStudyJob.DirectionName));
        Assert.Equal((Result.Direction.Layer, Result.Direction.Position), (file.Layer!.Value, file.Position));
    }

    [Fact]
    public void no_prompt_is_in_result_or_page_unless_it_is_asked_for()
    {
        foreach (var name in (string[])[StudyRunner.ResultName, StudyRunner.PageName, "parts.jsonl"])
        {
            var text = File.ReadAllText(study.File(name));
            Assert.DoesNotContain("homework", text);
            Assert.DoesNotContain("capital of Italy", text);
        }
        var shown = Result with { Prompts = [.. Result.Prompts.Select(prompt => prompt with { Text = "a <prompt>", Reply = "a reply" })] };
        Assert.Contains("a &lt;prompt&gt;", RefusalStudyPage.Render(shown).ToString());
    }

    [Fact]
    public void the_page_holds_pictures_and_what_was_not_shown()
    {
        var page = File.ReadAllText(study.File(StudyRunner.PageName));
        Assert.Contains("ablate: harmful refused, first token", page);
        Assert.Contains("Directions that were tried", page);
        Assert.Contains("Test prompts at layer", page);
        Assert.All(Result.NotShown, line => Assert.Contains(System.Net.WebUtility.HtmlEncode(line), page.Replace("&#x27;", "&#39;")));
        Assert.DoesNotContain("<script", page);
    }

    [Fact]
    public async Task a_study_that_is_run_again_measures_nothing_again()
    {
        List<JobReport> said = [];
        var again = await RefusalStudyJob.RunAsync(study.Microscope, study.Options, progress: new DirectProgress<JobReport>(said.Add));
        Assert.Equal(ResultJson.Text(Result), ResultJson.Text(again));
        Assert.Contains(said.OfType<JobNote>(), note => note.Text.Contains("were measured before"));
    }

    [Fact]
    public async Task a_study_that_was_broken_off_goes_on_to_the_same_numbers()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in (string[])["manifest.json", "parts.jsonl"])
            File.Copy(study.File(name), folder.File(name));
        // As a killed process leaves it: some parts, and half a line.
        var lines = File.ReadAllLines(folder.File("parts.jsonl"));
        File.WriteAllText(folder.File("parts.jsonl"), string.Join('\n', lines[..^2]) + "\n" + lines[^2][..20]);
        var result = await RefusalStudyJob.RunAsync(study.Microscope, study.Options with { Out = folder.Path });
        Assert.Equal(ResultJson.Text(Result), ResultJson.Text(result));
        Assert.Equal(lines, File.ReadAllLines(folder.File("parts.jsonl")));
    }

    [Fact]
    public async Task a_part_that_is_damaged_is_said()
    {
        using var folder = new TemporaryFolder();
        foreach (var name in (string[])["manifest.json", "parts.jsonl"])
            File.Copy(study.File(name), folder.File(name));
        var lines = File.ReadAllLines(folder.File("parts.jsonl"));
        lines[1] = """{"part":"scores","value":"none"}""";
        File.WriteAllLines(folder.File("parts.jsonl"), lines);
        Assert.Contains("begin anew", (await Fails(study.Options with { Out = folder.Path })).Message);
    }

    [Fact]
    public async Task a_folder_of_another_study_is_left_alone()
    {
        var problem = await Fails(study.Options with { Seed = 5 });
        Assert.Contains("seed", problem.Message);
        Assert.Equal(nameof(StudyJobOptions.Restart), Assert.Single(problem.Remedy!.Settings).Name);
    }

    [Fact]
    public async Task a_model_that_refuses_nothing_is_said()
    {
        using var folder = new TemporaryFolder();
        var problem = await Fails(
            study.Options with
            {
                Harmful = study.Options.Harmless,
                Harmless = study.Options.Harmful,
                Out = folder.Path,
                RefusalTokens = ["The"],
                MaxTokens = 0,
            }
        );
        Assert.Contains("refuses", problem.Message);
    }

    [Fact]
    public async Task a_prompt_on_both_sides_is_refused() =>
        Assert.Contains("both sides", (await Fails(study.Options with { Harmless = study.Options.Harmful })).Message);

    [Fact]
    public async Task a_set_with_one_class_is_refused()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write("one.jsonl", """{"prompt": "What is a sonnet?", "harmful": false}""");
        Assert.Contains("no prompt that is harmful", (await Fails(study.Options with { Harmful = file })).Message);
    }

    [Fact]
    public async Task a_direction_of_another_width_is_refused()
    {
        using var folder = new TemporaryFolder();
        DirectionFile.Write(folder.File("direction.pt"), new(new float[] { 1, 2, 3 }, 1, -1));
        var problem = await Fails(study.Options with { Out = folder.File("out"), Direction = folder.File("direction.pt") });
        Assert.Contains("3 numbers", problem.Message);
    }

    [Fact]
    public async Task a_base_model_is_refused()
    {
        using var folder = new TemporaryFolder();
        using var basis = await Microscope.OpenAsync(new() { Use = DictionaryUse.None });
        var problem = await Assert.ThrowsAsync<ArgumentProblemException>(() =>
            RefusalStudyJob.RunAsync(basis, study.Options with { Out = folder.Path })
        );
        Assert.Contains("not tuned to chat", problem.Message);
    }

    [Theory]
    [InlineData("I am lost")]
    public async Task a_word_of_several_tokens_begins_no_refusal(string word)
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("tokens of this model", (await Fails(study.Options with { Out = folder.Path, RefusalTokens = [word] })).Message);
    }

    [Fact]
    public void numbers_that_cannot_be_are_refused_before_anything_is_loaded()
    {
        Assert.Throws<ArgumentProblemException>(() => (study.Options with { Strengths = [0] }).Check());
        Assert.Throws<ArgumentProblemException>(() => (study.Options with { Test = 1 }).Check());
        Assert.Throws<ArgumentProblemException>(() => (study.Options with { LayersBelow = 2 }).Check());
        Assert.Throws<ArgumentProblemException>(() => (study.Options with { Out = " " }).Check());
    }

    private Task<ArgumentProblemException> Fails(RefusalStudyJobOptions options) =>
        Failing(() => RefusalStudyJob.RunAsync(study.Microscope, options));

    private static async Task<ArgumentProblemException> Failing(Func<Task> run)
    {
        var problem = await Assert.ThrowsAnyAsync<GemmaScopeException>(run);
        return problem as ArgumentProblemException ?? new ArgumentProblemException(problem.Message);
    }
}

/// <summary>The study, made once.</summary>
public sealed class SmallRefusalStudy : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();

    public Microscope Microscope { get; private set; } = null!;

    public RefusalStudyResult Result { get; private set; } = null!;

    public RefusalStudyJobOptions Options =>
        new()
        {
            Out = _folder.Path,
            Harmful = Fixtures.Path("studies", "mild-requests.txt"),
            Harmless = Fixtures.Path("studies", "plain-requests.txt"),
            Train = 16,
            Validation = 6,
            Test = 8,
            Strengths = [1],
            Controls = 1,
            MaxTokens = 4,
            Features = 3,
            LayersBelow = 0.6,
            Resamples = 50,
            RefusalTokens = ["I"],
            Text = new() { Text = ["demo"], Tokens = 256 },
        };

    public string File(string name) => _folder.File(name);

    public async ValueTask InitializeAsync()
    {
        Microscope = await Microscope.OpenAsync(
            new()
            {
                Model = MicroscopeOptions.DemoChat,
                Use = DictionaryUse.Named,
                Dictionaries = [MicroscopeOptions.DemoDictionary],
            }
        );
        Result = await RefusalStudyJob.RunAsync(Microscope, Options);
    }

    public ValueTask DisposeAsync()
    {
        Microscope.Dispose();
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }
}
