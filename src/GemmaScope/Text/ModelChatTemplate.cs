using GemmaScope.Text.Jinja;

namespace GemmaScope.Text;

/// <summary>The template that a model brings, rendered as transformers renders it: the text holds all that is read, a BOS too.</summary>
internal sealed class ModelChatTemplate(ChatTemplateFile file, IReadOnlyDictionary<string, string> specialTokens)
    : ChatTemplate(Path.GetFileName(file.File))
{
    private readonly JinjaTemplate _template = JinjaTemplate.Parse(file.Source, file.File);

    public override bool IsModelsOwn => true;

    public override bool KnowsDevelopers => file.Source.Contains("developer", StringComparison.Ordinal);

    public override string Render(IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt, SystemHandling? system = null)
    {
        if (messages.Count == 0)
            throw new ArgumentProblemException("a conversation needs at least one message");
        List<KeyValuePair<string, object?>> variables =
        [
            .. specialTokens.Select(token => KeyValuePair.Create(token.Key, (object?)token.Value)),
            new("messages", messages.Select(Message).ToList()),
            new("add_generation_prompt", addGenerationPrompt),
            new("tools", null),
            new("documents", null),
        ];
        try
        {
            return _template.Render(variables);
        }
        catch (JinjaRefusal refusal)
        {
            throw new ArgumentProblemException(refusal.Message, Name, refusal);
        }
    }

    public override int[] Encode(
        Tokenizer tokenizer,
        IReadOnlyList<ChatMessage> messages,
        bool addGenerationPrompt,
        SystemHandling? system = null
    ) =>
        tokenizer.EncodeMarked(Render(messages, addGenerationPrompt, system)) is { Length: > 0 } ids
            ? ids
            : throw new FileFormatException("the chat template writes nothing of this conversation", file.File);

    /// <summary>A message as templates know it: a text, or a list of parts.</summary>
    private static object? Message(ChatMessage message) =>
        new JinjaMap
        {
            ["role"] = message.Role,
            ["content"] = message.Parts is [{ Type: "text", Text: { } text }] ? text : message.Parts.Select(Part).ToList(),
        };

    private static object? Part(ChatPart part)
    {
        var map = new JinjaMap { ["type"] = part.Type };
        if (part.Text is { } text)
            map["text"] = text;
        return map;
    }
}
