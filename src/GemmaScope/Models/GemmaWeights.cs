using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>All weights of a model, mapped from its files. A layer's matrices, and the table, may be replaced by copies of the same numbers
/// while runs are made (<see cref="PrivateWeights"/>): who takes the layer's record uses one or the other throughout.</summary>
internal sealed class GemmaWeights : IDisposable
{
    private const string FinalNorm = "norm.weight";

    /// <summary>What lies in the processor's caches anyway is not copied.</summary>
    private const long LeastCopied = 128 << 20;

    private readonly ModelTensors _tensors;
    private readonly GemmaConfig _config;
    private readonly Dictionary<DType, long> _byType;
    private readonly OrthogonalisedWeights? _orthogonalised;
    private readonly bool[] _readAhead;
    private Tensor _embedding,
        _unembedding;
    private PrivateWeights? _copies;

    private GemmaWeights(GemmaWeights original, float[] direction, bool alsoUnembedding)
    {
        (_tensors, _config, FinalGain) = (original._tensors, original._config, original.FinalGain);
        PerLayer = original.PerLayer;
        (Bytes, Parameters, _byType) = (original.Bytes, original.Parameters, original._byType);
        _orthogonalised = new OrthogonalisedWeights(original, direction, alsoUnembedding);
        (_embedding, _unembedding, Layers) = (_orthogonalised.Embedding, _orthogonalised.Unembedding, _orthogonalised.Layers);
        _readAhead = [.. Layers.Select(_ => true)];
    }

    private GemmaWeights(ModelTensors tensors, GemmaConfig config, bool mayLackFinalNorm)
    {
        (_tensors, _config) = (tensors, config);
        var reader = new WeightReader(tensors, config);
        _embedding = _unembedding = reader.Get("embed_tokens.weight", config.VocabularyRows, config.Width);
        _readAhead = new bool[config.Layers];
        FinalGain =
            mayLackFinalNorm && !tensors.All.Contains(tensors.Stored(FinalNorm))
                ? [.. Enumerable.Repeat(1f, config.Width)]
                : reader.Gain(FinalNorm, config.Width);
        PerLayer = reader.PerLayer();
        Layers = reader.Layers();
        (Bytes, Parameters, _byType) = (reader.Bytes, reader.Parameters, reader.ByType);
        _tensors.RequireAllUsed(config);
        if (!mayLackFinalNorm)
            CheckTiedHead();
    }

    /// <summary>[vocabulary rows, d], unscaled.</summary>
    public Tensor Embedding => Volatile.Read(ref _embedding);

    /// <summary>The same table, unless the copy that reads tokens was edited.</summary>
    public Tensor Unembedding => Volatile.Read(ref _unembedding);

    /// <summary>The gain of the final norm.</summary>
    public float[] FinalGain { get; }

    /// <summary>Layers, first to last.</summary>
    public LayerWeights[] Layers { get; }

    /// <summary>Embeddings for each layer; null where there are none.</summary>
    public PerLayerWeights? PerLayer { get; private set; }

    /// <summary>Type of the embedding table, which stands for the checkpoint's.</summary>
    public DType Type => Embedding.Type;

    /// <summary>Bytes of all tensors the text part uses.</summary>
    public long Bytes { get; }

    /// <summary>Numbers in all tensors the text part uses.</summary>
    public long Parameters { get; }

    /// <summary>How many bytes have which type, most first.</summary>
    public IReadOnlyList<(DType Type, long Bytes)> Types =>
        [.. _byType.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key).Select(pair => (pair.Key, pair.Value))];

    /// <summary>The weights of a model, their shapes checked against the config.</summary>
    /// <param name="tensors">The model's tensors, which are disposed with the weights, and where they cannot be used.</param>
    /// <param name="config">The model's config.</param>
    /// <param name="checkFinite">Whether weights are read once to find NaN and infinity.</param>
    /// <param name="mayLackFinalNorm">Whether the final norm may be missing, which then has no gain.</param>
    /// <param name="checkAll">Whether those are read too of which a token needs a small part: experts, and rows of the table of embeddings
    /// for each layer.</param>
    /// <exception cref="FileFormatException">A tensor is missing, misshapen or not finite.</exception>
    public static GemmaWeights Load(
        ModelTensors tensors,
        GemmaConfig config,
        bool checkFinite,
        bool mayLackFinalNorm = false,
        bool checkAll = true
    )
    {
        try
        {
            var weights = new GemmaWeights(tensors, config, mayLackFinalNorm);
            if (checkFinite)
                weights.CheckFinite(checkAll);
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

    /// <summary>Every matrix that each token is multiplied by, in the order in which a run reads them: no experts, of which few are read, and
    /// no table of embeddings for each layer.</summary>
    public IEnumerable<StoredMatrix> Matrices()
    {
        if (PerLayer is { } perLayer)
            yield return new(perLayer.Projection, copy => PerLayer = PerLayer with { Projection = copy });
        for (var i = 0; i < Layers.Length; i++)
        {
            var (layer, w, shape) = (i, Layers[i], _config.Shapes[i]);
            yield return new(w.Query, copy => Replace(layer, Layers[layer] with { Query = copy }));
            if (shape.KeyValueSource is null)
                yield return new(
                    w.Key,
                    copy => Replace(layer, Layers[layer] with { Key = copy, Value = shape.ValuesAreKeys ? copy : Layers[layer].Value })
                );
            if (shape is { KeyValueSource: null, ValuesAreKeys: false })
                yield return new(w.Value, copy => Replace(layer, Layers[layer] with { Value = copy }));
            yield return new(w.Output, copy => Replace(layer, Layers[layer] with { Output = copy }));
            yield return new(w.Gate, copy => Replace(layer, Layers[layer] with { Gate = copy }));
            yield return new(w.Up, copy => Replace(layer, Layers[layer] with { Up = copy }));
            yield return new(w.Down, copy => Replace(layer, Layers[layer] with { Down = copy }));
            if (w.PerLayer is null)
                continue;
            yield return new(
                w.PerLayer.Gate,
                copy => Replace(layer, Layers[layer] with { PerLayer = Layers[layer].PerLayer! with { Gate = copy } })
            );
            yield return new(
                w.PerLayer.Projection,
                copy => Replace(layer, Layers[layer] with { PerLayer = Layers[layer].PerLayer! with { Projection = copy } })
            );
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

    private unsafe void CheckFinite(bool all)
    {
        var left = all ? [] : _tensors.All.Where(WeightReader.IsReadInParts);
        string[] names = [.. _tensors.All.Except(left).Where(name => _tensors.Get(name).Type.IsMatrixType())];
        for (var i = 0; i < names.Length; i++)
        {
            // The disk brings the next while this one is looked at.
            if (i + 1 < names.Length && _tensors.Get(names[i + 1]) is var next)
                LinuxMemory.ReadAhead(next.Pointer, next.ByteLength);
            TensorChecks.RequireFinite(_tensors.Get(names[i]), names[i], _tensors.FileOf(names[i]));
        }
    }
}
