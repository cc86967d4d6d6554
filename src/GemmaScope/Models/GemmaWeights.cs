using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>The weights of one layer: matrices mapped in their stored type, gains widened to f32 with the 1 added (METHODS §1.4 no. 2).
/// </summary>
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

/// <summary>All weights of a model, mapped from its files. A layer's matrices, and the table, may be replaced by copies of the same numbers
/// while runs are made (<see cref="PrivateWeights"/>): who takes the layer's record uses one or the other throughout.</summary>
internal sealed class GemmaWeights : IDisposable
{
    private const string FinalNorm = "norm.weight";

    /// <summary>What lies in the processor's caches anyway is not copied.</summary>
    private const long LeastCopied = 128 << 20;

    private readonly ModelTensors _tensors;
    private readonly GemmaConfig _config;
    private readonly Dictionary<DType, long> _byType = [];
    private readonly OrthogonalisedWeights? _orthogonalised;
    private readonly bool[] _readAhead;
    private Tensor _embedding,
        _unembedding;
    private PrivateWeights? _copies;

    private GemmaWeights(GemmaWeights original, float[] direction, bool alsoUnembedding)
    {
        (_tensors, _config, FinalGain) = (original._tensors, original._config, original.FinalGain);
        (Bytes, Parameters, _byType) = (original.Bytes, original.Parameters, original._byType);
        _orthogonalised = new OrthogonalisedWeights(original, direction, alsoUnembedding);
        (_embedding, _unembedding, Layers) = (_orthogonalised.Embedding, _orthogonalised.Unembedding, _orthogonalised.Layers);
        _readAhead = [.. Layers.Select(_ => true)];
    }

    private GemmaWeights(ModelTensors tensors, GemmaConfig config, bool mayLackFinalNorm)
    {
        (_tensors, _config) = (tensors, config);
        _embedding = _unembedding = Get("embed_tokens.weight", config.VocabularyRows, config.Width);
        _readAhead = new bool[config.Layers];
        FinalGain =
            mayLackFinalNorm && !tensors.All.Contains(tensors.Stored(FinalNorm))
                ? [.. Enumerable.Repeat(1f, config.Width)]
                : Gain(FinalNorm, config.Width);
        Layers = [.. Enumerable.Range(0, config.Layers).Select(Layer)];
        _tensors.RequireAllUsed(config);
        if (!mayLackFinalNorm)
            CheckTiedHead();
    }

    /// <summary>[vocabulary rows, d], unscaled.</summary>
    public Tensor Embedding => Volatile.Read(ref _embedding);

    /// <summary>The same table, unless the copy that reads tokens was edited.</summary>
    public Tensor Unembedding => Volatile.Read(ref _unembedding);

    /// <summary>1 + gain of the final norm.</summary>
    public float[] FinalGain { get; }

    /// <summary>Layers, first to last.</summary>
    public LayerWeights[] Layers { get; }

    /// <summary>Type of the embedding table, which stands for the checkpoint's.</summary>
    public DType Type => Embedding.Type;

    /// <summary>Bytes of all tensors the text part uses.</summary>
    public long Bytes { get; private set; }

    /// <summary>Numbers in all tensors the text part uses.</summary>
    public long Parameters { get; private set; }

