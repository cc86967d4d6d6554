using System.Text;

namespace GemmaScope.Text;

/// <summary>
/// Writes conversations as the instruction-tuned models read them (METHODS §1.3): <c>&lt;bos&gt;</c>, then turns
/// <c>&lt;start_of_turn&gt;role\ntext&lt;end_of_turn&gt;\n</c>. Markers inside a message are not escaped and act as markers,
/// as in the published templates: a service must refuse or neutralise them before.
/// </summary>
public sealed class ChatTemplate
{
    private const string Bos = "<bos>",
        TurnStart = "<start_of_turn>",
        TurnEnd = "<end_of_turn>\n",
        ImageMark = "<start_of_image>";

    private readonly SystemHandling _defaultSystem;
    private readonly bool _takesImages;

    private ChatTemplate(string name, SystemHandling defaultSystem, bool takesImages) =>
        (Name, _defaultSystem, _takesImages) = (name, defaultSystem, takesImages);

    /// <summary>The template of Gemma 2 IT: text only, no system message unless it is folded.</summary>
    public static ChatTemplate Gemma2 { get; } = new("gemma2", SystemHandling.Reject, takesImages: false);

    /// <summary>The template of Gemma 3 IT: a system message is folded, images are marked.</summary>
    public static ChatTemplate Gemma3 { get; } = new("gemma3", SystemHandling.Fold, takesImages: true);

    /// <summary>gemma2 or gemma3.</summary>
    public string Name { get; }

    /// <summary>The template of a model, by the <c>model_type</c> of its config.</summary>
    /// <exception cref="ArgumentProblemException">It is not a Gemma 2 or 3.</exception>
    public static ChatTemplate ForModelType(string modelType) =>
        modelType switch
        {
            "gemma2" => Gemma2,
            "gemma3" or "gemma3_text" => Gemma3,
            _ => throw new ArgumentProblemException(
                $"there is no chat template for model type \"{modelType}\"; there are gemma2, gemma3 and gemma3_text"
            ),
        };

    /// <summary>The text of a conversation.</summary>
    /// <param name="messages">User and assistant in turn, perhaps after a system message.</param>
    /// <param name="addGenerationPrompt">Whether the model's turn is opened at the end.</param>
    /// <param name="system">What is done with a system message; null: as the published template.</param>
    /// <exception cref="ArgumentProblemException">The conversation does not fit the template; the message is the template's
    /// own.</exception>
    public string Render(IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt, SystemHandling? system = null)
    {
        if (messages.Count == 0)
            throw new ArgumentProblemException("a conversation needs at least one message");
        var prefix = "";
        var first = 0;
        if (messages[0].Role == "system")
        {
            if ((system ?? _defaultSystem) == SystemHandling.Reject)
                throw new ArgumentProblemException("System role not supported");
            prefix = SystemText(messages[0]) + "\n\n";
            first = 1;
        }
        var text = new StringBuilder(Bos);
        for (var i = first; i < messages.Count; i++)
        {
            var message = messages[i];
            if ((message.Role == "user") != ((i - first) % 2 == 0))
                throw new ArgumentProblemException("Conversation roles must alternate user/assistant/user/assistant/...");
            text.Append(TurnStart).Append(message.Role == "assistant" ? "model" : message.Role).Append('\n');
            if (i == first)
                text.Append(prefix);
            foreach (var part in message.Parts)
                text.Append(TextOf(part));
            text.Append(TurnEnd);
        }
        if (addGenerationPrompt)
            text.Append(TurnStart).Append("model\n");
        return text.ToString();
    }

    /// <summary>The ids of a conversation, with one BOS. Right for a <c>tokenizer.model</c> too, which does not see a BOS written as
    /// text.</summary>
    /// <inheritdoc cref="Render"/>
    public int[] Encode(
        Tokenizer tokenizer,
        IReadOnlyList<ChatMessage> messages,
        bool addGenerationPrompt,
        SystemHandling? system = null
    ) => tokenizer.Encode(Render(messages, addGenerationPrompt, system)[Bos.Length..], addBos: true);

    // Of a system message only the first part counts.
    private static string SystemText(ChatMessage message) =>
        message.Parts is [{ Text: { } text }, ..] ? text : throw new ArgumentProblemException("a system message must begin with a text");

    private string TextOf(ChatPart part) =>
        part.Type switch
        {
            "text" => PythonText.Strip(part.Text ?? ""),
            "image" when _takesImages => ImageMark,
            "image" => throw new ArgumentProblemException($"the template of {Name} takes no images; use a Gemma 3 model"),
            _ => "",
        };
}
