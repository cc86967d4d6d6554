using System.Globalization;

namespace GemmaScope.Models;

/// <summary>
/// The places of a forward pass that can be read and edited, in the order in which they are computed
/// (METHODS §1.2). Shapes in brackets: T tokens, d width, H heads, K key-value heads, h head size, M MLP width, V vocabulary rows; of Gemma 4
/// L layers, P width of the embeddings for each layer, E experts, k experts a token, m MLP width of an expert.
/// </summary>
public enum SiteKind
{
    /// <summary>[T, d] scaled token embeddings; the same numbers as resid_pre.0.</summary>
    Embed,

    /// <summary>[T, L, P] rows of the table of embeddings for each layer, times √P (Gemma 4 E).</summary>
    PleToken,

    /// <summary>[T, L, P] projection of the scaled embedding, times d^-½ (Gemma 4 E).</summary>
    PleProjectionRaw,

    /// <summary>[T, L, P] the same after its norm (Gemma 4 E).</summary>
    PleProjection,

    /// <summary>[T, L, P] the sum of both, times 2^-½: what each layer is given beside the residual (Gemma 4 E).</summary>
    PleInputs,

    /// <summary>[T, d] residual entering the layer.</summary>
    ResidPre,

    /// <summary>[T, d] resid_pre / rms, without the gain.</summary>
    Ln1Normalized,

    /// <summary>[T, d] the same times the gain: input of the q, k and v projections.</summary>
    AttnIn,

    /// <summary>[T, H, h] query projection, before any norm and before RoPE.</summary>
    Q,

    /// <summary>[T, K, h] key projection, before any norm and before RoPE.</summary>
    K,

    /// <summary>[T, K, h] value projection; in layers of Gemma 4 that have none the key projection.</summary>
    V,

    /// <summary>[T, H, h] after q_norm (not in Gemma 2), before RoPE.</summary>
    QNormed,

    /// <summary>[T, K, h] after k_norm (not in Gemma 2), before RoPE.</summary>
    KNormed,

    /// <summary>[T, K, h] values divided by their RMS, without a gain (Gemma 4): what patterns are multiplied by.</summary>
    VNormed,

    /// <summary>[T, H, h] after RoPE.</summary>
    QRope,

    /// <summary>[T, K, h] after RoPE.</summary>
    KRope,

    /// <summary>[H, T, S] q · k times the query scale; no cap, no mask, all S keys.</summary>
    AttnScoresRaw,

    /// <summary>[H, T, S] after the soft cap (equal to the raw ones where there is none), still no mask.</summary>
    AttnScoresSoftcapped,

    /// <summary>[H, T, S] soft-max after the mask.</summary>
    AttnPattern,

    /// <summary>[T, H·h] pattern times v, heads concatenated: input of o_proj, Gemma Scope's attention site.</summary>
    Z,

    /// <summary>[T, d] o_proj output.</summary>
    AttnOutRaw,

    /// <summary>[T, d] after the post-attention norm: what is added to the residual.</summary>
    AttnOut,

    /// <summary>[T, d] resid_pre + attn_out.</summary>
    ResidMid,

    /// <summary>[T, d] resid_mid / rms, without the gain: input of Gemma Scope 1 transcoders.</summary>
    Ln2Normalized,

    /// <summary>[T, d] the same times the gain: input of the MLP and of Gemma Scope 2 transcoders.</summary>
    MlpIn,

    /// <summary>[T, M] gate projection before the activation.</summary>
    MlpGatePre,

    /// <summary>[T, M] up projection.</summary>
    MlpUp,

    /// <summary>[T, M] gelu_tanh(gate) · up: input of down_proj.</summary>
    MlpActProduct,

    /// <summary>[T, d] down_proj output.</summary>
    MlpOutRaw,

    /// <summary>[T, d] the dense branch after a norm of its own (with experts).</summary>
    DenseOut,

    /// <summary>[T, d] resid_mid / rms times the router's scale: input of the router.</summary>
    RouterIn,

    /// <summary>[T, E] the router's logits.</summary>
    RouterLogits,

    /// <summary>[T, E] soft-max over all experts.</summary>
    RouterProbs,

    /// <summary>[T, k] numbers of the chosen experts, the likeliest first; an edit chooses others.</summary>
    RouterTopK,

