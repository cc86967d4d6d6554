using GemmaScope.Bench;
using GemmaScope.Tests.Cli;
using Xunit;

namespace GemmaScope.Tests.Bench;

public class BenchCommandTests
{
    [Fact]
    public void a_quick_run_measures_everything()
    {
        using var folder = new TemporaryFolder();
        var run = CommandLine.Run("bench", "--quick", "--json", "--dir", folder.Path);
        Assert.Equal(0, run.Code);
        using var json = System.Text.Json.JsonDocument.Parse(run.Out);
        var figures = json
            .RootElement.GetProperty("figures")
            .EnumerateArray()
            .ToDictionary(figure => figure.GetProperty("name").GetString()!);
        // A difference, and an exponent fitted to the times of so short a run, may have either sign; what is counted may not.
        Assert.All(
            figures.Values.Where(figure =>
                figure.GetProperty("unit").GetString() != "%"
                && !figure.GetProperty("name").GetString()!.StartsWith("time ", StringComparison.Ordinal)
            ),
            figure => Assert.True(figure.GetProperty("value").GetDouble() > 0)
        );
        Assert.All(
            [
                "GEMM managed, bf16 weights",
                "prefill exact",
                "prefill fast",
                "two prefills at once",
                "decode exact, mapped",
                "decode fast, mapped",
                "sampling, top-k 64",
                "capture, extra time, exact",
                "peak memory above the weights, exact",
                "process start to first token, fast",
                "gemma-2-tiny decode exact",
                "SAE encode",
                "SAE decode, sparse",
                "SAE encode, 262,144 features",
                "eval without losses",
                "training step, as if dense",
                "training, peak memory",
                "shield, demo-it: 4 texts together, policy-first",
                "shield, demo-it: four policies on 12 words, policies-first",
                "feature page from SQLite, p99",
                "feature page, bytes on average",
                "time per token grows with layers to the power",
                "memory of a batch grows to the power",
            ],
            name => Assert.True(figures[name].TryGetProperty("ratio", out _))
        );
        Assert.NotEqual("", json.RootElement.GetProperty("kernels").GetString());
    }

    [Fact]
    public void benchmarks_can_be_chosen()
    {
        using var folder = new TemporaryFolder();
        var run = CommandLine.Run("bench", "--quick", "--only", "gemm,capture", "--models", "gemma-2-tiny", "--dir", folder.Path);
        Assert.Equal(0, run.Code);
        Assert.StartsWith("measured", run.Lines[0]);
        Assert.Contains(run.Lines, line => line.StartsWith("GEMM exact"));
        Assert.DoesNotContain(run.Lines, line => line.StartsWith("prefill"));
        Assert.Contains(run.Lines, line => line.StartsWith("capture"));
    }

    [Fact]
    public void a_profile_names_the_steps_of_a_run_and_no_more_than_all_of_it()
    {
        using var folder = new TemporaryFolder();
        var profiles = Profile
            .Measure(
                new BenchOptions
                {
                    Quick = true,
                    Rounds = 2,
                    Folder = folder.Path,
                },
                new Progress<string>(),
                TestContext.Current.CancellationToken
            )
            .ToArray();
        Assert.Equal(4, profiles.Length);
        // How much of a run its steps take is a matter of what else the machine does meanwhile; more than all of it they cannot.
        Assert.All(profiles, profile => Assert.InRange(profile.Lines.Sum(line => line.Share), double.Epsilon, 1.0001));
        Assert.All(profiles, profile => Assert.Contains("attention", profile.Lines.Select(line => line.Step)));
    }

    [Theory]
    [InlineData("--only", "nosuch", "gemm, prefill")]
    [InlineData("--models", "nosuch", "gemma-2-2b")]
    [InlineData("--rounds", "0", "1 or more")]
    public void an_unknown_choice_is_refused(string option, string value, string says) =>
        CommandLine.Run("bench", option, value).IsRefused(says);
}
