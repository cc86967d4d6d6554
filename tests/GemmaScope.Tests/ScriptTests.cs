using System.Diagnostics;
using Xunit;

namespace GemmaScope.Tests;

/// <summary>The scripts on machines that lack things: they say so, and only the SDK is worth stopping for.</summary>
public sealed class ScriptTests : IDisposable
{
    private readonly string _tools = Directory.CreateTempSubdirectory("gemmascope-tools-").FullName;

    /// <summary>A folder with the named programs and no others, to be used as PATH.</summary>
    public ScriptTests()
    {
        foreach (var name in (string[])["bash", "dirname", "env", "id", "grep", "awk", "cat", "timeout"])
            if (Find(name) is { } program)
                File.CreateSymbolicLink(Path.Combine(_tools, name), program);
    }

    public void Dispose() => Directory.Delete(_tools, recursive: true);

    [Theory]
    [InlineData("demo.sh")]
    [InlineData("test.sh")]
    [InlineData("scripts/release.sh")]
    public void a_script_explains_itself_from_any_folder(string script)
    {
        var (code, output) = Bash("-c", $"cd / && '{Path.Combine(Fixtures.Repository, script)}' --help");
        Assert.Equal(0, code);
        Assert.StartsWith($"usage: ./{script}", output);
    }

    [Fact]
    public void without_apt_and_npm_the_optional_things_are_left_out_with_a_reason()
    {
        var (code, output) = WithSetup("root=$PWD/nowhere; has_onednn() { false; }; offer_onednn; offer_vocabularies");
        Assert.Equal(0, code);
        Assert.Contains("managed kernels are used", output);
        Assert.Contains("tests of the real vocabularies are skipped", output);
    }

    [Fact]
    public void what_is_there_is_not_installed_again()
    {
        var (code, output) = WithSetup("has_onednn() { true; }; apt_install() { echo apt; }; offer_onednn");
        Assert.Equal((0, ""), (code, output));
    }

    [Fact]
    public void without_the_sdk_the_script_says_how_to_get_it_and_stops()
    {
        var (code, output) = WithSetup("require_dotnet; echo went on");
        Assert.Equal(1, code);
        Assert.Contains(".NET SDK 10 is needed", output);
        Assert.DoesNotContain("went on", output);
    }

    [Fact]
    public void an_older_sdk_alone_is_not_enough()
    {
        var (code, output) = WithSetup("dotnet() { echo '9.0.305 [/usr/lib/dotnet/sdk]'; }; require_dotnet; echo went on");
        Assert.Equal(1, code);
        Assert.DoesNotContain("went on", output);
        (code, output) = WithSetup("dotnet() { echo '10.0.100 [/usr/lib/dotnet/sdk]'; }; require_dotnet; echo went on");
        Assert.Equal((0, "went on\n"), (code, output));
    }

    [Fact]
    public void a_run_that_is_cut_off_says_so_and_keeps_its_counts()
    {
        // A stand-in for the test program: four tests end, one never does.
        var output = WithRunner(
            """
            echo "  Starting:    X.Tests"
            for test in one two three four hangs; do echo "    X.$test(a: 1) [STARTING]"; done
            echo "    X.three(a: 1) [FAIL]"
            echo "      Assert.Equal() Failure"
            echo "    X.four(a: 1) [SKIP]"
            for test in one two three four; do echo "    X.$test(a: 1) [FINISHED] Time: 0.1s"; done
            exec sleep 1000
            """,
            "1"
        );
        Assert.Contains("X.Tests.dll timed out after 1 s", output);
        Assert.Contains("It had not ended: X.hangs(a: 1)", output);
        Assert.Contains("Assert.Equal() Failure", output);
        Assert.DoesNotContain("[STARTING]", output);
        Assert.EndsWith("2 passed, 2 failed, 1 skipped\n", output);
    }

    [Theory]
    [InlineData("exit 3", "ended with 3 and left no report", "0 passed, 1 failed, 0 skipped")]
    [InlineData(
        "echo '<assembly passed=\"7\" failed=\"1\" skipped=\"2\" errors=\"1\">' >\"$report\"; exit 1",
        "",
        "7 passed, 2 failed, 2 skipped"
    )]
    [InlineData("echo '<assembly passed=\"7\" failed=\"0\" skipped=\"2\" errors=\"0\">' >\"$report\"", "", "7 passed, 0 failed, 2 skipped")]
    [InlineData(
        "echo '<assembly passed=\"7\" failed=\"0\" skipped=\"2\" errors=\"0\">' >\"$report\"; exit 9",
        "ended with 9 after",
        "7 passed, 1 failed, 2 skipped"
    )]
    [InlineData(
        "echo '<assembly passed=\"0\" failed=\"0\" skipped=\"0\" errors=\"0\">' >\"$report\"",
        "tested nothing",
        "0 passed, 1 failed, 0 skipped"
    )]
    public void the_counts_are_those_of_the_report(string program, string says, string counts)
    {
        var output = WithRunner(program, "600");
        Assert.Contains(says, output);
        Assert.EndsWith(counts + "\n", output);
    }

    /// <summary>What a run says whose test program is a script; it finds the name of the report in $report.</summary>
    private string WithRunner(string program, string limit)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_tools, "X.Tests"));
        Directory.CreateDirectory(Path.Combine(_tools, "tests", "X.Tests"));
        var dotnet = Path.Combine(folder.FullName, "dotnet");
        File.WriteAllText(
            dotnet,
            "#!/usr/bin/env bash\nwhile [ $# -gt 0 ]; do [ \"$1\" = -result-xml ] && report=$2; shift; done\n" + program + "\n"
        );
        var scripts = Path.Combine(Fixtures.Repository, "scripts");
        return Bash(
            "-c",
            $"set -euo pipefail; chmod +x '{dotnet}'; . '{scripts}/setup.sh'; GEMMASCOPE_TEST_LIMIT={limit}; . '{scripts}/test-run.sh'; root='{_tools}'; "
                + $"PATH='{folder.FullName}':$PATH; run all --; echo \"$passed passed, $failed failed, $skipped skipped\""
        ).Output;
    }

    private (int Code, string Output) WithSetup(string commands) =>
        Bash("-c", $"set -euo pipefail; . '{Path.Combine(Fixtures.Repository, "scripts", "setup.sh")}'; PATH='{_tools}'; {commands}");

    private static (int Code, string Output) Bash(params string[] arguments)
    {
        Assert.SkipUnless(Find("bash") is not null, "there is no bash on this machine");
        using var process = Process.Start(new ProcessStartInfo("bash", arguments) { RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    }

    private static string? Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator)
            .Select(folder => Path.Combine(folder, program))
            .FirstOrDefault(File.Exists);
}
