namespace GemmaScope.Text;

/// <summary>
/// Writes conversations as the instruction-tuned models read them. Markers inside a message are not escaped and act as markers,
/// as in the published templates: a service must refuse or neutralise them before.
/// </summary>
public abstract class ChatTemplate
{
    private protected ChatTemplate(string name) => Name = name;

    /// <summary>The template of Gemma 2 IT: text only, no system message unless it is folded.</summary>
    public static ChatTemplate Gemma2 { get; } = new GemmaChatTemplate("gemma2", SystemHandling.Reject, takesImages: false);

    /// <summary>The template of Gemma 3 IT: a system message is folded, images are marked.</summary>
    public static ChatTemplate Gemma3 { get; } = new GemmaChatTemplate("gemma3", SystemHandling.Fold, takesImages: true);

    /// <summary>gemma2, gemma3, or the file that holds the model's own.</summary>
    public string Name { get; }

    /// <summary>Whether it is read from the model's files, because it writes other turns than the known one of its type.</summary>
    public virtual bool IsModelsOwn => false;

    /// <summary>Whether it tells developers from the system; else their messages are the system's.</summary>
    public virtual bool KnowsDevelopers => false;

    /// <summary>What ends each turn, where a conversation that goes on is written as it was up to there; null where a template may write
    /// earlier turns in another way then.</summary>
    public virtual string? TurnEnd => null;

    /// <summary>The known template of a model, by the <c>model_type</c> of its config.</summary>
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

    /// <summary>The template of a model: its own, from <c>chat_template.jinja</c>, <c>tokenizer_config.json</c> or
    /// <c>chat_template.json</c> in its folder; the known one of its type where it has none, or one that does the same.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="modelType">The <c>model_type</c> of its config.</param>
    /// <exception cref="FileFormatException">Its own is damaged, or uses a part of Jinja that is not supported; the message names it and
    /// the line.</exception>
    /// <exception cref="ArgumentProblemException">It has none, and is not a Gemma 2 or 3.</exception>
    public static ChatTemplate ForModel(string folder, string modelType) =>
        ChatTemplateFile.Find(folder) is { } file
            ? ForModel(file, TokenizerSettings.Load(folder).SpecialTokens, modelType)
            : ForModelType(modelType);

    /// <summary>The same with its own template at hand, wherever it stands.</summary>
    internal static ChatTemplate ForModel(ChatTemplateFile? file, IReadOnlyDictionary<string, string> specialTokens, string modelType)
    {
        if (file is null)
            return ForModelType(modelType);
        var own = new ModelChatTemplate(file, specialTokens);
        return
            modelType is "gemma2" or "gemma3" or "gemma3_text"
            && ForModelType(modelType) is GemmaChatTemplate known
            && ChatProbes.WriteTheSame(known, own)
            ? known
            : own;
    }

    /// <summary>Whether a model's folder holds a template that writes messages, as those of models do that were tuned to chat.</summary>
    /// <exception cref="FileFormatException">Its file is damaged.</exception>
    public static bool IsIn(string folder) => ChatTemplateFile.Find(folder)?.Source.Contains("messages", StringComparison.Ordinal) == true;

    /// <summary>The text of a conversation.</summary>
    /// <param name="messages">User and assistant in turn, perhaps after a system message.</param>
    /// <param name="addGenerationPrompt">Whether the model's turn is opened at the end.</param>
    /// <param name="system">What a known template does with a system message; null: as the published one. A model's own does what it
    /// does.</param>
    /// <exception cref="ArgumentProblemException">The conversation does not fit the template; the message is the template's
    /// own.</exception>
    /// <exception cref="FileFormatException">A model's own template cannot be rendered with it.</exception>
    public abstract string Render(IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt, SystemHandling? system = null);

    /// <summary>The ids of a conversation, with the BOS that the template writes and no other. Right for a <c>tokenizer.model</c> too,
    /// which does not see a BOS written as text.</summary>
    /// <inheritdoc cref="Render"/>
    public abstract int[] Encode(
        Tokenizer tokenizer,
        IReadOnlyList<ChatMessage> messages,
        bool addGenerationPrompt,
        SystemHandling? system = null
    );
}
