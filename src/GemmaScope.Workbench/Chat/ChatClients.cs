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

    /// <summary>What a message says. Thoughts and counts that answers carry are not said again.</summary>
    /// <exception cref="ArgumentProblemException">It holds an image or another file.</exception>
    internal static string TextOf(ChatMessage message) =>
        message.Contents.Any(part => part is DataContent or UriContent or HostedFileContent)
            ? throw new ArgumentProblemException("holds a picture or another file, and only text can be read", "message")
            : message.Text;
}
