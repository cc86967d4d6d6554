using System.Text.Json;
using GemmaScope.Text;
using Xunit;

namespace GemmaScope.Tests.Text;

public class ToolCallSplitterTests
{
    private const string Call = "<|tool_call>call:get_weather{city:<|\"|>Paris, {x}<|\"|>,days:3}<tool_call|>";

    /// <summary>What the published template writes of a call is read back to what it was written from.</summary>
    [Fact]
    [Trait("Category", "Golden")]
    public void the_calls_of_the_golden_conversations_are_read_back()
    {
        var found = 0;
        foreach (var line in File.ReadLines(Fixtures.Path("chat", "gemma4-it.jsonl")))
        {
            var row = JsonElement.Parse(line);
            if (!row.TryGetProperty("text", out var text))
                continue;
            JsonElement[] expected =
            [
                .. row.GetProperty("messages")
                    .EnumerateArray()
                    .Where(message => message.TryGetProperty("tool_calls", out _))
                    .SelectMany(message => message.GetProperty("tool_calls").EnumerateArray().Select(call => call.GetProperty("function"))),
            ];
            var calls = ToolCallSplitter.Split(text.GetString()!).Calls;
            Assert.Equal(expected.Length, calls.Count);
            foreach (var (want, got) in expected.Zip(calls))
            {
                Assert.Equal(want.GetProperty("name").GetString(), got.Name);
                var arguments = want.GetProperty("arguments");
                Assert.True(
                    JsonElement.DeepEquals(arguments.ValueKind == JsonValueKind.Null ? JsonElement.Parse("{}") : arguments, got.Arguments),
                    $"{arguments} {got.Arguments}"
                );
                found++;
            }
        }
        Assert.True(found > 10, $"{found}");
    }

    [Theory]
    [InlineData($"Let me look. {Call}", "Let me look. ", 1)]
    [InlineData($"{Call}{Call} done", " done", 2)]
    [InlineData("No call < | > here", "No call < | > here", 0)]
    [InlineData("ends in <|tool_ca", "ends in <|tool_ca", 0)]
    [InlineData("<|tool_call>call:never{closed:1", "<|tool_call>call:never{closed:1", 0)]
    [InlineData("a<|tool_call>call:bad{x:}<tool_call|>b", "a<|tool_call>call:bad{x:}<tool_call|>b", 0)]
    public void calls_are_told_apart_however_the_text_is_cut(string text, string said, int calls)
    {
        for (var size = 1; size <= text.Length; size++)
        {
            var splitter = new ToolCallSplitter();
            Assert.Equal(said, string.Concat(text.Chunk(size).Select(piece => splitter.Append(new string(piece)))) + splitter.Flush());
            Assert.Equal(calls, splitter.Calls.Count);
            Assert.All(
                splitter.Calls,
                call => Assert.Equal(("get_weather", "Paris, {x}"), (call.Name, call.Arguments.GetProperty("city").GetString()))
            );
        }
    }

    [Theory]
    [InlineData("call:f")]
    [InlineData("call:{a:1}")]
    [InlineData("f{a:1}")]
    [InlineData("call:f{a:1}x")]
    [InlineData("call:f{a}")]
    [InlineData("call:f{a:[1,2}")]
    [InlineData("call:f{a:<|\"|>open}")]
    [InlineData("call:f{a:word}")]
    [InlineData("call:f{a:01}")]
    public void what_is_no_call_stays_what_the_model_said(string call)
    {
        var text = ToolCallSplitter.Begin + call + ToolCallSplitter.End;
        var (said, calls) = ToolCallSplitter.Split(text);
        Assert.Equal(text, said);
        Assert.Empty(calls);
    }

    [Fact]
    public void a_model_that_goes_round_in_circles_ends_nothing()
    {
        var deep = $"call:f{{a:{new string('[', 100_000)}{new string(']', 100_000)}}}";
        Assert.Empty(ToolCallSplitter.Split(ToolCallSplitter.Begin + deep + ToolCallSplitter.End).Calls);
        var (_, calls) = ToolCallSplitter.Split($"{ToolCallSplitter.Begin}call:f{{a:1,a:2}}{ToolCallSplitter.End}");
        Assert.Equal(2, Assert.Single(calls).Arguments.GetProperty("a").GetInt32());
    }
}
