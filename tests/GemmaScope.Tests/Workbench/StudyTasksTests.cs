using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Workbench;

/// <summary>Tasks that an edited model should still solve.</summary>
public sealed class StudyTasksTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly GemmaModel _model = GemmaModel.Load(DemoFiles.Require(MicroscopeOptions.DemoChat));

    [Fact]
    public void a_task_is_solved_by_the_likelier_first_token()
    {
        var best = Best("The people of the United");
        var tasks = Read(
            $$"""
            {"prompt": "The people of the United", "answer": "{{best}}"}
            {"prompt": "The people of the United", "answer": "{{best}}", "wrong": [" the", " of"]}
            {"prompt": "The people of the United", "answer": " the", "wrong": "{{best}}"}
            {"clean_prefix": "The people of the United", "clean_answer": "{{best}}", "patch_answer": " the"}
            """
        );
        Assert.Equal([true, true, false, true], tasks.Solve([], default));
    }

    [Fact]
    public void a_question_is_asked_in_the_chat_template()
    {
        var asked = _model.ChatTemplate.Encode(_model.Tokenizer, [new("user", "What do bees make?")], addGenerationPrompt: true);
        using var run = _model.Run(asked, logits: LogitRows.Last);
        var first = _model.Tokenizer.Decode([run.TopNextTokens(1)[0].Token]);
        Assert.Equal([true], Read($$"""{"question": "What do bees make?", "answer": "{{first}}"}""").Solve([], default));
    }

    [Fact]
    public void an_edit_that_breaks_the_model_is_seen()
    {
        var tasks = Read($$"""{"prompt": "The people of the United", "answer": "{{Best("The people of the United")}}"}""");
        var noise = Enumerable.Range(0, _model.Config.Width).Select(i => i % 7 == 0 ? 300f : -40f).ToArray();
        Assert.Equal([false], tasks.Solve([Edit.Set(Site.ResidPost(5), noise)], default));
    }

    [Theory]
    [InlineData("""{"prompt": "One", "answer": " two", "wrong": " two"}""", "no task")]
    [InlineData("""{"prompt": "One"}""", "answer")]
    [InlineData("""{"answer": " two"}""", "prompt")]
    [InlineData("""{"prompt": "One", "answer": ""}""", "empty answer")]
    public void a_file_without_tasks_is_refused(string text, string said) =>
        Assert.Contains(said, Assert.Throws<FileFormatException>(() => Read(text)).Message);

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    private StudyTasks Read(string text) => StudyTasks.Read(_model, _folder.Write("tasks.jsonl", text), null);

    private string Best(string prompt)
    {
        using var run = _model.Run(_model.Tokenizer.Encode(prompt, addBos: true), logits: LogitRows.Last);
        return _model.Tokenizer.Decode([run.TopNextTokens(1)[0].Token]);
    }
}
