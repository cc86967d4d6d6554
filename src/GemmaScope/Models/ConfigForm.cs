namespace GemmaScope.Models;

/// <summary>A <c>model_type</c> of the text part, and what a config.json of it leaves out: the defaults of the published classes.</summary>
/// <param name="ModelType">The text part's <c>model_type</c>.</param>
/// <param name="Outer">That of the multimodal model around it; null where there is none.</param>
/// <param name="Family">The family.</param>
internal sealed record ConfigForm(string ModelType, string? Outer, GemmaFamily Family)
{
    /// <summary>The forms that are read.</summary>
    public static IReadOnlyList<ConfigForm> All { get; } =
    [
        new("gemma2", null, GemmaFamily.Gemma2)
        {
            VocabularyRows = 256000,
            MaxPositions = 8192,
            Pattern = 2,
            AttentionCap = 50,
            FinalCap = 30,
        },
        new("gemma3_text", "gemma3", GemmaFamily.Gemma3) { VocabularyRows = 262208 },
        new("gemma4_text", "gemma4", GemmaFamily.Gemma4)
        {
            Layers = 30,
            VocabularyRows = 262144,
            Window = 512,
            RotatedOfGlobal = 0.25,
            // The class of the E models is the default one: a file without the key has the table.
            PerLayerWidth = 256,
        },
        new("gemma4_unified_text", "gemma4_unified", GemmaFamily.Gemma4)
        {
            Layers = 30,
            VocabularyRows = 262144,
            MaxPositions = 262144,
            Window = 1024,
            RotatedOfGlobal = 0.25,
        },
    ];

    /// <summary>Layers.</summary>
    public int Layers { get; private init; } = 26;

    /// <summary>Rows of the embedding table.</summary>
    public int VocabularyRows { get; private init; }

    /// <summary>Longest context.</summary>
    public int MaxPositions { get; private init; } = 131072;

    /// <summary>Keys that a sliding layer sees.</summary>
    public int Window { get; private init; } = 4096;

    /// <summary>Every so many layers one is global.</summary>
    public int Pattern { get; private init; } = 6;

    /// <summary>Soft cap of attention scores.</summary>
    public float? AttentionCap { get; private init; }

    /// <summary>Soft cap of the logits.</summary>
    public float? FinalCap { get; private init; }

    /// <summary>The part of a head's pairs that turns in global layers.</summary>
    public double RotatedOfGlobal { get; private init; } = 1;

    /// <summary>Width of the embeddings for each layer; 0 for none.</summary>
    public int PerLayerWidth { get; private init; }

    /// <summary>Whether sliding and global layers have each their own RoPE.</summary>
    public bool HasTwoRopes => Family != GemmaFamily.Gemma2;

    /// <summary>What the names of its classes begin with.</summary>
    public string Generation =>
        Family switch
        {
            GemmaFamily.Gemma2 => "Gemma2",
            GemmaFamily.Gemma3 => "Gemma3",
            _ => "Gemma4",
        };

    /// <summary>The form of a <c>model_type</c> of the text part, which older files of Gemma 3 give as that of the whole; null for others.</summary>
    public static ConfigForm? OfText(string modelType) =>
        All.FirstOrDefault(form => form.ModelType == modelType || (form.Outer == modelType && form.Family == GemmaFamily.Gemma3));

    /// <summary>The form of the text part inside a multimodal model; null for others.</summary>
    public static ConfigForm? InsideOf(string outer) => All.FirstOrDefault(form => form.Outer == outer);
}
