using GemmaScope.Text.Jinja;

namespace GemmaScope.Text;

/// <summary>The template that a model brings, rendered as transformers renders it: the text holds all that is read, a BOS too.</summary>
internal sealed class ModelChatTemplate : ChatTemplate
{
    private readonly ChatTemplateFile _file;
    private readonly IReadOnlyDictionary<string, string> _specialTokens;
    private readonly JinjaTemplate _template;
    private readonly ChatSettings _settings;

    public ModelChatTemplate(ChatTemplateFile file, IReadOnlyDictionary<string, string> specialTokens)
        : this(file, specialTokens, JinjaTemplate.Parse(file.Source, file.File), ChatSettings.Default) { }

    private ModelChatTemplate(
        ChatTemplateFile file,
        IReadOnlyDictionary<string, string> specialTokens,
        JinjaTemplate template,
        ChatSettings settings
    )
        : base(Path.GetFileName(file.File)) => (_file, _specialTokens, _template, _settings) = (file, specialTokens, template, settings);

    public override bool IsModelsOwn => true;

    public override bool KnowsDevelopers => _file.Source.Contains("developer", StringComparison.Ordinal);

    public override bool WritesThinking => _file.Source.Contains(ThinkingSplitter.Channel, StringComparison.Ordinal);

    // What a template does with settings that it does not know is its own affair; it writes the same.
    public override ChatTemplate With(ChatSettings settings) => new ModelChatTemplate(_file, _specialTokens, _template, settings);

    public override string Render(IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt, SystemHandling? system = null)
    {
        if (messages.Count == 0)
            throw new ArgumentProblemException("a conversation needs at least one message");
        List<KeyValuePair<string, object?>> variables =
        [
            .. _specialTokens.Select(token => KeyValuePair.Create(token.Key, (object?)token.Value)),
            new("messages", messages.Select(Message).ToList()),
            new("add_generation_prompt", addGenerationPrompt),
            new("tools", _settings.Tools.Count == 0 ? null : _settings.Tools.Select(JinjaJson.Read).ToList()),
            new("documents", null),
        ];
        // As transformers, which passes on what was asked for and nothing else.
        if (_settings.Thinking)
            variables.Add(new("enable_thinking", true));
        if (_settings.PreserveThinking)
            variables.Add(new("preserve_thinking", true));
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
            : throw new FileFormatException("the chat template writes nothing of this conversation", _file.File);

    /// <summary>A message as templates know it: a text, or a list of parts; what it does not have has no member.</summary>
    private static object? Message(ChatMessage message)
    {
        var map = new JinjaMap
        {
            ["role"] = message.Role,
            ["content"] = message switch
            {
                { Parts: [{ Type: "text", Text: { } text }] } => text,
                { Parts.Count: 0, Role: "tool" } => null,
                _ => message.Parts.Select(Part).ToList(),
            },
        };
        if (message.Reasoning is { } reasoning)
            map["reasoning"] = reasoning;
        if (message.ToolCalls.Count > 0)
            map["tool_calls"] = message.ToolCalls.Select(Call).ToList();
        if (message.ToolResponses.Count > 0)
            map["tool_responses"] = message.ToolResponses.Select(Response).ToList();
        if (message.ToolCallId is { } id)
            map["tool_call_id"] = id;
        if (message.Name is { } name)
            map["name"] = name;
        return map;
    }

    private static object? Call(ChatToolCall call)
    {
        var map = new JinjaMap
        {
            ["type"] = "function",
            ["function"] = new JinjaMap { ["name"] = call.Name, ["arguments"] = JinjaJson.Read(call.Arguments) },
        };
        if (call.Id is { } id)
            map["id"] = id;
        return map;
    }

    private static object? Response(ChatToolResponse response)
    {
        var map = new JinjaMap { ["response"] = JinjaJson.Read(response.Response) };
        if (response.Name is { } name)
            map["name"] = name;
        return map;
    }

    private static object? Part(ChatPart part)
    {
        var map = new JinjaMap { ["type"] = part.Type };
        if (part.Text is { } text)
            map["text"] = text;
        return map;
    }
}
