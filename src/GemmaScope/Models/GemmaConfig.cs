using GemmaScope.Files;

namespace GemmaScope.Models;

/// <summary>The model families this library runs.</summary>
public enum GemmaFamily
{
    /// <summary>Gemma 2: soft caps, alternating sliding and global layers.</summary>
    Gemma2,

    /// <summary>Gemma 3: q/k norms, five sliding layers to one global, two RoPE bases.</summary>
    Gemma3,

    /// <summary>Gemma 4: gains without the 1, normed values, two head sizes, a factor at each layer's end; E models with embeddings for each
    /// layer, large ones with experts.</summary>
    Gemma4,
}

/// <summary>RoPE of one kind of layer: angle = position / factor · theta^(−2j/head_dim).</summary>
/// <param name="Theta">Base.</param>
/// <param name="Factor">Linear position scaling; 1 for none.</param>
/// <param name="Rotated">The part of a head's pairs that turns, rounded down; the others stay (Gemma 4's global layers).</param>
public readonly record struct RopeSettings(double Theta, double Factor, double Rotated = 1);

/// <summary>
/// Shape and constants of a Gemma model (METHODS §1.1–1.3), read from config.json in any of its spellings. With what follows from the family
/// it describes the network whole: one forward pass runs them all.
/// </summary>
public sealed record GemmaConfig
{
    /// <summary>Family.</summary>
    public required GemmaFamily Family { get; init; }

    /// <summary>The text part's <c>model_type</c>: gemma2, gemma3_text or gemma4_text.</summary>
    public string ModelType =>
        Family switch
        {
            GemmaFamily.Gemma2 => "gemma2",
            GemmaFamily.Gemma3 => "gemma3_text",
            _ => "gemma4_text",
        };

    /// <summary>Residual width d.</summary>
    public required int Width { get; init; }

    /// <summary>The layers, first to last.</summary>
    public required IReadOnlyList<LayerShape> Shapes { get; init; }

