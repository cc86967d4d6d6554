using System.Diagnostics;
using Xunit;

namespace GemmaScope.Tests;

/// <summary>The samples are part of the documentation: each is compiled and run as a reader would do it.</summary>
public class SampleTests
{
#if DEBUG
    private const string Configuration = "Debug";
#else
    private const string Configuration = "Release";
#endif

    public static TheoryData<string> Samples =>
        [.. Directory.EnumerateFiles(Path.Combine(Fixtures.Repository, "samples"), "*.cs").Select(file => Path.GetFileName(file)).Order()];

    [Theory]
    [MemberData(nameof(Samples))]
    public async Task a_sample_compiles_and_runs(string sample)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            ["run", "-c", Configuration, Path.Combine("samples", sample)])
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
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var errors = process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            Assert.True(process.ExitCode == 0, $"samples/{sample} ended with {process.ExitCode}:\n{await output}\n{await errors}");
            Assert.NotEqual("", (await output).Trim());
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"samples/{sample} did not end within 3 minutes");
        }
    }
}
