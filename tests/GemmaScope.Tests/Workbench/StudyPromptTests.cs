using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Workbench;

public class StudyPromptTests
{
    [Theory]
    [InlineData("a.jsonl", "{\"instruction\": \"Go\", \"id\": 7}\n\n{\"prompt\": \"Stay\"}\n", "7 Go", "2 Stay")]
    [InlineData("a.json", "[{\"instruction\": \"Go\", \"category\": null}, {\"goal\": \"Stay\"}]", "1 Go", "2 Stay")]
    [InlineData("a.txt", "Go\r\n\r\n  Stay\n", "1 Go", "2 Stay")]
    [InlineData(
        "a.jsonl",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}, {\"role\": \"assistant\", \"content\": \"Ho\"}, {\"role\": \"user\", \"content\": \"Go\"}]}",
        "1 Go"
    )]
    public void prompts_are_read_from_files_of_many_forms(string name, string content, params string[] prompts)
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(prompts, StudyPrompt.Read(folder.Write(name, content)).Select(one => $"{one.Id} {one.Text}"));
    }

    [Theory]
    [InlineData(true, "A", "C")]
    [InlineData(false, "B", "C")]
    public void rows_of_the_other_side_are_left_out(bool harmful, params string[] kept)
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write(
            "a.jsonl",
            "{\"prompt\": \"A\", \"harmful\": true}\n{\"prompt\": \"B\", \"harmful\": 0}\n{\"prompt\": \"C\"}\n"
        );
        Assert.Equal(kept, StudyPrompt.Read(file, harmful).Select(one => one.Text));
    }

    [Theory]
    [InlineData("a.jsonl", "{\"title\": \"A\"}")]
    [InlineData("a.jsonl", "{\"prompt\": \"  \"}")]
    [InlineData("a.jsonl", "not JSON")]
    [InlineData("a.json", "{\"prompt\": \"A\"}")]
    [InlineData("a.txt", "\n\n")]
    public void files_without_prompts_are_refused(string name, string content)
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<FileFormatException>(() => StudyPrompt.Read(folder.Write(name, content)));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(5)]
    public void no_prompt_is_in_two_parts(int? heldOut)
    {
        StudyPrompt[] prompts = [.. Enumerable.Range(0, 60).Select(i => new StudyPrompt($"{i}", [new("user", $"prompt {i % 50}")]))];
        var split = StudySplit.Of(prompts, 20, 5, 10, heldOut, 1, "file");
        StudyPrompt[] all = [.. split.Train, .. split.Validation, .. split.Test];
        Assert.Equal(all.Length, all.Select(one => one.Text).Distinct().Count());
        Assert.NotEmpty(split.Test);
        if (heldOut is { } divisor)
        {
            Assert.All(split.Test, one => Assert.True(one.IsHeldOut(divisor)));
            Assert.All(split.Train.Concat(split.Validation), one => Assert.False(one.IsHeldOut(divisor)));
        }
        Assert.Equal(
            all.Select(one => one.Id),
            StudySplit.Of(prompts, 20, 5, 10, heldOut, 1, "file") is var again
                ? [.. again.Train.Concat(again.Validation).Concat(again.Test).Select(one => one.Id)]
                : []
        );
    }

    [Fact]
    public void too_few_prompts_are_refused() =>
        Assert.Throws<ArgumentProblemException>(() => StudySplit.Of([new("1", [new("user", "A")])], 2, 1, 2, null, 0, "file"));
}
