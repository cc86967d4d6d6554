using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Circuits;

/// <summary>
/// The local replacement model of one prompt (METHODS §4.5 steps 1–3): every MLP output is what its features stand for plus a constant
/// error, and attention patterns and norm denominators are constants, so that all the model computes is a sum over features, errors,
/// token embeddings and biases. What a layer's own embedding adds (Gemma 4 E) is a constant too, and counts to the error of its
/// layer. Owns what it keeps of the run; model and transcoders must outlive it.
/// </summary>
public sealed class ReplacementModel : IDisposable
{
    private readonly int[] _starts;
    private readonly Tensor _errors,
        _zeroed;
    private readonly Tensor? _unexplained;
    private readonly ModelRun _run;
    private readonly Dictionary<Site, ModelRun> _captured = [];
    private float[]? _meanUnembedding;

    private ReplacementModel(ReplacementBuilder built)
    {
        (Model, Transcoders, Tokens, ZeroPositions, Frozen, _errors, _zeroed, _unexplained, _run) = (
            built.Model,
            built.Set,
            built.Tokens,
            built.ZeroPositions,
            built.Frozen,
            built.Errors,
            built.Zeroed,
            built.Unexplained,
            built.Run
        );
        _captured[new Site(SiteKind.FinalNormOut)] = _captured[Site.Embed] = _run;
        var features = new List<ActiveFeature>();
        _starts = new int[Layers * Tokens.Length + 1];
        for (var layer = 0; layer < Layers; layer++)
        for (var position = 0; position < Tokens.Length; position++)
        {
            if (built.Features[layer] is { } found)
                for (var i = 0; i < found.Indices(position).Length; i++)
                    features.Add(new(layer, position, found.Indices(position)[i], found.Values(position)[i]));
            _starts[layer * Tokens.Length + position + 1] = features.Count;
        }
        Features = features;
    }

    /// <summary>The model.</summary>
    public GemmaModel Model { get; }

    /// <summary>What stands for its MLPs.</summary>
    public TranscoderSet Transcoders { get; }

    /// <summary>The prompt.</summary>
    public IReadOnlyList<int> Prompt => Tokens;

    /// <summary>Features and errors at positions below it count as constants: they hold what every prompt begins with.</summary>
    public int ZeroPositions { get; }

    /// <summary>The features that fire, by layer, position and index.</summary>
    public IReadOnlyList<ActiveFeature> Features { get; }

    /// <summary>Number of layers.</summary>
    public int Layers => Model.Config.Layers;

    /// <summary>The logits at the last position after the final cap, [vocabulary rows].</summary>
    public ReadOnlySpan<float> LastLogits => _run.LastLogits();

    internal int[] Tokens { get; }

    internal FrozenRun Frozen { get; }

    /// <summary>Scaled embeddings, [T, d].</summary>
    internal MatrixView Embeddings => _run[Site.Embed].AsMatrix();

    /// <summary>Runs a prompt and takes its MLP outputs apart.</summary>
    /// <param name="model">The model.</param>
    /// <param name="transcoders">Transcoders of the model.</param>
    /// <param name="tokens">Token ids, BOS included.</param>
    /// <param name="zeroPositions">How many positions at the start have no features and errors; null for 1, and for 4 where a Gemma 3 prompt
    /// begins with a turn of a conversation (METHODS §4.5 step 1).</param>
    /// <param name="workFolder">Where attention patterns go that do not fit into a GiB of memory; null for the system's folder for
    /// temporary files.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="ArgumentProblemException">The prompt is too short or too long, the transcoders are of another model, or the run gives
    /// numbers that are not finite.</exception>
    public static ReplacementModel Of(
        GemmaModel model,
        TranscoderSet transcoders,
        int[] tokens,
        int? zeroPositions = null,
        string? workFolder = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(transcoders);
        ArgumentNullException.ThrowIfNull(tokens);
        using var builder = new ReplacementBuilder(
            model,
            transcoders,
            tokens,
            zeroPositions ?? DefaultZeroPositions(model.Config, tokens),
            workFolder
        );
        builder.Execute(cancellationToken);
        var made = new ReplacementModel(builder);
        builder.Release();
        return made;
    }

    /// <summary>The reconstruction error at a layer and position, [d]: mlp_out − Σ f W_dec − b_dec − skip; 0 at zeroed positions. Where a
    /// layer has no transcoder it is the whole MLP output.</summary>
    public ReadOnlySpan<float> Error(int layer, int position) => _errors.Row((long)layer * Tokens.Length + position);

    /// <summary>How a head shares out its attention: a part for each position up to the one that looks, which add up to 1.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="head">The query head.</param>
    /// <param name="query">Position that looks.</param>
    /// <exception cref="ArgumentProblemException">The layer, head or position does not exist.</exception>
    public float[] Attention(int layer, int head, int query)
    {
        Require(layer, Layers, "layers", "Layer");
        Require(head, Model.Config.Heads, "heads", "Head");
        Require(query, Tokens.Length, "positions", "Query");
        var (pattern, weights) = (Frozen.Pattern(layer), new float[query + 1]);
        for (var key = pattern.FirstKey(query); key <= query; key++)
            weights[key] = pattern.Weight(head, query, key);
        return weights;
    }

