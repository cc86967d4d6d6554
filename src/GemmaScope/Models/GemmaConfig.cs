using GemmaScope.Files;

namespace GemmaScope.Models;

/// <summary>The model families this library runs.</summary>
public enum GemmaFamily
{
    /// <summary>Gemma 2: soft caps, alternating sliding and global layers.</summary>
    Gemma2,

    /// <summary>Gemma 3: q/k norms, five sliding layers to one global, two RoPE bases.</summary>
    Gemma3,
}

/// <summary>RoPE of one kind of layer: angle = position / factor · theta^(−2j/head_dim).</summary>
/// <param name="Theta">Base.</param>
/// <param name="Factor">Linear position scaling; 1 for none.</param>
public readonly record struct RopeSettings(double Theta, double Factor);

/// <summary>Shape and constants of a Gemma model (METHODS §1.1–1.3), read from config.json in any of its spellings.</summary>
public sealed record GemmaConfig
{
    /// <summary>Family.</summary>
    public required GemmaFamily Family { get; init; }

    /// <summary>The text part's <c>model_type</c>: gemma2 or gemma3_text.</summary>
    public string ModelType => Family == GemmaFamily.Gemma2 ? "gemma2" : "gemma3_text";

    /// <summary>Residual width d.</summary>
    public required int Width { get; init; }

    /// <summary>MLP width.</summary>
    public required int MlpWidth { get; init; }

    /// <summary>Number of layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Key-value heads; query head h uses key-value head h / (Heads / KeyValueHeads).</summary>
    public required int KeyValueHeads { get; init; }

    /// <summary>Size of one head.</summary>
    public required int HeadSize { get; init; }

    /// <summary>Rows of the embedding table.</summary>
    public required int VocabularyRows { get; init; }

    /// <summary>Rows that are tokens; the rest (64 rows of the multimodal Gemma 3 tables) is masked when a token is chosen.</summary>
    public required int RealVocabulary { get; init; }

    /// <summary>Longest context.</summary>
    public required int MaxPositions { get; init; }

    /// <summary>Keys a sliding layer sees, the query itself included.</summary>
    public required int Window { get; init; }

    /// <summary>Attention scores are multiplied by this to the power −½.</summary>
    public required double QueryPreAttentionScalar { get; init; }

    /// <summary>Soft cap of attention scores, or null.</summary>
    public required float? AttentionCap { get; init; }

    /// <summary>Soft cap of the logits, or null.</summary>
    public required float? FinalCap { get; init; }

    /// <summary>Inside the root of every norm.</summary>
    public required float NormEpsilon { get; init; }

    /// <summary>RoPE of sliding layers.</summary>
    public required RopeSettings LocalRope { get; init; }

    /// <summary>RoPE of global layers.</summary>
    public required RopeSettings GlobalRope { get; init; }

    /// <summary>For each layer whether it is a sliding one.</summary>
    public required IReadOnlyList<bool> Sliding { get; init; }

    /// <summary>BOS id.</summary>
    public required int BosId { get; init; }

    /// <summary>Ids that end a generation.</summary>
    public required IReadOnlyList<int> EosIds { get; init; }

    /// <summary>False where the file says that the head is a table of its own; it must then be found equal to the embedding.</summary>
    internal bool Tied { get; init; } = true;

    /// <summary>What the user should know about the file: keys that nobody here knows.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Whether queries and keys are normed per head before RoPE.</summary>
    public bool HasQueryKeyNorm => Family == GemmaFamily.Gemma3;

    /// <summary>√d, unrounded: embeddings are multiplied by it in f32 in both arithmetics (METHODS §1.2).</summary>
    public float EmbeddingScale => (float)Math.Sqrt(Width);

    /// <summary>RoPE of a layer.</summary>
    public RopeSettings Rope(int layer) => Sliding[layer] ? LocalRope : GlobalRope;

    /// <summary>Bytes of the keys and values (f32) of one sequence: layers with a window keep no more tokens than that. A
    /// <see cref="KvCache"/> makes room for as many again, and holds a prompt that is read in one run whole in every layer.</summary>
    /// <param name="tokens">Tokens of the sequence.</param>
    public long CacheBytes(int tokens) =>
        Sliding.Sum(sliding => (long)(sliding ? Math.Min(tokens, Window) : tokens)) * KeyValueHeads * HeadSize * 2 * sizeof(float);

    /// <summary>Width of the activations at a site; for attention matrices the number of keys is not known before the run and −1 is
    /// returned.</summary>
    public int SiteWidth(SiteKind kind) =>
        kind switch
        {
            SiteKind.Q or SiteKind.QNormed or SiteKind.QRope or SiteKind.Z => Heads * HeadSize,
            SiteKind.K or SiteKind.KNormed or SiteKind.KRope or SiteKind.V => KeyValueHeads * HeadSize,
            SiteKind.MlpGatePre or SiteKind.MlpUp or SiteKind.MlpActProduct => MlpWidth,
            SiteKind.LogitsRaw or SiteKind.Logits => VocabularyRows,
            SiteKind.AttnScoresRaw or SiteKind.AttnScoresSoftcapped or SiteKind.AttnPattern => -1,
            _ => Width,
        };

    /// <summary>Shape of the activations of some rows at a site; <paramref name="keys"/> matters at attention matrices only.</summary>
    internal long[] SiteShape(SiteKind kind, int rows, int keys = 0) =>
        kind switch
        {
            SiteKind.Q or SiteKind.QNormed or SiteKind.QRope => [rows, Heads, HeadSize],
            SiteKind.K or SiteKind.V or SiteKind.KNormed or SiteKind.KRope => [rows, KeyValueHeads, HeadSize],
            _ when Site.IsAttentionMatrix(kind) => [Heads, rows, keys],
            _ => [rows, SiteWidth(kind)],
        };

    /// <summary>Whether this model has the site.</summary>
    public bool Has(Site site) =>
        (site.Layer ?? 0) < Layers && (HasQueryKeyNorm || site.Kind is not (SiteKind.QNormed or SiteKind.KNormed));

    /// <summary>All sites of the model in order of computation.</summary>
    public IEnumerable<Site> Sites() =>
        Enum.GetValues<SiteKind>()
            .SelectMany(kind => Site.IsGlobal(kind) ? [new Site(kind)] : Enumerable.Range(0, Layers).Select(layer => new Site(kind, layer)))
            .Where(Has)
            .Order();

    /// <summary>Reads config.json and, beside it, generation_config.json; of a GGUF file its keys.</summary>
    /// <param name="folder">The model's folder, or its GGUF file.</param>
    /// <param name="configFile">Another file than config.json.</param>
    /// <exception cref="FileFormatException">Missing, malformed, or of an architecture that is not Gemma 2 or 3.</exception>
    public static GemmaConfig Load(string folder, string? configFile = null)
    {
        if (configFile is not null || GgufFolder.Find(folder) is not { } gguf)
            return GemmaConfigReader.Read(folder, configFile ?? Path.Combine(folder, "config.json"));
        using var file = GgufFile.Open(gguf);
        return GgufConfigReader.Read(file);
    }
}
