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

    /// <summary>Compares a model's own template with a known one.</summary>
    public static bool WriteTheSame(GemmaChatTemplate known, ModelChatTemplate own) =>
        Conversations(known.TakesImages)
            .All(conversation =>
                ((bool[])[false, true]).All(prompt => Written(known, conversation, prompt) == Written(own, conversation, prompt))
            );

    private static IEnumerable<ChatMessage[]> Conversations(bool withParts)
    {
        foreach (var roles in Turns)
            for (var first = 0; first < Texts.Length; first++)
                yield return [.. roles.Select((role, i) => new ChatMessage(role, Texts[(first + i) % Texts.Length]))];
        if (withParts)
            yield return
            [
                new("system", [ChatPart.Of(" Look. "), ChatPart.Of("Not this.")]),
                new("user", [new("image"), ChatPart.Of(" What "), new("image"), ChatPart.Of("is it?"), new("audio")]),
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