    /// <summary>Number of layers.</summary>
    public int Layers => Shapes.Count;

    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }

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

    /// <summary>The experts beside each dense MLP; null where there are none.</summary>
    public ExpertShape? Experts { get; init; }

    /// <summary>Embeddings for each layer; null where there are none.</summary>
    public PerLayerShape? PerLayer { get; init; }

    /// <summary>BOS id.</summary>
    public required int BosId { get; init; }

    /// <summary>Ids that end a generation.</summary>
    public required IReadOnlyList<int> EosIds { get; init; }

    /// <summary>False where the file says that the head is a table of its own; it must then be found equal to the embedding.</summary>
    internal bool Tied { get; init; } = true;

    /// <summary>What the user should know about the file: keys that nobody here knows.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Whether queries and keys are normed per head before RoPE.</summary>
    public bool HasQueryKeyNorm => Family != GemmaFamily.Gemma2;

    /// <summary>Whether values are normed per head, without a gain.</summary>
    public bool HasValueNorm => Family == GemmaFamily.Gemma4;

    /// <summary>The values that patterns are multiplied by: after their norm where they have one.</summary>
    internal SiteKind ValuesRead => HasValueNorm ? SiteKind.VNormed : SiteKind.V;

    /// <summary>Whether a layer multiplies the residual stream by a number when all is added.</summary>
    public bool HasLayerScalar => Family == GemmaFamily.Gemma4;

    /// <summary>What a checkpoint leaves out of the gains of norms: 1, or 0 where they are stored whole.</summary>
    internal float GainOffset => Family == GemmaFamily.Gemma4 ? 0 : 1;

    /// <summary>√d, unrounded: embeddings are multiplied by it in f32 in both arithmetics (METHODS §1.2).</summary>
    public float EmbeddingScale => (float)Math.Sqrt(Width);

    /// <summary>RoPE of a layer.</summary>
    public RopeSettings Rope(int layer) => Shapes[layer].Sliding ? LocalRope : GlobalRope;

    /// <summary>How many keys a layer's query sees at most, the query's own included.</summary>
    internal int WindowOf(int layer) => Shapes[layer].Sliding ? Window : int.MaxValue;

    /// <summary>Numbers of the queries of one token in a layer, and of what its heads put out.</summary>
    internal int QueryWidth(int layer) => Heads * Shapes[layer].HeadSize;

    /// <summary>Query heads that share a key-value head in a layer.</summary>
    internal int GroupSize(int layer) => Heads / Shapes[layer].KeyValueHeads;

    /// <summary>Whether layers differ in nothing but what they see.</summary>
    public bool HasOneSize => Shapes.All(shape => shape with { Sliding = Shapes[0].Sliding } == Shapes[0]);

    /// <summary>Whether later layers read the keys and values of a layer.</summary>
    internal bool IsKeyValueSource(int layer) =>
        Shapes[^1].KeyValueSource is not null && Shapes.Any(shape => shape.KeyValueSource == layer);

    /// <summary>Whether a layer can be run from the residual stream alone: none reads embeddings of its own or keys of earlier ones.</summary>
    internal bool LayersStandAlone => PerLayer is null && Shapes.All(shape => shape.KeyValueSource is null);

    /// <summary>Bytes of the keys and values (f32) of one sequence: layers with a window keep no more tokens than that, and those that read
    /// another's none. A <see cref="KvCache"/> makes room for as many again, and holds a prompt that is read in one run whole in every
    /// layer.</summary>
    /// <param name="tokens">Tokens of the sequence.</param>
    public long CacheBytes(int tokens) =>
        Shapes
            .Where(shape => shape.KeyValueSource is null)
            .Sum(shape => (long)(shape.Sliding ? Math.Min(tokens, Window) : tokens) * shape.KeyValueWidth * 2 * sizeof(float));

    /// <summary>Width of the activations at a site; for attention matrices the number of keys is not known before the run and −1 is
    /// returned.</summary>
    public int SiteWidth(Site site) =>
        Site.IsAttentionMatrix(site.Kind) ? -1 : (int)SiteShape(site, 1).Aggregate(1L, (width, size) => width * size);

    /// <summary>Shape of the activations of some rows at a site; <paramref name="keys"/> matters at attention matrices only.</summary>
    internal long[] SiteShape(Site site, int rows, int keys = 0)
    {
        // A layer that the model does not have is told of elsewhere.
        var shape = Shapes[Math.Min(site.Layer ?? 0, Layers - 1)];
        return site.Kind switch
        {
            SiteKind.Q or SiteKind.QNormed or SiteKind.QRope => [rows, Heads, shape.HeadSize],
            SiteKind.K or SiteKind.V or SiteKind.KNormed or SiteKind.VNormed or SiteKind.KRope =>
            [
                rows,
                shape.KeyValueHeads,
                shape.HeadSize,
            ],
            SiteKind.AttnScoresRaw or SiteKind.AttnScoresSoftcapped or SiteKind.AttnPattern => [Heads, rows, keys],
            SiteKind.Z => [rows, Heads * shape.HeadSize],
            SiteKind.MlpGatePre or SiteKind.MlpUp or SiteKind.MlpActProduct => [rows, shape.MlpWidth],
            SiteKind.LogitsRaw or SiteKind.Logits => [rows, VocabularyRows],
            SiteKind.PleToken or SiteKind.PleProjectionRaw or SiteKind.PleProjection or SiteKind.PleInputs =>
            [
                rows,
                Layers,
                PerLayer?.Width ?? 0,
            ],
            SiteKind.PleGatePre or SiteKind.PleActProduct => [rows, PerLayer?.Width ?? 0],
            SiteKind.RouterLogits or SiteKind.RouterProbs => [rows, Experts?.Count ?? 0],
            SiteKind.RouterTopK or SiteKind.RouterWeights => [rows, Experts?.Active ?? 0],
            SiteKind.ExpertGatePre or SiteKind.ExpertUp or SiteKind.ExpertActProduct => [rows, Experts?.Active ?? 0, Experts?.Width ?? 0],
            SiteKind.ExpertOut => [rows, Experts?.Active ?? 0, Width],
            _ => [rows, Width],
        };
    }

    /// <summary>Whether this model has the site.</summary>
    public bool Has(Site site) =>
        (site.Layer ?? 0) < Layers
        && site.Kind switch
        {
            SiteKind.QNormed => HasQueryKeyNorm,
            SiteKind.K or SiteKind.V or SiteKind.KRope => HasOwnKeys(site),
            SiteKind.KNormed => HasQueryKeyNorm && HasOwnKeys(site),
            SiteKind.VNormed => HasValueNorm && HasOwnKeys(site),
            SiteKind.ResidBeforeScalar => HasLayerScalar,
            < SiteKind.ResidPre and not SiteKind.Embed => PerLayer is not null,
            >= SiteKind.ResidAfterMlp and < SiteKind.ResidBeforeScalar => PerLayer is not null,
            >= SiteKind.DenseOut and < SiteKind.MlpOut => Experts is not null,
            _ => true,
        };

    private bool HasOwnKeys(Site site) => Shapes[site.Layer!.Value].KeyValueSource is null;

    /// <summary>All sites of the model in order of computation.</summary>
    public IEnumerable<Site> Sites() =>
        Enum.GetValues<SiteKind>()
            .SelectMany(kind => Site.IsGlobal(kind) ? [new Site(kind)] : Enumerable.Range(0, Layers).Select(layer => new Site(kind, layer)))
            .Where(Has)
            .Order();

    /// <summary>Reads config.json and, beside it, generation_config.json; of a GGUF file its keys.</summary>
    /// <param name="folder">The model's folder, or its GGUF file.</param>
    /// <param name="configFile">Another file than config.json.</param>
    /// <exception cref="FileFormatException">Missing, malformed, or of an architecture that is not Gemma 2, 3 or 4.</exception>
    public static GemmaConfig Load(string folder, string? configFile = null)
    {
        if (configFile is not null || GgufFolder.Find(folder) is not { } gguf)
            return GemmaConfigReader.Read(folder, configFile ?? Path.Combine(folder, "config.json"));
        using var file = GgufFile.Open(gguf);
        return GgufConfigReader.Read(file);
    }
}
