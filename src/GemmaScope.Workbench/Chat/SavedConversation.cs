using GemmaScope.Files;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>Conversations in files: as a chat gives them as JSON, and as the page of the chat saves them.</summary>
public static class SavedConversation
{
    /// <summary>Reads what was said. Of a conversation of the page it is the default column: what was said there with features turned up or
    /// down is no model's own.</summary>
    /// <param name="file">A JSON file with <c>messages</c>, or with <c>turns</c>.</param>
    /// <exception cref="FileFormatException">It cannot be read, or holds no conversation, or one that ends with a message that has no
    /// answer.</exception>
    public static IReadOnlyList<ChatMessage> Read(string file)
    {
        var json = JsonFile.Read(file);
        ChatMessage[] messages =
            json.Has("messages")
                ?
                [
                    .. json.Objects("messages")
                        .Select(one => new ChatMessage(
                            one.Text("role") ?? throw one.Missing("role"),
                            one.Text("content") ?? throw one.Missing("content")
                        )
                        {
                            Reasoning = one.Text("thinking"),
                            ToolCalls = one.Has("tool_calls") ? [.. one.Objects("tool_calls").Select(Call)] : [],
                        }),
                ]
            : json.Has("turns")
                ?
                [
                    .. json.Objects("turns")
                        .SelectMany(one =>
                            (ChatMessage[])
                                [
                                    new("user", one.Text("user") ?? throw one.Missing("user")),
                                    new("assistant", one.Text("normal") ?? throw one.Missing("normal"))
                                    {
                                        Reasoning = one.Text("normal_thinking"),
                                    },
                                ]
                        ),
                ]
            : throw new FileFormatException("holds no conversation: neither messages nor turns", file);
        return messages is [.., { Role: "assistant" }]
            ? messages
            : throw new FileFormatException("holds no conversation that can go on: it does not end with an answer", file);
    }

    private static ChatToolCall Call(JsonSection call) =>
        new(call.Text("name") ?? throw call.Missing("name"), call.Section("arguments")?.Element ?? default, call.Text("id"));
}
