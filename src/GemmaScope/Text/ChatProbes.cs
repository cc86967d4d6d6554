using System.Text.Json;

namespace GemmaScope.Text;

/// <summary>Whether two templates write the same: found out by conversations that templates are known to treat differently.</summary>
internal static class ChatProbes
{
    private static readonly string[] Texts =
    [
        "Hello",
        "  two\nlines \t\n",
        "",
        "\u001cPython's space\u001f\u200b",
        "<b>\"&'\\n\\</b> {{ x }} {% if %}",
        "<think>\nthoughts\n</think>\n\nan answer",
        "<|channel>thoughts<channel|>an answer",
        "日本語 😀 ÀÉ",
    ];

    private static readonly string[][] Turns =
    [
        ["user"],
        ["user", "assistant"],
        ["user", "assistant", "user"],
        ["user", "assistant", "user", "assistant", "user", "assistant", "user"],
        ["system", "user"],
        ["system", "user", "assistant", "user"],
        ["developer", "user"],
        ["user", "system", "user"],
        ["user", "tool", "user"],
        ["user", "user"],
        ["user", "user", "user"],
        ["assistant", "user", "assistant", "user"],
        ["user", "assistant", "assistant"],
        ["assistant"],
        ["system"],
        ["system", "assistant", "user"],
    ];

    private static readonly JsonElement Arguments = JsonElement.Parse("""{"b": [1, 2.50, true, null], "A": {"c": "x\"y"}}""");

    private static readonly ChatSettings[] WithThinking = [ChatSettings.Default, new() { Thinking = true }];

    /// <summary>Compares a model's own template with a known one.</summary>
    public static bool WriteTheSame(ChatTemplate known, ModelChatTemplate own) =>
        (known.WritesThinking ? WithThinking : [ChatSettings.Default]).All(settings =>
            WriteTheSame(known.With(settings), own.With(settings), [.. Conversations(known)])
        );

    private static bool WriteTheSame(ChatTemplate known, ChatTemplate own, ChatMessage[][] conversations) =>
        conversations.All(conversation =>
            ((bool[])[false, true]).All(prompt => Written(known, conversation, prompt) == Written(own, conversation, prompt))
        );

    private static IEnumerable<ChatMessage[]> Conversations(ChatTemplate known)
    {
        foreach (var roles in Turns)
            for (var first = 0; first < Texts.Length; first++)
                yield return [.. roles.Select((role, i) => new ChatMessage(role, Texts[(first + i) % Texts.Length]))];
        if (known.TakesParts)
            yield return
            [
                new("system", [ChatPart.Of(" Look. "), ChatPart.Of("Not this.")]),
                new("user", [new("image"), ChatPart.Of(" What "), new("image"), ChatPart.Of("is it?"), new("audio")]),
            ];
        if (known.WritesThinking)
            yield return
            [
                new("user", "Weather?"),
                new("assistant", "") { Reasoning = "ask", ToolCalls = [new("look", Arguments, "1"), new("look", default, "2")] },
                new("tool", "sunny") { ToolCallId = "1" },
                new("tool", [ChatPart.Of("9"), new("image")]) { Name = "other" },
                new("assistant", "Warm.") { Reasoning = "done" },
            ];
    }

    /// <summary>What a template writes; null where it refuses, in whatever words.</summary>
    private static string? Written(ChatTemplate template, ChatMessage[] conversation, bool prompt)
    {
        try
        {
            return template.Render(conversation, prompt);
        }
        catch (ArgumentProblemException)
        {
            return null;
        }
        catch (FileFormatException)
        {
            // It cannot do what the known one does.
            return "";
        }
    }
}
