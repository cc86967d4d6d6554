using System.Text.Json.Serialization;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>What was said in a conversation.</summary>
/// <param name="Messages">Message for message.</param>
/// <param name="Watched">What a monitor read in it; null where nothing was watched.</param>
public sealed record ChatResult(
    IReadOnlyList<ChatTurn> Messages,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] WatchedText? Watched = null
);

/// <summary>One message.</summary>
/// <param name="Role">system, user or assistant.</param>
/// <param name="Content">Its text.</param>
public sealed record ChatTurn(string Role, string Content)
{
    /// <summary>What the model thought before it spoke; absent where it did not.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Thinking { get; init; }

    /// <summary>The tools that the model calls; absent where it calls none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<ChatToolCall>? ToolCalls { get; init; }

    internal static ChatTurn Of(ChatMessage message) =>
        new(message.Role, TextOf(message))
        {
            Thinking = message.Reasoning,
            ToolCalls = message.ToolCalls.Count > 0 ? message.ToolCalls : null,
        };

    internal static string TextOf(ChatMessage message) => string.Concat(message.Parts.Select(part => part.Text));
}
