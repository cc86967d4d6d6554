namespace GemmaScope.Text;

/// <summary>
/// Writes conversations as the instruction-tuned models read them. Markers inside a message are not escaped and act as markers,
/// as in the published templates: a service must refuse or neutralise them before.
/// </summary>
public abstract class ChatTemplate
{
    private static readonly string[] KnownTypes =
    [
        "gemma2",
        "gemma3",
        "gemma3_text",
        "gemma4",
        "gemma4_text",
        "gemma4_unified",
        "gemma4_unified_text",
    ];

    private protected ChatTemplate(string name) => Name = name;

    /// <summary>The template of Gemma 2 IT: text only, no system message unless it is folded.</summary>
    public static ChatTemplate Gemma2 { get; } = new GemmaChatTemplate("gemma2", SystemHandling.Reject, takesImages: false);

    /// <summary>The template of Gemma 3 IT: a system message is folded, images are marked.</summary>
    public static ChatTemplate Gemma3 { get; } = new GemmaChatTemplate("gemma3", SystemHandling.Fold, takesImages: true);

    /// <summary>The template of the large Gemma 4 IT (12B, 26B-A4B, 31B): any order of turns, a system, thoughts and tools. A model that is
    /// not to think is given an empty thought.</summary>
    public static ChatTemplate Gemma4 { get; } = new Gemma4ChatTemplate(isLarge: true, ChatSettings.Default);

    /// <summary>The template of the small Gemma 4 IT (E2B, E4B), the same without that empty thought.</summary>
    public static ChatTemplate Gemma4Small { get; } = new Gemma4ChatTemplate(isLarge: false, ChatSettings.Default);

    /// <summary>gemma2, gemma3, gemma4, gemma4 (small), or the file that holds the model's own.</summary>
    public string Name { get; }

    /// <summary>Whether it is read from the model's files, because it writes other turns than the known one of its type.</summary>
    public virtual bool IsModelsOwn => false;

    /// <summary>Whether a message may have several parts, of which images and what else the template knows are marked.</summary>
    internal virtual bool TakesParts => true;

    /// <summary>Whether it tells developers from the system; else their messages are the system's.</summary>
    public virtual bool KnowsDevelopers => false;

    /// <summary>What ends each turn, where a conversation that goes on is written as it was up to there; null where a template may write
    /// earlier turns in another way then.</summary>
    public virtual string? TurnEnd => null;

    /// <summary>Whether the model may think in a channel of its own, which <see cref="ThinkingSplitter"/> takes apart from the
    /// answer.</summary>
    public virtual bool WritesThinking => false;

    /// <summary>The same template for other settings.</summary>
    /// <exception cref="ArgumentProblemException">It has no thinking channel and no tools, and the settings ask for one of them.</exception>
    public virtual ChatTemplate With(ChatSettings settings) =>
        settings.IsDefault
            ? this
            : throw new ArgumentProblemException(
                $"the chat template {Name} has no thinking channel and no tools; use a Gemma 4 model that was tuned to chat"
            );

    /// <summary>The known template of a model, by the <c>model_type</c> of its config.</summary>
    /// <param name="modelType">The type.</param>
    /// <param name="hasLayerEmbeddings">Whether the model has per-layer embeddings, as the small Gemma 4 have.</param>
    /// <exception cref="ArgumentProblemException">It is no Gemma 2, 3 or 4.</exception>
    public static ChatTemplate ForModelType(string modelType, bool hasLayerEmbeddings = false) =>
        Known(modelType, hasLayerEmbeddings)
        ?? throw new ArgumentProblemException(
            $"there is no chat template for model type \"{modelType}\"; there are {string.Join(", ", KnownTypes)}"
        );

    /// <summary>The template of a model: its own, from <c>chat_template.jinja</c>, <c>tokenizer_config.json</c> or
    /// <c>chat_template.json</c> in its folder; the known one of its type where it has none, or one that does the same.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="modelType">The <c>model_type</c> of its config.</param>
    /// <param name="hasLayerEmbeddings">Whether the model has per-layer embeddings, as the small Gemma 4 have.</param>
    /// <exception cref="FileFormatException">Its own is damaged, or uses a part of Jinja that is not supported; the message names it and
    /// the line.</exception>
    /// <exception cref="ArgumentProblemException">It has none, and is no Gemma 2, 3 or 4.</exception>
    public static ChatTemplate ForModel(string folder, string modelType, bool hasLayerEmbeddings = false) =>
        ChatTemplateFile.Find(folder) is { } file
            ? ForModel(file, TokenizerSettings.Load(folder).SpecialTokens, modelType, hasLayerEmbeddings)
            : ForModelType(modelType, hasLayerEmbeddings);

    /// <summary>The same with its own template at hand, wherever it stands.</summary>
    internal static ChatTemplate ForModel(
        ChatTemplateFile? file,
        IReadOnlyDictionary<string, string> specialTokens,
        string modelType,
        bool hasLayerEmbeddings = false
    )
    {
        if (file is null)
            return ForModelType(modelType, hasLayerEmbeddings);
        var own = new ModelChatTemplate(file, specialTokens);
        return Known(modelType, hasLayerEmbeddings) is { } known && ChatProbes.WriteTheSame(known, own) ? known : own;
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

    private static ChatTemplate? Known(string modelType, bool hasLayerEmbeddings) =>
        modelType switch
        {
            "gemma2" => Gemma2,
            "gemma3" or "gemma3_text" => Gemma3,
            "gemma4" or "gemma4_text" or "gemma4_unified" or "gemma4_unified_text" => hasLayerEmbeddings ? Gemma4Small : Gemma4,
            _ => null,
        };
}
