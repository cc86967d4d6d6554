using Xunit;

namespace GemmaScope.Tests.Cli;

public class StudyCommandTests
{
    [Fact]
    public void without_a_study_the_command_names_them()
    {
        var run = CommandLine.Run("study");
        Assert.Equal(2, run.Code);
        Assert.Contains("refusal", run.Error);
    }

    [Theory]
    [InlineData("--strengths", "one", "'one' is no number")]
    [InlineData("--test", "1", "--test: must be at least 2")]
    [InlineData("--layers-below", "3", "--layers-below: is a share")]
    public void options_are_checked_before_a_model_is_loaded(string option, string value, string message)
    {
        using var folder = new TemporaryFolder();
        var run = CommandLine.Run(
            "study",
            "refusal",
            "--harmful",
            "a.txt",
            "--harmless",
            "b.txt",
            "--out",
            folder.File("out"),
            option,
            value
        );
        Assert.Equal(2, run.Code);
        Assert.Contains(message, run.Error);
        Assert.False(Directory.Exists(folder.File("out")));
    }

    [Fact]
    public void a_base_model_and_a_missing_file_are_said()
    {
        using var folder = new TemporaryFolder();
        string[] Arguments(string model) =>
            [
                "study",
                "refusal",
                "--model",
                model,
                "--harmful",
                folder.File("a.txt"),
                "--harmless",
                folder.File("b.txt"),
                "--out",
                folder.File("out"),
            ];
        Assert.Contains("not tuned to chat", CommandLine.Run(Arguments("demo-pt")).Error);
        Assert.Contains("a.txt", CommandLine.Run(Arguments("demo-it")).Error);
    }
}
