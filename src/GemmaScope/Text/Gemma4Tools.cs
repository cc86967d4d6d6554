using System.Text;
using System.Text.Json;
using GemmaScope.Text.Jinja;

namespace GemmaScope.Text;

/// <summary>How Gemma 4 reads and writes tools: calls and answers as values in a notation of its own, in which strings stand between
/// <c>&lt;|"|&gt;</c> and members are sorted by name without regard to case.</summary>
internal static class Gemma4Tools
{
    private const string Quote = "<|\"|>";

    /// <summary>A tool that the model may call.</summary>
    /// <exception cref="ArgumentProblemException">It is no function with a name.</exception>
    public static string Declaration(JsonElement tool) => new Gemma4ToolDeclaration(tool).Text;

    /// <summary>A call.</summary>
    /// <exception cref="ArgumentProblemException">Its arguments are no object.</exception>
    public static string Call(ChatToolCall call) =>
        call.Arguments.ValueKind is JsonValueKind.Object or JsonValueKind.Null or JsonValueKind.Undefined
            ? $"<|tool_call>call:{call.Name}{{{Pairs(call.Arguments)}}}<tool_call|>"
            : throw new ArgumentProblemException(
                $"the arguments of the call of '{call.Name}' are {call.Arguments.ValueKind}; give a JSON object, not the text of one"
            );

    /// <summary>What tools answered to a message: what stands in it, or the messages of tools behind it.</summary>
    public static List<string> Answers(ChatMessage message, IEnumerable<ChatMessage> tools) =>
        message.ToolResponses.Count > 0
            ? [.. message.ToolResponses.Select(one => Answer(one.Name is { Length: > 0 } name ? name : null, Response(one.Response)))]
        : message.ToolCalls.Count > 0 ? [.. tools.Select(tool => Answer(NameOf(tool, message.ToolCalls), Said(tool)) + Marks(tool))]
        : [];

    /// <summary>What marks a part that is no text; nothing for a part of unknown type.</summary>
    public static string Mark(ChatPart part) =>
        part.Type switch
        {
            "image" or "image_url" => "<|image|>",
            "audio" or "input_audio" => "<|audio|>",
            "video" => "<|video|>",
            _ => "",
        };

    /// <summary>A value in that notation.</summary>
    /// <param name="value">The value.</param>
    /// <param name="quotesNames">Whether names of members stand between marks too.</param>
    public static string Value(JsonElement value, bool quotesNames = false) =>
        value.ValueKind switch
        {
            JsonValueKind.String => Quoted(value.GetString()!),
            JsonValueKind.True => "true",
            JsonValueKind.False => "false",
            JsonValueKind.Object => $"{{{Pairs(value, quotesNames)}}}",
            JsonValueKind.Array => $"[{string.Join(',', value.EnumerateArray().Select(one => Value(one, quotesNames)))}]",
            JsonValueKind.Number => Number(value),
            _ => "null",
        };

    /// <summary>A string between its marks.</summary>
    public static string Quoted(string text) => $"{Quote}{text}{Quote}";

    /// <summary>The members of an object as templates sort them.</summary>
    public static IEnumerable<JsonProperty> Sorted(JsonElement value) =>
        value.ValueKind == JsonValueKind.Object
            ? value.EnumerateObject().OrderBy(member => member.Name.ToLowerInvariant(), StringComparer.Ordinal)
            : [];

    private static string Pairs(JsonElement value, bool quotesNames = false) =>
        string.Join(
            ',',
            Sorted(value).Select(member => $"{(quotesNames ? Quoted(member.Name) : member.Name)}:{Value(member.Value, quotesNames)}")
        );

    // As Python writes it: 2.5, 1e+20, and whole numbers of any length.
    private static string Number(JsonElement value) =>
        value.GetRawText() is var digits && digits.AsSpan().ContainsAny('.', 'e', 'E') ? JinjaValues.Written(value.GetDouble()) : digits;

    private static string Answer(string? name, string value) => $"<|tool_response>response:{name ?? "unknown"}{value}<tool_response|>";

    private static string Response(JsonElement value) =>
        value.ValueKind == JsonValueKind.Object ? $"{{{Pairs(value)}}}" : $"{{value:{Value(value)}}}";

    /// <summary>The name of the last call that has the message's id; a message and a call without one belong together too.</summary>
    private static string? NameOf(ChatMessage tool, IReadOnlyList<ChatToolCall> calls) =>
        calls.LastOrDefault(call => call.Id == tool.ToolCallId)?.Name ?? (tool.Name is { Length: > 0 } name ? name : null);

    private static string Said(ChatMessage tool) =>
        tool.Parts.Count == 0
            ? "{value:null}"
            : $"{{value:{Quoted(string.Concat(tool.Parts.Where(part => part.Type == "text").Select(part => part.Text)))}}}";

    private static string Marks(ChatMessage tool) => string.Concat(tool.Parts.Where(part => part.Type != "text").Select(Mark));
}
