namespace GemmaScope.Text;

/// <summary>A document as it lies in a file: a text, the ids of one, or a conversation; or why it is none of these.</summary>
public sealed record TextRow
{
    private static readonly Dictionary<string, string> Roles = new(StringComparer.OrdinalIgnoreCase)
    {
        ["user"] = "user",
        ["human"] = "user",
        ["assistant"] = "assistant",
        ["model"] = "assistant",
        ["gpt"] = "assistant",
        ["bot"] = "assistant",
        ["system"] = "system",
        ["developer"] = "system",
    };

    private TextRow(string where) => Where = where;

    /// <summary>Where in its file it stands: <c>line 4</c>; empty where the file is the document.</summary>
    public string Where { get; }

    /// <summary>The text, or null.</summary>
    public string? Text { get; private init; }

    /// <summary>The ids of a text that was tokenized before, or null.</summary>
    public IReadOnlyList<int>? Ids { get; private init; }

    /// <summary>The messages of a conversation, or null.</summary>
    public IReadOnlyList<ChatMessage>? Messages { get; private init; }

    /// <summary>Why it cannot be read, with the place; null where it can.</summary>
    public string? Problem { get; private init; }

    /// <summary>A text.</summary>
    public static TextRow Of(string text, string where = "") => new(where) { Text = text };

    /// <summary>A text that was tokenized before.</summary>
    public static TextRow Of(IReadOnlyList<int> ids, string where = "") => new(where) { Ids = ids };

    /// <summary>A conversation.</summary>
    public static TextRow Of(IReadOnlyList<ChatMessage> messages, string where = "") => new(where) { Messages = messages };

    /// <summary>A conversation as data sets have it.</summary>
    /// <param name="messages">Who says what; the roles by any of their usual names.</param>
    /// <param name="where">Its place.</param>
    public static TextRow OfConversation(IEnumerable<(string Role, IReadOnlyList<ChatPart> Parts)> messages, string where)
    {
        var known = new List<ChatMessage>();
        foreach (var (role, parts) in messages)
            if (Roles.TryGetValue(role, out var name))
                known.Add(new ChatMessage(name, parts));
            else
                return Bad($"{where} has a message of the role \"{role}\"; known are {string.Join(", ", Roles.Keys)}");
        return known.Count == 0 ? Of("", where) : Of(known, where);
    }

    /// <summary>A row that cannot be read.</summary>
    /// <param name="problem">Why, with the place.</param>
    public static TextRow Bad(string problem) => new("") { Problem = problem };
}
