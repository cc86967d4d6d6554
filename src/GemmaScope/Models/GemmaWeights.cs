using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>The weights of one layer: matrices mapped in their stored type, gains widened to f32 with the 1 added (METHODS §1.4 no.
/// 2).</summary>
internal sealed record LayerWeights(
    float[] InputGain,
    float[] PostAttentionGain,
    float[] PreMlpGain,
    float[] PostMlpGain,
    float[]? QueryGain,
    float[]? KeyGain,
    WeightView Query,
    WeightView Key,
    WeightView Value,
    WeightView Output,
    WeightView Gate,
    WeightView Up,
    WeightView Down
);

/// <summary>All weights of a model, mapped from its safetensors files.</summary>
internal sealed class GemmaWeights : IDisposable
{
    private const string FinalNorm = "norm.weight";

    private readonly ShardedSafetensors _files;
    private readonly GemmaConfig _config;
    private readonly WeightNames _names;
    private readonly OrthogonalisedWeights? _orthogonalised;

    private GemmaWeights(GemmaWeights original, float[] direction, bool alsoUnembedding)
    {
        (_files, _config, _names, FinalGain, Bytes) = (
            original._files,
            original._config,
            original._names,
            original.FinalGain,
            original.Bytes
        );
        _orthogonalised = new OrthogonalisedWeights(original, direction, alsoUnembedding);
        (Embedding, Unembedding, Layers) = (_orthogonalised.Embedding, _orthogonalised.Unembedding, _orthogonalised.Layers);
    }

    private GemmaWeights(ShardedSafetensors files, GemmaConfig config, bool mayLackFinalNorm)
    {
        (_files, _config) = (files, config);
        _names = new WeightNames(files);
        Embedding = Unembedding = Get("embed_tokens.weight", config.VocabularyRows, config.Width);
        FinalGain =
            mayLackFinalNorm && files.Find(_names.Stored(FinalNorm)) is null
                ? [.. Enumerable.Repeat(1f, config.Width)]
                : Gain(FinalNorm, config.Width);
        Layers = [.. Enumerable.Range(0, config.Layers).Select(Layer)];
        _names.RequireAllUsed(config);
        if (!mayLackFinalNorm)
            CheckTiedHead();
    }

    /// <summary>[vocabulary rows, d], unscaled.</summary>
    public Tensor Embedding { get; }

    /// <summary>The same table, unless the copy that reads tokens was edited.</summary>
    public Tensor Unembedding { get; }

    /// <summary>1 + gain of the final norm.</summary>
    public float[] FinalGain { get; }

    /// <summary>Layers, first to last.</summary>
    public LayerWeights[] Layers { get; }

    /// <summary>Type of the embedding table, which stands for the checkpoint's.</summary>
    public DType Type => Embedding.Type;

    /// <summary>Bytes of all tensors the text part uses.</summary>
    public long Bytes { get; private set; }

    /// <summary>Maps the weights of a model folder and checks their shapes against the config.</summary>
    /// <param name="folder">Folder with model.safetensors or its index, or one safetensors file.</param>
    /// <param name="config">The model's config.</param>
    /// <param name="checkFinite">Whether every weight is read once to find NaN and infinity.</param>
    /// <param name="mayLackFinalNorm">Whether the final norm may be missing, which then has no gain.</param>
    /// <exception cref="FileFormatException">A tensor is missing, misshapen or not finite.</exception>
    public static GemmaWeights Load(string folder, GemmaConfig config, bool checkFinite, bool mayLackFinalNorm = false)
    {
        var files = ShardedSafetensors.Open(folder);
        try
        {
            var weights = new GemmaWeights(files, config, mayLackFinalNorm);
            if (checkFinite)
                weights.CheckFinite();
            return weights;
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    /// <summary>A copy in memory that cannot write along a direction. It needs the files that this one maps, which stays to be
    /// disposed.</summary>
    public GemmaWeights Orthogonalised(float[] direction, bool alsoUnembedding) => new(this, direction, alsoUnembedding);

    public void Dispose()
    {
        if (_orthogonalised is not null)
            _orthogonalised.Dispose();
        else
            _files.Dispose();
    }

    /// <inheritdoc cref="ShardedSafetensors.RequireWhole"/>
    public void RequireWhole() => _files.RequireWhole();

    private LayerWeights Layer(int i)
    {
        var (d, mlp, query, keyValue) = (
            _config.Width,
            _config.MlpWidth,
            _config.Heads * _config.HeadSize,
            _config.KeyValueHeads * _config.HeadSize
        );
        var layer = $"layers.{i}.";
        var attention = layer + "self_attn.";
        return new LayerWeights(
            InputGain: Gain(layer + "input_layernorm.weight", d),
            PostAttentionGain: Gain(layer + "post_attention_layernorm.weight", d),
            PreMlpGain: Gain(layer + "pre_feedforward_layernorm.weight", d),
            PostMlpGain: Gain(layer + "post_feedforward_layernorm.weight", d),
            QueryGain: _config.HasQueryKeyNorm ? Gain(attention + "q_norm.weight", _config.HeadSize) : null,
            KeyGain: _config.HasQueryKeyNorm ? Gain(attention + "k_norm.weight", _config.HeadSize) : null,
            Query: Linear(attention + "q_proj.weight", query, d),
            Key: Linear(attention + "k_proj.weight", keyValue, d),
            Value: Linear(attention + "v_proj.weight", keyValue, d),
            Output: Linear(attention + "o_proj.weight", d, query),
            Gate: Linear(layer + "mlp.gate_proj.weight", mlp, d),
            Up: Linear(layer + "mlp.up_proj.weight", mlp, d),
            Down: Linear(layer + "mlp.down_proj.weight", d, mlp)
        );
    }

    private WeightView Linear(string name, int outputs, int inputs) => WeightView.Of(Get(name, outputs, inputs), WeightLayout.OutIn);

    private float[] Gain(string name, int width)
    {
        using var wide = Get(name, width).ToF32();
        var gain = wide.AsSpan().ToArray();
        for (var i = 0; i < gain.Length; i++)
            gain[i] += 1;
        return gain;
    }

    private Tensor Get(string name, params ReadOnlySpan<long> shape)
    {
        var full = _names.Stored(name);
        var tensor = _files[full];
        if (!tensor.Type.IsWeightType())
            throw new FileFormatException($"tensor '{full}' has type {tensor.Type}; F32, BF16 and F16 are supported", _files.FileOf(full));
        if (!tensor.Shape.SequenceEqual(shape))
            throw new FileFormatException(
                $"tensor '{full}' has shape [{string.Join(", ", tensor.Shape.ToArray())}], config.json asks for "
                    + $"[{string.Join(", ", shape.ToArray())}]",
                _files.FileOf(full)
            );
        Bytes += tensor.ByteLength;
        return tensor;
    }

    /// <summary>A re-saved file may hold copies of the tied table; an untied head would need other code (METHODS §1.3).</summary>
    private void CheckTiedHead()
    {
        foreach (var name in _names.Heads)
            if (!IsEmbedding(_files[name]))
                throw new FileFormatException(
                    $"tensor '{name}' differs from the embedding table; Gemma ties the two, and a head of its own is not supported",
                    _files.FileOf(name)
                );
        if (!_config.Tied && !_names.Heads.Any())
            throw new FileFormatException(
                "has no lm_head.weight, while config.json says with 'tie_word_embeddings': false that the model has a head of its own",
                _files.Path
            );
    }

    private unsafe bool IsEmbedding(Tensor head)
    {
        if (head.Type != Embedding.Type || !head.Shape.SequenceEqual(Embedding.Shape))
            return false;
        const long block = 1 << 28;
        for (long at = 0; at < head.ByteLength; at += block)
        {
            var count = (int)Math.Min(block, head.ByteLength - at);
            if (!new ReadOnlySpan<byte>(head.Pointer + at, count).SequenceEqual(new ReadOnlySpan<byte>(Embedding.Pointer + at, count)))
                return false;
        }
        return true;
    }

    private void CheckFinite()
    {
        foreach (var name in _names.All)
            if (_files[name].Type.IsWeightType())
                TensorChecks.RequireFinite(_files[name], name, _files.FileOf(name));
    }
}