    /// <summary>[T, k] what each chosen expert's output is multiplied by.</summary>
    RouterWeights,

    /// <summary>[T, d] input of the experts, after a norm of their own.</summary>
    ExpertsIn,

    /// <summary>[T, k, m] gate projection of each chosen expert, in the order of router_top_k.</summary>
    ExpertGatePre,

    /// <summary>[T, k, m] up projection of each chosen expert.</summary>
    ExpertUp,

    /// <summary>[T, k, m] gelu_tanh(gate) · up of each chosen expert.</summary>
    ExpertActProduct,

    /// <summary>[T, k, d] output of each chosen expert, before it is weighted.</summary>
    ExpertOut,

    /// <summary>[T, d] the weighted sum of the experts' outputs.</summary>
    ExpertsOutRaw,

    /// <summary>[T, d] the same after a norm of its own.</summary>
    ExpertsOut,

    /// <summary>[T, d] dense_out + experts_out, before the post-feed-forward norm.</summary>
    FfnCombined,

    /// <summary>[T, d] after the post-feed-forward norm: what is added to the residual, Gemma Scope's MLP-output site.</summary>
    MlpOut,

    /// <summary>[T, d] resid_mid + mlp_out, where more is added (Gemma 4 E).</summary>
    ResidAfterMlp,

    /// <summary>[T, P] gate of the layer's embedding before the activation (Gemma 4 E).</summary>
    PleGatePre,

    /// <summary>[T, P] gelu_tanh(gate) · ple_inputs (Gemma 4 E).</summary>
    PleActProduct,

    /// <summary>[T, d] projection of that (Gemma 4 E).</summary>
    PleOutRaw,

    /// <summary>[T, d] after its norm: what the layer's embedding adds to the residual (Gemma 4 E).</summary>
    PleOut,

    /// <summary>[T, d] all contributions added, before the layer's factor (Gemma 4).</summary>
    ResidBeforeScalar,

    /// <summary>[T, d] residual leaving the layer: resid_mid + mlp_out (in Gemma 4 with ple_out, times the layer's factor); Gemma Scope's
    /// residual site.</summary>
    ResidPost,

    /// <summary>[T, d] last residual / rms, without the gain.</summary>
    LnFinalNormalized,

    /// <summary>[T, d] the same times the gain: input of the unembedding.</summary>
    FinalNormOut,

    /// <summary>[R, V] logits of the R asked rows before the final cap.</summary>
    LogitsRaw,

    /// <summary>[R, V] logits of the R asked rows after the final cap.</summary>
    Logits,
}