    /// <summary>Frees what was kept.</summary>
    public void Dispose()
    {
        Frozen.Dispose();
        _errors.Dispose();
        _zeroed.Dispose();
        _unexplained?.Dispose();
        foreach (var run in _captured.Values.Distinct())
            run.Dispose();
    }

    /// <summary>Throws where there is no such layer, head or position.</summary>
    internal static void Require(int value, int count, string what, string name)
    {
        if (value < 0 || value >= count)
            throw new ArgumentProblemException($"is {value}; there are {what} 0 to {count - 1}", new Setting(name));
    }

    /// <summary>What a layer with zeroed positions writes there beside the skip connection, [d].</summary>
    internal ReadOnlySpan<float> Zeroed(int layer, int position) => _zeroed.Row((long)layer * ZeroPositions + position);

    /// <summary>All that a layer writes at a position beside attention and that no feature, bias or skip connection stands for, [d]: the
    /// error, or at zeroed positions the MLP output, and what the layer's own embedding adds.</summary>
    internal ReadOnlySpan<float> Unexplained(int layer, int position) =>
        _unexplained is { } all ? all.Row((long)layer * Tokens.Length + position)
        : position < ZeroPositions ? Zeroed(layer, position)
        : Error(layer, position);

    /// <summary>The features of a layer at a position: a run of <see cref="Features"/>.</summary>
    internal (int Start, int End) FeaturesAt(int layer, int position)
    {
        var at = layer * Tokens.Length + position;
        return (_starts[at], _starts[at + 1]);
    }

    /// <summary>How many features the layers below one have.</summary>
    internal int FeaturesBelow(int layer) => _starts[layer * Tokens.Length];

    /// <summary>The number of a feature in <see cref="Features"/>, or null where it does not fire.</summary>
    internal int? Find(int layer, int position, int feature)
    {
        var (start, end) = FeaturesAt(layer, position);
        for (var i = start; i < end; i++)
            if (Features[i].Feature == feature)
                return i;
        return null;
    }

    /// <summary>The place of a source in a row: features, errors by layer and position, tokens.</summary>
    /// <exception cref="ArgumentProblemException">There is no such source.</exception>
    internal int Column(GraphNode source)
    {
        var (first, last) = (source.Kind == GraphNodeKind.Token ? 0 : ZeroPositions, Tokens.Length - 1);
        if (source.Kind == GraphNodeKind.Target)
            throw new ArgumentProblemException("is a target, and no edge begins there", "source");
        if (source.Position < first || source.Position > last)
            throw new ArgumentProblemException(
                $"is at position {source.Position}; {(source.Kind == GraphNodeKind.Token ? "this prompt has" : "features and errors are at")} "
                    + $"positions {first} to {last}",
                "source"
            );
        if (source.Kind != GraphNodeKind.Token && (source.Layer < 0 || source.Layer >= Layers))
            throw new ArgumentProblemException($"is of layer {source.Layer}; the model has layers 0 to {Layers - 1}", "source");
        return source.Kind switch
        {
            GraphNodeKind.Token => Features.Count + Layers * Tokens.Length + source.Position,
            GraphNodeKind.Error => Features.Count + source.Layer * Tokens.Length + source.Position,
            _ => Find(source.Layer, source.Position, source.Index)
                ?? throw new ArgumentProblemException(
                    $"feature {source.Index} of layer {source.Layer} does not fire at position {source.Position} of this prompt",
                    "source"
                ),
        };
    }

    /// <summary>The activation of a feature at a position, 0 where it does not fire.</summary>
    internal float Activation(int layer, int position, int feature) =>
        Find(layer, position, feature) is { } found ? Features[found].Activation : 0;

    /// <summary>The mean row of the unembedding, which logits are measured from.</summary>
    internal float[] MeanUnembedding
    {
        get
        {
            if (_meanUnembedding is not null)
                return _meanUnembedding;
            using var workspace = new Workspace();
            return _meanUnembedding = new Unembedding(Model.Config, Model.Weights.Embedding, workspace, Arithmetic.Exact).MeanRow;
        }
    }

    /// <summary>The activations of the clean run at a site, [T, width].</summary>
    internal MatrixView Activations(Site site)
    {
        Capture([site]);
        return _captured[site][site].AsMatrix();
    }

    /// <summary>Keeps the activations at some sites, in one run for all.</summary>
    internal void Capture(IEnumerable<Site> sites)
    {
        Site[] missing = [.. sites.Where(site => !_captured.ContainsKey(site)).Distinct()];
        if (missing.Length == 0)
            return;
        var late = missing.Any(site => site.Kind is SiteKind.LnFinalNormalized);
        var run = Model.Run(Tokens, capture: missing, logits: late ? LogitRows.Last : LogitRows.None, arithmetic: Arithmetic.Exact);
        foreach (var site in missing)
            _captured[site] = run;
    }

    private static int DefaultZeroPositions(GemmaConfig config, int[] tokens)
    {
        // <bos> <start_of_turn> user \n of Gemma 3 (METHODS §1.3).
        const int startOfTurn = 105;
        return config.Family == GemmaFamily.Gemma3 && tokens.Length > 4 && tokens[0] == config.BosId && tokens[1] == startOfTurn ? 4 : 1;
    }
}
