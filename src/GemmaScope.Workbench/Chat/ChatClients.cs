using Microsoft.Extensions.AI;

namespace GemmaScope.Workbench;

/// <summary>What all chat clients share.</summary>
public static class ChatClients
{
    /// <summary>The name of a client's model, which stands below labels as their author.</summary>
    public static string NameOf(IChatClient client) => client.GetService<ChatClientMetadata>()?.DefaultModelId ?? client.GetType().Name;

    /// <summary>The client itself, or what it says of its model.</summary>
    internal static object? Service(IChatClient client, ChatClientMetadata metadata, Type type, object? key) =>
        key is not null ? null
        : type == typeof(ChatClientMetadata) ? metadata
        : type.IsInstanceOfType(client) ? client
        : null;

    /// <summary>What is said, instructions first. Thoughts and counts that answers carry are not said again.</summary>
    /// <exception cref="ArgumentProblemException">A message holds an image or another file.</exception>
    internal static IReadOnlyList<ChatTurn> Said(IEnumerable<ChatMessage> messages, ChatOptions? options) =>
        [
            .. options?.Instructions is { Length: > 0 } instructions
                ? (ReadOnlySpan<ChatTurn>)[new(ChatRole.System.Value, instructions)]
                : [],
            .. messages.Select(message => new ChatTurn(message.Role.Value, TextOf(message))),
        ];

    private static string TextOf(ChatMessage message) =>
        message.Contents.Any(part => part is DataContent or UriContent or HostedFileContent)
            ? throw new ArgumentProblemException("a message holds a picture or another file, and only text can be read", "messages")
            : message.Text;
}
