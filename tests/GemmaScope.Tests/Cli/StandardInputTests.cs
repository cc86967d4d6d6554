using System.Diagnostics;
using GemmaScope.Cli;
using Xunit;

namespace GemmaScope.Tests.Cli;

public sealed class StandardInputTests
{
    [Theory]
    [InlineData(null, "is closed")]
    [InlineData("anon_inode:[eventpoll]", "is closed")]
    [InlineData("pipe:[7]", "is closed")]
    [InlineData("/", "is a folder")]
    [InlineData("pipe:[8]", null)]
    [InlineData("/dev/pts/0", null)]
    [InlineData("socket:[7]", null)]
    public void what_cannot_be_read_is_told_from_what_it_is(string? target, string? problem)
    {
        var found = StandardInput.ProblemOf(target, ["pipe:[7]", "socket:[7]", "/dev/pts/0"]);
        if (problem is null)
            Assert.Null(found);
        else
            Assert.Contains(problem, found);
    }

    [Theory]
    [InlineData("<&-", "is closed")]
    [InlineData("</", "is a folder")]
    [InlineData("</dev/null", "is empty")]
    public void the_process_ends_at_once_where_nothing_comes(string redirection, string problem)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "descriptors are looked at on Linux");
        Refuses($"exec \"$0\" \"$1\" tokenize - {redirection}", problem);
    }

    [Fact]
    public void a_folder_that_is_gone_is_named()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "a folder cannot be removed while somebody is in it");
        using var folder = new TemporaryFolder();
        Refuses(
            $"mkdir '{folder.File("d")}' && cd '{folder.File("d")}' && rmdir '{folder.File("d")}' && exec \"$0\" \"$1\" tokenize hi",
            "is gone"
        );
    }

    private static void Refuses(string script, string problem)
    {
        var start = new ProcessStartInfo("bash")
        {
            ArgumentList = { "-c", script, Environment.ProcessPath!, typeof(Application).Assembly.Location },
            RedirectStandardError = true,
        };
        // The tests may run by their own program, beside which the runtime's lies.
        if (!Path.GetFileNameWithoutExtension(start.ArgumentList[2]).Equals("dotnet", StringComparison.Ordinal))
            start.ArgumentList[2] = "dotnet";
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.Contains(problem, error);
        Assert.Equal(2, process.ExitCode);
    }
}