    /// <summary>How many bytes have which type, most first.</summary>
    public IReadOnlyList<(DType Type, long Bytes)> Types =>
        [.. _byType.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key).Select(pair => (pair.Key, pair.Value))];

    /// <summary>The weights of a model, their shapes checked against the config.</summary>
    /// <param name="tensors">The model's tensors, which are disposed with the weights, and where they cannot be used.</param>
    /// <param name="config">The model's config.</param>
    /// <param name="checkFinite">Whether every weight is read once to find NaN and infinity.</param>
    /// <param name="mayLackFinalNorm">Whether the final norm may be missing, which then has no gain.</param>
    /// <exception cref="FileFormatException">A tensor is missing, misshapen or not finite.</exception>
    public static GemmaWeights Load(ModelTensors tensors, GemmaConfig config, bool checkFinite, bool mayLackFinalNorm = false)
    {
        try
        {
            var weights = new GemmaWeights(tensors, config, mayLackFinalNorm);
            if (checkFinite)
                weights.CheckFinite();
            return weights;
        }
        catch
        {
            tensors.Dispose();
            throw;
        }
    }

    /// <summary>A copy in memory that cannot write along a direction. It needs the files that this one maps, which stays to be
    /// disposed.</summary>
    public GemmaWeights Orthogonalised(float[] direction, bool alsoUnembedding) => new(this, direction, alsoUnembedding);

    /// <summary>Copies of the matrices, whole or being made; null where they stay mapped.</summary>
    public PrivateWeights? Copies => _copies;

    /// <summary>Has the matrices copied into memory; once, before the first run.</summary>
    /// <param name="storage">When.</param>
    /// <param name="cancellationToken">Ends the copying of all at once.</param>
    /// <exception cref="GemmaScopeException">They are to be in memory, which has no room for them.</exception>
    public void Place(WeightStorage storage, CancellationToken cancellationToken)
    {
        if (storage == WeightStorage.Mapped || (storage == WeightStorage.Automatic && Bytes < LeastCopied))
            return;
        _copies = new PrivateWeights(this, room: storage == WeightStorage.Automatic ? 2 : 1);
        if (storage == WeightStorage.Private)
            _copies.CopyAll(cancellationToken);
    }

    /// <summary>Every matrix, in the order in which a run reads them.</summary>
    public IEnumerable<StoredMatrix> Matrices()
    {
        for (var i = 0; i < Layers.Length; i++)
        {
            var (layer, w) = (i, Layers[i]);
            yield return new(w.Query, copy => Replace(layer, Layers[layer] with { Query = copy }));
            yield return new(w.Key, copy => Replace(layer, Layers[layer] with { Key = copy }));
            yield return new(w.Value, copy => Replace(layer, Layers[layer] with { Value = copy }));
            yield return new(w.Output, copy => Replace(layer, Layers[layer] with { Output = copy }));
            yield return new(w.Gate, copy => Replace(layer, Layers[layer] with { Gate = copy }));
            yield return new(w.Up, copy => Replace(layer, Layers[layer] with { Up = copy }));
            yield return new(w.Down, copy => Replace(layer, Layers[layer] with { Down = copy }));
        }
        yield return new(WeightView.Of(_embedding, WeightLayout.OutIn), ReplaceTable);
    }

    /// <summary>Has the system read a layer's matrices from the disk, or behind the last layer the table, while something else is computed:
    /// the first time that it is said of the layer.</summary>
    public void ReadAhead(int layer)
    {
        if (layer == 0 || Volatile.Read(ref _readAhead[layer - 1]))
            return;
        Volatile.Write(ref _readAhead[layer - 1], true);
        if (layer == Layers.Length)
        {
            ReadAhead(WeightView.Of(Unembedding, WeightLayout.OutIn));
            return;
        }
        var w = Layers[layer];
        foreach (var matrix in (ReadOnlySpan<WeightView>)[w.Query, w.Key, w.Value, w.Output, w.Gate, w.Up, w.Down])
            ReadAhead(matrix);
    }

    public void Dispose()
    {
        _copies?.Dispose();
        if (_orthogonalised is not null)
            _orthogonalised.Dispose();
        else
            _tensors.Dispose();
    }

    /// <inheritdoc cref="ShardedSafetensors.RequireWhole"/>
    public void RequireWhole() => _tensors.RequireWhole();

    private static unsafe void ReadAhead(WeightView matrix) => LinuxMemory.ReadAhead(matrix.Data, matrix.RowBytes * matrix.Outputs);

    private void Replace(int layer, LayerWeights weights) => Volatile.Write(ref Layers[layer], weights);

    private unsafe void ReplaceTable(WeightView copy)
    {
        var table = Tensor.Borrow((byte*)copy.Data, copy.Type, _embedding.Shape, this);
        Volatile.Write(ref _unembedding, table);
        Volatile.Write(ref _embedding, table);
    }

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
            gain[i] += _tensors.GainOffset;
        return gain;
    }

    private Tensor Get(string name, params ReadOnlySpan<long> shape)
    {
        var full = _tensors.Stored(name);
        var tensor = _tensors.Get(full);
        if (!_tensors.Takes(tensor.Type))
            throw new FileFormatException(
                $"tensor '{full}' has type {tensor.Type}; F32, BF16 and F16 are supported",
                _tensors.FileOf(full)
            );
        if (!tensor.Shape.SequenceEqual(shape))
            throw new FileFormatException(
                $"tensor '{full}' has shape [{string.Join(", ", tensor.Shape.ToArray())}], {_tensors.Sizes} asks for "
                    + $"[{string.Join(", ", shape.ToArray())}]",
                _tensors.FileOf(full)
            );
        Bytes += tensor.ByteLength;
        Parameters += tensor.Length;
        _byType[tensor.Type] = _byType.GetValueOrDefault(tensor.Type) + tensor.ByteLength;
        return tensor;
    }

    /// <summary>A re-saved file may hold copies of the tied table; an untied head would need other code (METHODS §1.3).</summary>
    private void CheckTiedHead()
    {
        foreach (var name in _tensors.Heads)
            if (!IsEmbedding(_tensors.Get(name)))
                throw new FileFormatException(
                    $"tensor '{name}' differs from the embedding table; Gemma ties the two, and a head of its own is not supported",
                    _tensors.FileOf(name)
                );
        if (!_config.Tied && !_tensors.Heads.Any())
            throw new FileFormatException(
                "has no lm_head.weight, while config.json says with 'tie_word_embeddings': false that the model has a head of its own",
                _tensors.Path
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

    private unsafe void CheckFinite()
    {
        string[] names = [.. _tensors.All.Where(name => _tensors.Get(name).Type.IsMatrixType())];
        for (var i = 0; i < names.Length; i++)
        {
            // The disk brings the next while this one is looked at.
            if (i + 1 < names.Length && _tensors.Get(names[i + 1]) is var next)
                LinuxMemory.ReadAhead(next.Pointer, next.ByteLength);
            TensorChecks.RequireFinite(_tensors.Get(names[i]), names[i], _tensors.FileOf(names[i]));
        }
    }
}
