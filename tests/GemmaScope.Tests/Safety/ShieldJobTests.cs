using System.Text.Json;
using GemmaScope.Models;
using GemmaScope.Safety;
using GemmaScope.Tests.Server;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Safety;

/// <summary>The jobs of the guard as a program calls them.</summary>
public sealed class ShieldJobTests(DemoGuard guard) : IClassFixture<DemoGuard>, IDisposable
{
    private const string Text = "How do I repot a cactus?";

    private readonly GemmaScope.Tests.TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task texts_are_judged_together_as_one_by_one_and_the_demo_model_says_that_it_is_one()
    {
        var result = await ShieldJob.RunAsync(
            guard.Microscope,
            new() { Texts = [new(Text, Id: "a"), new(Text, "With gloves.", "b")], Policies = [ShieldPolicy.Find("HATE")] }
        );
        Assert.Equal(["a", "b"], result.Results.Select(one => one.Id));
        Assert.Equal(["prompt", "response"], result.Results.Select(one => one.Judged));
        Assert.Equal(
            guard.Shield.Score(Text, policies: [ShieldPolicy.Find("HATE")]).Probability,
            result.Results[0].Probability,
            tolerance: 1e-5f
        );
        Assert.All(result.Results, one => Assert.Contains("no guardrail", one.Warnings.Single()));
    }

    [Fact]
    public async Task a_text_that_does_not_fit_is_told_apart_from_other_problems_and_names_the_setting_that_cuts_it()
    {
        var problem = await Assert.ThrowsAsync<ContextLengthException>(() =>
            ShieldJob.RunAsync(guard.Microscope, new() { Texts = [new(new string('x', 5000))] })
        );
        Assert.Equal(["keep-start", "keep-end"], problem.Remedy!.Settings.Select(setting => setting.Value));
        await Assert.ThrowsAsync<ArgumentProblemException>(() =>
            ShieldJob.RunAsync(guard.Microscope, new() { Texts = [new(Text)], Policies = [] })
        );
    }

    [Fact]
    public async Task a_file_of_verdicts_goes_on_where_it_ended_and_a_line_has_the_members_of_a_verdict()
    {
        var (input, output) = (_folder.File("in.jsonl"), _folder.File("out.jsonl"));
        File.WriteAllLines(input, Enumerable.Range(0, 3).Select(i => $$"""{"id": "r{{i}}", "text": "Question {{i}}"}"""));
        var options = new ShieldFileJobOptions
        {
            Input = input,
            Output = output,
            Policies = [ShieldPolicy.Find("HATE")],
        };
        Assert.Equal(3, (await ShieldFileJob.RunAsync(guard.Microscope, options)).Rows);
        var lines = File.ReadAllLines(output);
        File.WriteAllText(output, lines[0] + "\n" + lines[1][..20]);
        Assert.Equal(2, (await ShieldFileJob.RunAsync(guard.Microscope, options)).Rows);
        Assert.Equal(3, File.ReadAllLines(output).Length);

        var one = await ShieldJob.RunAsync(guard.Microscope, new() { Texts = [new("Question 0")], Policies = options.Policies });
        var verdict = JsonElement.Parse(ResultJson.Line(one)).GetProperty("results")[0];
        Assert.Equal(
            ["id", "model", "template", "hardened", "row", .. verdict.EnumerateObject().Select(member => member.Name)],
            JsonElement.Parse(lines[0]).EnumerateObject().Select(member => member.Name)
        );
        await Assert.ThrowsAsync<ArgumentProblemException>(() => ShieldFileJob.RunAsync(guard.Microscope, new()));
    }

    [Fact]
    public async Task an_explanation_is_told_with_the_features_asked_for_and_the_rest_summed()
    {
        using var microscope = Microscope.Of("demo-it", GemmaModel.Load(Fixtures.Model("demo-it")), MicroscopeServer.LoadDictionary());
        var result = await ExplainVerdictJob.RunAsync(
            microscope,
            new()
            {
                Prompt = Text,
                Top = 3,
                Remove = 1,
            }
        );
        var why = result.Verdicts.Single();
        Assert.Equal(3, why.Features.Count);
        Assert.NotNull(why.Features[0].Measured);
        Assert.Null(why.Features[1].Measured);
        Assert.Equal(
            why.RawGap,
            why.Features.Sum(feature => feature.Direct) + why.OtherFeatures + why.Bias + why.Error + why.Elsewhere,
            tolerance: 1e-6
        );
        var page = ExplainVerdictPage.Render(result).ToString();
        Assert.Contains("1 together", page);
        Assert.DoesNotContain("cactus", page);
    }

    [Fact]
    public async Task numbers_that_cannot_be_are_named_before_anything_runs_and_a_run_can_be_stopped()
    {
        Assert.Equal(
            nameof(ExplainVerdictJobOptions.Top),
            Assert.Throws<ArgumentProblemException>(() => ExplainVerdictJob.Check(new() { Prompt = Text, Top = 0 })).Setting?.Name
        );
        Assert.Equal(
            nameof(ShieldEvaluateJobOptions.Resamples),
            Assert.Throws<ArgumentProblemException>(() => ShieldEvaluateJob.Check(new() { Files = [], Resamples = 0 })).Setting?.Name
        );
        using var stopped = new CancellationTokenSource();
        await stopped.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            ShieldJob.RunAsync(guard.Microscope, new() { Texts = [new(Text)] }, cancellationToken: stopped.Token)
        );
    }
}
