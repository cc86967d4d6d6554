using System.Text.Json;
using GemmaScope.Server.Hosting;

namespace GemmaScope.Server.Shield;

/// <summary>A text that is judged.</summary>
/// <param name="Prompt">What the user wrote.</param>
/// <param name="Response">The response to it that is judged instead, or null.</param>
/// <param name="Field">Where in the request it stands.</param>
internal readonly record struct JudgedText(string Prompt, string? Response, string Field);

/// <summary>
/// The texts of messages as chat programs send them. Of a message in parts each part is judged, and all of them together, for a model
/// reads them together: neither a bad part among good ones comes through, nor a sentence that is cut in two.
/// </summary>
internal static class MessageTexts
{
    private static readonly string[] TextTypes = ["text", "input_text", "output_text"];

    /// <summary>The texts of a conversation: what users and tools said, and each answer of the model as the response to it. Those of the
    /// operator (system, developer) are not judged.</summary>
    /// <exception cref="ProblemException">It is none, or has a part that is no text.</exception>
    public static JudgedText[] OfConversation(JsonElement messages, string field)
    {
        if (messages.ValueKind != JsonValueKind.Array)
            throw ShieldReader.Bad(field, "is no list of messages", "give objects with \"role\" and \"content\"");
        var texts = new List<JudgedText>();
        var asked = "";
        foreach (var (i, message) in messages.EnumerateArray().Index())
        {
            var (role, content) = (Role(message, $"{field}[{i}]"), Content(message, $"{field}[{i}]"));
            if (role is "system" or "developer")
                continue;
            if (role is "assistant" or "model")
                texts.AddRange(content.Select(part => new JudgedText(asked, part.Text, part.Field)));
            else if (content.Length > 0)
            {
                asked = content[^1].Text;
                texts.AddRange(content.Select(part => new JudgedText(part.Text, null, part.Field)));
            }
        }
        return texts.Count > 0
            ? [.. texts]
            : throw ShieldReader.Bad(field, "has no text of a user or a model", "give what is to be judged");
    }

    /// <summary>The texts of one message that is given by its parts.</summary>
    /// <exception cref="ProblemException">A part is no text, or all are empty.</exception>
    public static JudgedText[] OfParts(JsonElement parts, string field) =>
        Parts(parts, field) is { Length: > 0 } texts
            ? [.. texts.Select(part => new JudgedText(part.Text, null, part.Field))]
            : throw ShieldReader.Bad(field, "is empty", "give a text");

    /// <summary>Whether a list has messages and not parts of one.</summary>
    public static bool IsConversation(JsonElement list) =>
        list.EnumerateArray().Any(item => item.ValueKind == JsonValueKind.Object && item.TryGetProperty("role", out _));

    private static string Role(JsonElement message, string field)
    {
        if (message.ValueKind != JsonValueKind.Object)
            throw ShieldReader.Bad(field, "is no message", "give an object with \"role\" and \"content\"");
        return
            message.TryGetProperty("role", out var role)
            && role.ValueKind == JsonValueKind.String
            && role.GetString() is "user" or "assistant" or "model" or "system" or "developer" or "tool" or "function"
            ? role.GetString()!
            : throw ShieldReader.Bad(
                $"{field}.role",
                "is none that is known",
                "known are user, assistant, model, tool, function, system, developer"
            );
    }

    /// <summary>The texts of a message; a model that only calls tools says none.</summary>
    private static (string Text, string Field)[] Content(JsonElement message, string field) =>
        !message.TryGetProperty("content", out var content) || content.ValueKind == JsonValueKind.Null ? []
        : content.ValueKind == JsonValueKind.String
            ? content.GetString() is { Length: > 0 } text ? [(text, $"{field}.content")]
                : []
        : content.ValueKind == JsonValueKind.Array ? Parts(content, $"{field}.content")
        : throw ShieldReader.Bad($"{field}.content", "is neither a text nor a list of parts", "give a string");

    /// <summary>Each part that says something, and last all of them together.</summary>
    private static (string Text, string Field)[] Parts(JsonElement parts, string field)
    {
        (string Text, string Field)[] texts =
        [
            .. parts
                .EnumerateArray()
                .Select((part, i) => (Part(part, $"{field}[{i}]"), $"{field}[{i}]"))
                .Where(part => part.Item1.Length > 0),
        ];
        return texts.Length < 2 ? texts : [.. texts, (string.Join('\n', texts.Select(part => part.Text)), field)];
    }

    private static string Part(JsonElement part, string field) =>
        part.ValueKind == JsonValueKind.Object
        && part.TryGetProperty("text", out var text)
        && text.ValueKind == JsonValueKind.String
        && (!part.TryGetProperty("type", out var type) || type.ValueKind == JsonValueKind.String && TextTypes.Contains(type.GetString()))
            ? text.GetString()!
            : throw ShieldReader.Bad(field, "is no text", "give an object with \"type\": \"text\" and \"text\"; images are not judged");
}
