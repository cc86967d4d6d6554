using System.Text;

namespace GemmaScope.Text;

/// <summary>
/// The published templates of Gemma 2 and 3 (METHODS §1.3): <c>&lt;bos&gt;</c>, then turns
/// <c>&lt;start_of_turn&gt;role\ntext&lt;end_of_turn&gt;\n</c>.
/// </summary>
internal sealed class GemmaChatTemplate(string name, SystemHandling defaultSystem, bool takesImages) : ChatTemplate(name)
{
    private const string Bos = "<bos>",
        TurnStart = "<start_of_turn>",
        ImageMark = "<start_of_image>";

    internal override bool TakesParts => takesImages;

    public override string TurnEnd => "<end_of_turn>";

    public override string Render(IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt, SystemHandling? system = null)
    {
        if (messages.Count == 0)
            throw new ArgumentProblemException("a conversation needs at least one message");
        var prefix = "";
        var first = 0;
        if (messages[0].Role == "system")
        {
            if ((system ?? defaultSystem) == SystemHandling.Reject)
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
            text.Append(TurnEnd).Append('\n');
        }
        if (addGenerationPrompt)
            text.Append(TurnStart).Append("model\n");
        return text.ToString();
    }

    public override int[] Encode(
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
            "image" when takesImages => ImageMark,
            "image" => throw new ArgumentProblemException($"the template of {Name} takes no images; use a Gemma 3 model"),
            _ => "",
        };
}
