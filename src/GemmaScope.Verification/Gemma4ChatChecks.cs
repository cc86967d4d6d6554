using System.Text.Json;
using GemmaScope.Files;
using GemmaScope.Text;

namespace GemmaScope.Verification;

/// <summary>
/// Conversations of Gemma 4 in both forms of its template: <c>form</c>, <c>add_generation_prompt</c>, <c>enable_thinking</c>,
/// <c>preserve_thinking</c>, <c>tools</c>, <c>messages</c>, and <c>text</c> or <c>error</c>. Where a reference template lies in a folder
/// <c>template</c> beside them, it is rendered too, as a model's own.
/// </summary>
internal static class Gemma4ChatChecks
{
    public static IEnumerable<Check> Run(string folder, string file)
    {
        foreach (var form in (string[])["small", "large"])
        {
            var known = form == "small" ? ChatTemplate.Gemma4Small : ChatTemplate.Gemma4;
            var lines = JsonLines.Read(file).Where(line => line.Text("form") == form).ToArray();
            yield return Texts($"gemma4-it {form}", known, lines);
            if (lines.Any(line => line.Has("error")))
                yield return Errors($"gemma4-it {form} error", known, lines);
            if (Own(folder, form) is { } own)
                yield return Texts($"gemma4-it {form}, {own.Name}", own, lines);
        }
    }

    private static Check Texts(string name, ChatTemplate template, JsonSection[] lines)
    {
        var tally = new Tally(name);
        foreach (var line in lines)
            if (line.Text("text") is { } text)
                tally.Compare(line.File, Render(template, line), text);
        return tally.ToCheck();
    }

    /// <summary>What the reference refuses is refused; the reference's words are those of another program.</summary>
    private static Check Errors(string name, ChatTemplate template, JsonSection[] lines)
    {
        var tally = new Tally(name);
        foreach (var line in lines.Where(line => line.Has("error")))
            tally.Compare(line.File, Written(template, line), null);
        return tally.ToCheck();
    }

    private static string? Written(ChatTemplate template, JsonSection line)
    {
        try
        {
            return Render(template, line);
        }
        catch (ArgumentProblemException)
        {
            return null;
        }
    }

    private static string Render(ChatTemplate template, JsonSection line) =>
        template
            .With(
                new ChatSettings
                {
                    Thinking = line.Flag("enable_thinking") ?? false,
                    PreserveThinking = line.Flag("preserve_thinking") ?? false,
                    Tools = Member(line.Element, "tools") is { ValueKind: JsonValueKind.Array } tools ? [.. tools.EnumerateArray()] : [],
                }
            )
            .Render(
                Member(line.Element, "messages") is { ValueKind: JsonValueKind.Array } messages
                    ? [.. messages.EnumerateArray().Select(Message)]
                    : throw line.Missing("messages"),
                line.Flag("add_generation_prompt") ?? false
            );

    private static ChatMessage Message(JsonElement message) =>
        new(Text(message, "role")!, Parts(Member(message, "content")))
        {
            Reasoning = Text(message, "reasoning") ?? Text(message, "reasoning_content"),
            ToolCalls = [.. Each(message, "tool_calls").Select(Call)],
            ToolResponses =
            [
                .. Each(message, "tool_responses").Select(one => new ChatToolResponse(Text(one, "name"), one.GetProperty("response"))),
            ],
            ToolCallId = Text(message, "tool_call_id"),
            Name = Text(message, "name"),
        };

    private static ChatToolCall Call(JsonElement call)
    {
        var function = call.GetProperty("function");
        return new(Text(function, "name")!, function.GetProperty("arguments"), Text(call, "id"));
    }

    private static ChatPart[] Parts(JsonElement? content) =>
        content switch
        {
            null or { ValueKind: JsonValueKind.Null } => [],
            { ValueKind: JsonValueKind.String } text => [ChatPart.Of(text.GetString()!)],
            { ValueKind: JsonValueKind.Array } parts =>
            [
                .. parts.EnumerateArray().Select(part => new ChatPart(Text(part, "type")!, Text(part, "text"))),
            ],
            _ => throw new ArgumentProblemException("a message says a text or a list of parts", "messages"),
        };

    private static JsonElement.ArrayEnumerator Each(JsonElement value, string name) =>
        Member(value, name) is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray() : default;

    private static string? Text(JsonElement value, string name) =>
        Member(value, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    private static JsonElement? Member(JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty(name, out var member) ? member : null;

    /// <summary>The reference's template of a form, where it lies beside the conversations.</summary>
    private static ModelChatTemplate? Own(string folder, string form)
    {
        var file = Path.Combine(folder, "template", $"gemma4_{(form == "small" ? "e2b" : "31b")}_chat_template.jinja2");
        return File.Exists(file)
            ? new(new ChatTemplateFile(file, File.ReadAllText(file)), new Dictionary<string, string> { ["bos_token"] = "<bos>" })
            : null;
    }
}
