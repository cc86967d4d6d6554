namespace GemmaScope.Text;

/// <summary>One part of a message.</summary>
/// <param name="Type">"text", or "image" whose place the text marks; parts of other types are left out, as the published templates
/// do.</param>
/// <param name="Text">The text of a text part.</param>
public sealed record ChatPart(string Type, string? Text = null)
{
    /// <summary>A text.</summary>
    public static ChatPart Of(string text) => new("text", text);
}

/// <summary>One message of a conversation.</summary>
/// <param name="Role">"user", "assistant" or, first, "system"; another role is written as it is where the assistant's turn is due.</param>
/// <param name="Parts">What it says.</param>
public sealed record ChatMessage(string Role, IReadOnlyList<ChatPart> Parts)
{
    /// <summary>A message that is one text.</summary>
    public ChatMessage(string role, string text)
        : this(role, [ChatPart.Of(text)]) { }
}

/// <summary>What is done with a first message of role system; Gemma has no such role.</summary>
public enum SystemHandling
{
    /// <summary>It is an error, as in the published template of Gemma 2.</summary>
    Reject,

    /// <summary>Its text, not trimmed, and an empty line begin the first user turn, as in the published template of Gemma 3.</summary>
    Fold,
}
