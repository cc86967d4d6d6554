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

    [Theory]
    [InlineData("--operands", "one", "'one' is no whole number")]
    [InlineData("--operands", "9-2", "is no range")]
    [InlineData("--parts", "late", "'late' is no part")]
    [InlineData("--task", "chess", "chess is no task")]
    [InlineData("--samples", "0", "--samples: must be at least 1")]
    [InlineData("--questions", "a.jsonl", "one of both")]
    public void options_of_a_study_of_reasoning_are_checked_before_a_model_is_loaded(string option, string value, string message)
    {
        using var folder = new TemporaryFolder();
        string[] task = option == "--task" ? [] : ["--task", "addition"];
        var run = CommandLine.Run(["study", "cot", "--out", folder.File("out"), option, value, .. task]);
        Assert.Equal(2, run.Code);
        Assert.Contains(message, run.Error);
        Assert.False(Directory.Exists(folder.File("out")));
    }

    [Fact]
    public void a_study_of_reasoning_says_what_it_found_and_what_not()
    {
        using var folder = new TemporaryFolder();
        string[] words =
        [
            "study",
            "cot",
            "--task",
            "addition",
            "--operands",
            "2-3",
            "--limit",
            "1",
            "--samples",
            "2",
            "--max-tokens",
            "12",
            "--parts",
            "early,mediation",
            "--out",
            folder.File("out"),
        ];
        var run = CommandLine.Run(words);
        Assert.Equal(0, run.Code);
        Assert.Contains("early answering, AOC", run.Out);
        Assert.Contains("nothing follows", run.Out);
        Assert.Contains("not shown", run.Out);
        using var json = System.Text.Json.JsonDocument.Parse(CommandLine.Run([.. words, "--json"]).Out);
        Assert.Equal("cot", json.RootElement.GetProperty("study").GetString());
        Assert.Equal(2, json.RootElement.GetProperty("questions").GetArrayLength());
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
