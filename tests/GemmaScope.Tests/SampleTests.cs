using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using GemmaScope.Tests.Documents;
using Xunit;

namespace GemmaScope.Tests;

/// <summary>The samples are part of the documentation: each is compiled and run as a reader would do it, and prints what its page
/// shows.</summary>
public class SampleTests
{
#if DEBUG
    private const string Configuration = "Debug";
#else
    private const string Configuration = "Release";
#endif

    public static TheoryData<string> Samples =>
        [.. Directory.EnumerateFiles(Path.Combine(Fixtures.Repository, "samples"), "*.cs").Select(file => Path.GetFileName(file)).Order()];

    /// <summary>The tutorial's page shows what its sample prints; here, that this is what the independent reference found.</summary>
    [Fact]
    public void the_tutorial_has_the_numbers_of_the_reference()
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Path("demo", "expected.json")));
        var text = json.RootElement.GetProperty("texts")[0];
        double[] l0 = [.. text.GetProperty("L0").EnumerateArray().Select(value => value.GetDouble())];
        var shown = Transcript.All.Single(transcript =>
            transcript is { Page: "docs/tutorial.md", Command: "dotnet run samples/tutorial.cs" }
        );
        string[] words = [.. shown.Expected.SelectMany(line => line.Split([' ', ',', ';'], StringSplitOptions.RemoveEmptyEntries))];
        foreach (
            var number in (double[])
                [text.GetProperty("FVU").GetDouble(), text.GetProperty("tutorial_variance_explained").GetDouble(), l0.Skip(1).Average()]
        )
            Assert.Contains(number.ToString("f4", CultureInfo.InvariantCulture), words);
        Assert.Contains(text.GetProperty("resid_post_3_norms")[0].GetDouble().ToString("f1", CultureInfo.InvariantCulture), words);
    }

    [Theory]
    [MemberData(nameof(Samples))]
    public async Task a_sample_compiles_and_prints_what_the_documentation_shows(string sample)
    {
        var shown = Transcript.All.Where(transcript => transcript.Command == $"dotnet run samples/{sample}").ToArray();
        Assert.True(shown.Length > 0, $"no page shows what samples/{sample} prints; add it to samples/README.md");
        var start = new ProcessStartInfo(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            ["run", "-c", Configuration, Path.Combine("samples", sample)]
        )
        {
            WorkingDirectory = Fixtures.Repository,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // Build servers outlive the build and would keep the output open: do without them.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["UseSharedCompilation"] = "false";
        start.Environment["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0";

        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        using var limit = new CancellationTokenSource(Patience.Limit);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var errors = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            Assert.True(process.ExitCode == 0, $"samples/{sample} ended with {process.ExitCode}:\n{await output}\n{await errors}");
            var printed = await output;
            Assert.All(shown, transcript => Assert.True(transcript.Mismatch(printed) is null, transcript.Mismatch(printed)));
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"samples/{sample} did not end within {Patience.Limit.TotalMinutes} minutes");
        }
    }
}
