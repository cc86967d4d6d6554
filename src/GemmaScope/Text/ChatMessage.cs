using System.Text.Json;
using System.Text.Json.Serialization;

namespace GemmaScope.Text;

/// <summary>One part of a message.</summary>
/// <param name="Type">"text", or "image", "audio" or "video" whose place the text marks where the template knows it; parts of other types
/// are left out, as the published templates do.</param>
/// <param name="Text">The text of a text part.</param>
public sealed record ChatPart(string Type, string? Text = null)
{
    /// <summary>A text.</summary>
    public static ChatPart Of(string text) => new("text", text);
}

/// <summary>One message of a conversation.</summary>
/// <param name="Role">"user", "assistant" or, first, "system"; "tool" where the template knows tools; another role is written as it is where
/// the template lets it stand.</param>
/// <param name="Parts">What it says; none for nothing at all.</param>
public sealed record ChatMessage(string Role, IReadOnlyList<ChatPart> Parts)
{
    /// <summary>A message that is one text.</summary>
    public ChatMessage(string role, string text)
        : this(role, [ChatPart.Of(text)]) { }

    /// <summary>What the assistant thought before it spoke, where that is known apart from what it said; else null. Templates show it only
    /// where the model is to go on thinking.</summary>
    public string? Reasoning { get; init; }

    /// <summary>Tools that the assistant calls.</summary>
    public IReadOnlyList<ChatToolCall> ToolCalls { get; init; } = [];

    /// <summary>What tools answered, where that stands in the assistant's message and not in messages of role "tool".</summary>
    public IReadOnlyList<ChatToolResponse> ToolResponses { get; init; } = [];

    /// <summary>Of a message of role "tool": which call it answers.</summary>
    public string? ToolCallId { get; init; }

    /// <summary>Of a message of role "tool": the tool's name, where no call has its id.</summary>
    public string? Name { get; init; }
}

/// <summary>A call of a tool.</summary>
/// <param name="Name">The tool's name.</param>
/// <param name="Arguments">A JSON object; null or undefined for no arguments.</param>
/// <param name="Id">What the answer refers to; null for none.</param>
public sealed record ChatToolCall(
    string Name,
    JsonElement Arguments,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Id = null
);

/// <summary>What a tool answered.</summary>
/// <param name="Name">The tool's name, or null.</param>
/// <param name="Response">Any JSON value.</param>
public sealed record ChatToolResponse(string? Name, JsonElement Response);

/// <summary>What a conversation is written for, beside its messages.</summary>
public sealed record ChatSettings
{
    /// <summary>Nothing but the messages.</summary>
    public static ChatSettings Default { get; } = new();

    /// <summary>Whether the model is to think before it answers, in a channel of its own.</summary>
    public bool Thinking { get; init; }

    /// <summary>Whether thoughts of earlier turns that called tools stay in the text.</summary>
    public bool PreserveThinking { get; init; }

    /// <summary>Tools that the model may call: JSON objects of the form <c>{"type": "function", "function": {"name": …, "description": …,
    /// "parameters": {JSON schema}}}</c>.</summary>
    public IReadOnlyList<JsonElement> Tools { get; init; } = [];

    internal bool IsDefault => this is { Thinking: false, PreserveThinking: false, Tools.Count: 0 };
}

/// <summary>What is done with a first message of role system; Gemma has no such role.</summary>
public enum SystemHandling
{
    /// <summary>It is an error, as in the published template of Gemma 2.</summary>
    Reject,

    /// <summary>Its text, not trimmed, and an empty line begin the first user turn, as in the published template of Gemma 3.</summary>
    Fold,
}
