using GemmaScope.Models;
using GemmaScope.Tests.Cli;
using GemmaScope.Tests.Text;
using GemmaScope.Text;
using GemmaScope.Workbench;
using Xunit;

namespace GemmaScope.Tests.Workbench;

/// <summary>Tools in a file, and calls in what a model says.</summary>
public sealed class ChatToolTests : IDisposable
{
    private const string Weather = """{"name": "get_weather", "description": "Weather", "parameters": {"type": "object"}}""";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData($"[{Weather}]")]
    [InlineData($$"""{"tools": [{"type": "function", "function": {{Weather}}}]}""")]
    public void tools_are_declared_as_the_template_writes_them(string json)
    {
        var tools = ChatToolFile.Read(_folder.Write("tools.json", json));
        Assert.Equal("get_weather", Assert.Single(tools).GetProperty("function").GetProperty("name").GetString());
        Assert.Contains(
            "<|tool>declaration:get_weather{description:<|\"|>Weather<|\"|>",
            ChatTemplate.Gemma4.With(new ChatSettings { Tools = tools }).Render([new("user", "Hi")], addGenerationPrompt: true)
        );
    }

    [Theory]
    [InlineData("[]", "no tools")]
    [InlineData("{}", "no tools")]
    [InlineData("3", "no tools")]
    [InlineData($"[{Weather}, {{\"name\": 3}}]", "tool 2 is no function with a name")]
    [InlineData("[\"get_weather\"]", "tool 1 is no function with a name")]
    [InlineData("[", "not valid JSON")]
    public void what_is_no_list_of_tools_is_refused_before_a_model_is_loaded(string json, string told)
    {
        var run = CommandLine.Run("chat", "--model", "nowhere", "--tools", _folder.Write("tools.json", json), "--message", "a");
        Assert.NotEqual(0, run.Code);
        Assert.Contains(told, run.Error);
    }

    [Fact]
    public void a_model_without_tools_says_so()
    {
        var run = CommandLine.Run("chat", "--model", "demo-it", "--tools", _folder.Write("tools.json", $"[{Weather}]"), "--message", "a");
        Assert.NotEqual(0, run.Code);
        Assert.Contains("no tools", run.Error);
    }

    [Fact]
    public void what_a_model_says_comes_apart_into_thoughts_calls_and_answer_and_is_read_back()
    {
        foreach (var file in Directory.GetFiles(Fixtures.Model("demo-it")).Where(file => !file.EndsWith("tokenizer.model")))
            File.Copy(file, _folder.File(Path.GetFileName(file)));
        MarkedVocabulary.Write(_folder.Path, [.. MarkedVocabulary.Thoughts, ToolCallSplitter.Begin, ToolCallSplitter.End]);
        using var model = GemmaModel.Load(_folder.Path);
        var said = ChatTuning.Said(
            model,
            "<|channel>thought\nlook\n<channel|>Let me see.<|tool_call>call:get_weather{city:<|\"|>Paris<|\"|>}<tool_call|>"
        );
        Assert.Equal(("look", "Let me see."), (said.Reasoning, said.Parts[0].Text));
        Assert.Equal("Paris", Assert.Single(said.ToolCalls).Arguments.GetProperty("city").GetString());
        var json = ResultJson.Text(new ChatResult([new("user", "Weather?"), ChatTurn.Of(said)]));
        Assert.Contains("\"tool_calls\"", json);
        Assert.DoesNotContain("\"id\"", json);
        var again = SavedConversation.Read(_folder.Write("chat.json", json))[^1];
        Assert.Equal("Paris", Assert.Single(again.ToolCalls).Arguments.GetProperty("city").GetString());
        Assert.Equal("look", again.Reasoning);
        // Without the marks all of it is what was said.
        using var plain = GemmaModel.Load(Fixtures.Model("demo-it"));
        Assert.Empty(ChatTuning.Said(plain, "<|tool_call>call:f{}<tool_call|>").ToolCalls);
    }
}
