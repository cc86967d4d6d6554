using System.Text.Json;
using GemmaScope.Evaluation;
using GemmaScope.Tests.Cli;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Workbench;

/// <summary>What opening a dictionary that does not fit says, in every job that opens one.</summary>
public sealed class CheckDictionariesJobTests
{
    private static readonly MicroscopeOptions WrongLayer = new() { Dictionaries = [MicroscopeOptions.DemoDictionary], Layer = 4 };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task opening_tells_what_does_not_fit_and_where_to_read_it()
    {
        var notes = new List<JobNote>();
        using var microscope = await Microscope.OpenAsync(WrongLayer, Notes(notes), Cancel);
        var note = Assert.Single(notes, note => note.Text.Contains("does not fit"));
        Assert.Contains("read it there with --site resid_post.3", note.Remedy!.Describe(setting => $"--site {setting.Value}"));
        Assert.Equal(DictionaryMismatch.Layer, Assert.Single(Assert.Single(microscope.Checks).Findings).Cause);
        Assert.Equal(note.Text, Assert.Single(microscope.WarningsOf(microscope.Dictionary)));
    }

    [Fact]
    public async Task a_right_pair_is_opened_silently_and_a_wrong_one_where_nobody_asks()
    {
        var notes = new List<JobNote>();
        using (var right = await Microscope.OpenAsync(progress: Notes(notes), cancellationToken: Cancel))
            Assert.Empty(Assert.Single(right.Checks).Findings);
        using (var wrong = await Microscope.OpenAsync(WrongLayer with { Check = false }, Notes(notes), Cancel))
            Assert.Empty(wrong.Checks);
        Assert.DoesNotContain(notes, note => note.Text.Contains("fit"));
    }

    [Fact]
    public async Task results_carry_the_warning()
    {
        using var microscope = await Microscope.OpenAsync(WrongLayer, cancellationToken: Cancel);
        var analysis = await AnalyzeJob.RunAsync(microscope, new() { Text = "The cat sat" }, cancellationToken: Cancel);
        Assert.Contains("does not fit", Assert.Single(analysis.Warnings));
        Assert.Contains("does not fit", AnalyzePage.Render(analysis).ToString());

        using var folder = new TemporaryFolder();
        var text = folder.Write("text.txt", string.Join(' ', Enumerable.Range(0, 40).Select(i => $"The cat sat on mat {i}.")));
        var evaluation = await EvaluateJob.RunAsync(
            microscope,
            new()
            {
                Corpus = new() { Text = [text], Window = 64 },
                Losses = false,
            },
            cancellationToken: Cancel
        );
        Assert.Contains("does not fit", Assert.Single(evaluation.Warnings));
        Assert.Contains("does not fit", EvaluatePage.Render(evaluation).ToString());
        using var json = JsonDocument.Parse(ResultJson.Text(evaluation));
        Assert.Equal(1, json.RootElement.GetProperty("warnings").GetArrayLength());
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 0)]
    public async Task a_watched_feature_of_another_checkpoint_is_told(bool checks, int told)
    {
        using var microscope = await Microscope.OpenAsync(
            new() { Model = MicroscopeOptions.DemoChat, Use = DictionaryUse.None },
            cancellationToken: Cancel
        );
        var options = new GenerateJobOptions
        {
            Prompt = "Once",
            Sampling = new() { MaxNewTokens = 2 },
            Watched = new() { Watch = ["demo-sae:12"], Check = checks },
        };
        var result = await GenerateJob.RunAsync(microscope, options, cancellationToken: Cancel);
        Assert.Equal(told, result.Warnings.Count(warning => warning.Contains("instruction-tuned (IT)")));
    }

    [Fact]
    public async Task the_job_checks_all_dictionaries_that_are_open()
    {
        using var microscope = await Microscope.OpenAsync(WrongLayer with { Check = false }, cancellationToken: Cancel);
        var result = await CheckDictionariesJob.RunAsync(microscope, cancellationToken: Cancel);
        Assert.Equal("resid_post.3", Assert.Single(Assert.Single(result.Dictionaries).Findings).Site);
        Assert.Single(result.Warnings);
        await Assert.ThrowsAsync<ArgumentProblemException>(() =>
            CheckDictionariesJob.RunAsync(microscope, new() { TokensPerText = 1 }, cancellationToken: Cancel)
        );
    }

    [Fact]
    public void the_command_prints_numbers_and_never_fails_of_what_it_finds()
    {
        var run = CommandLine.Run("dictionaries", "check", "--layer", "4");
        Assert.Equal(0, run.Code);
        Assert.Contains("no: layer", run.Out);
        Assert.Contains("at resid_post.3", run.Out);
        var json = CommandLine.Run("dictionaries", "check", "--json");
        using var result = JsonDocument.Parse(json.Out);
        var one = result.RootElement.GetProperty("dictionaries")[0];
        Assert.Equal(35, one.GetProperty("least_l0").GetDouble());
        Assert.Equal(0, one.GetProperty("findings").GetArrayLength());
    }

    [Fact]
    public void commands_warn_once_on_the_standard_error()
    {
        var run = CommandLine.Run("analyze", "The cat sat", "--layer", "4", "--top", "1");
        Assert.Equal(0, run.Code);
        Assert.Single(run.Error.Split('\n'), line => line.Contains("does not fit"));
        Assert.DoesNotContain("does not fit", CommandLine.Run("analyze", "The cat sat", "--layer", "4", "--top", "1", "--no-check").Error);
    }

    private static DirectProgress<JobReport> Notes(List<JobNote> notes) =>
        new(report =>
        {
            if (report is JobNote note)
                notes.Add(note);
        });
}