/// <summary>
/// One readable and editable place of a model: a kind and, for the kinds inside a layer, the layer. Parses and prints
/// our short form (<c>resid_post.20</c>), the TransformerLens name (<c>blocks.20.hook_resid_post</c>) and the
/// Hugging Face module path (<c>model.layers.20.output</c>).
/// </summary>
public readonly record struct Site : IComparable<Site>
{
    private readonly int _layer;

    /// <summary>A site of a layer, or (layer 0) one of the whole model.</summary>
    public Site(SiteKind kind, int layer = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        Kind = kind;
        _layer = IsGlobal(kind) ? 0 : layer;
    }

    /// <summary>What is read there.</summary>
    public SiteKind Kind { get; }

    /// <summary>The layer, counted from 0; null for the sites of the whole model.</summary>
    public int? Layer => IsGlobal(Kind) ? null : _layer;

    /// <summary>Residual stream after a layer.</summary>
    public static Site ResidPost(int layer) => new(SiteKind.ResidPost, layer);

    /// <summary>Residual stream entering a layer.</summary>
    public static Site ResidPre(int layer) => new(SiteKind.ResidPre, layer);

    /// <summary>Residual stream between attention and MLP.</summary>
    public static Site ResidMid(int layer) => new(SiteKind.ResidMid, layer);

    /// <summary>Concatenated head outputs before o_proj.</summary>
    public static Site Z(int layer) => new(SiteKind.Z, layer);

    /// <summary>What the attention sub-layer adds to the residual.</summary>
    public static Site AttnOut(int layer) => new(SiteKind.AttnOut, layer);

    /// <summary>What the MLP sub-layer adds to the residual.</summary>
    public static Site MlpOut(int layer) => new(SiteKind.MlpOut, layer);

    /// <summary>Gained input of the MLP.</summary>
    public static Site MlpIn(int layer) => new(SiteKind.MlpIn, layer);

    /// <summary>Scaled embeddings.</summary>
    public static Site Embed { get; } = new(SiteKind.Embed);

    /// <summary>Whether the kind belongs to the whole model and not to a layer.</summary>
    public static bool IsGlobal(SiteKind kind) => kind is < SiteKind.ResidPre or > SiteKind.ResidPost;

    /// <summary>Whether the kind comes after the last layer.</summary>
    internal static bool IsFinal(SiteKind kind) => kind > SiteKind.ResidPost;

    /// <summary>Whether the kind is a [heads, queries, keys] one.</summary>
    public static bool IsAttentionMatrix(SiteKind kind) =>
        kind is SiteKind.AttnScoresRaw or SiteKind.AttnScoresSoftcapped or SiteKind.AttnPattern;

    /// <summary>Reads a site in any of the three dialects.</summary>
    /// <exception cref="ArgumentProblemException">The text names no site.</exception>
    public static Site Parse(string text) =>
        TryParse(text, out var site)
            ? site
            : throw new ArgumentProblemException(
                $"'{text}' is no site; use e.g. resid_post.20, blocks.20.hook_resid_post or model.layers.20.output (kinds: "
                    + $"{string.Join(", ", SiteNames.ShortNames)})",
                "site"
            );

    /// <summary>Reads a site in any of the three dialects.</summary>
    public static bool TryParse(string text, out Site site) => SiteNames.TryParse(text, out site);

    /// <summary>
    /// Reads a comma-separated list in which the layer may be <c>*</c> or a range: <c>resid_post.*,z.3,mlp_out.0-5</c>.
    /// </summary>
    /// <exception cref="ArgumentProblemException">An entry names no site or a layer the model does not have.</exception>
    public static IReadOnlyList<Site> ParseList(string text, int layers)
    {
        var sites = new List<Site>();
        foreach (var entry in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var dot = entry.LastIndexOf('.');
            var (first, last) = dot < 0 ? (-1, -1) : Layers(entry[(dot + 1)..], layers);
            if (first < 0)
                sites.Add(Parse(entry));
            else
                for (var layer = first; layer <= last; layer++)
                    sites.Add(Parse($"{entry[..dot]}.{layer}"));
        }
        foreach (var site in sites)
            if (site.Layer >= layers)
                throw new ArgumentProblemException($"'{site}' does not exist: the model has layers 0 to {layers - 1}", "site");
        return sites;
    }

    /// <summary>Our short form, e.g. <c>resid_post.20</c>.</summary>
    public override string ToString() => SiteNames.Short(this);

    /// <summary>The TransformerLens hook name, or null where TransformerLens has no such hook.</summary>
    public string? TransformerLensName => SiteNames.TransformerLens(this);

    /// <summary>The Hugging Face module path with <c>.input</c> or <c>.output</c>, or null where no module has it.</summary>
    public string? HuggingFaceName => SiteNames.HuggingFace(this);

    /// <summary>Order of computation.</summary>
    public int CompareTo(Site other) => Order.CompareTo(other.Order);

    /// <summary>Whether a site is computed before another.</summary>
    public static bool operator <(Site left, Site right) => left.Order < right.Order;

    /// <summary>Whether a site is computed after another.</summary>
    public static bool operator >(Site left, Site right) => left.Order > right.Order;

    /// <summary>Whether a site is computed before another or is the same.</summary>
    public static bool operator <=(Site left, Site right) => left.Order <= right.Order;

    /// <summary>Whether a site is computed after another or is the same.</summary>
    public static bool operator >=(Site left, Site right) => left.Order >= right.Order;

    private long Order =>
        Kind < SiteKind.ResidPre ? (int)Kind - 64L
        : IsFinal(Kind) ? long.MaxValue - 64 + (int)Kind
        : _layer * 64L + (int)Kind;

    private static (int First, int Last) Layers(string text, int layers)
    {
        if (text == "*")
            return (0, layers - 1);
        var dash = text.IndexOf('-', StringComparison.Ordinal);
        return
            dash > 0
            && int.TryParse(text[..dash], NumberStyles.None, CultureInfo.InvariantCulture, out var first)
            && int.TryParse(text[(dash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var last)
            && first <= last
            ? (first, last)
            : (-1, -1);
    }
}
