using System.Numerics.Tensors;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Circuits;

/// <summary>
/// Why a head looks where it looks: its score of a query and a key, before the soft-max and any cap, as a sum over pairs of what made the
/// query and what made the key. With the patterns of earlier layers and all norms frozen (on Gemma 3 those of queries and keys too) both
/// sides are sums over token embeddings, features, errors and biases, so that the score, their product, splits exactly.
/// </summary>
public sealed class QueryKeyAttribution : IDisposable
{
    /// <summary>Sources of a query whose pairs exist at one time.</summary>
    private const int Block = 64;

    private readonly QueryKeySide _query,
        _key;
    private readonly double _scale;

    private QueryKeyAttribution(int layer, int head, int query, int key, GemmaConfig config, QueryKeySide querySide, QueryKeySide keySide)
    {
        (Layer, Head, Query, Key, _query, _key) = (layer, head, query, key, querySide, keySide);
        _scale = 1 / Math.Sqrt(config.QueryPreAttentionScalar);
    }

    /// <summary>The layer.</summary>
    public int Layer { get; }

    /// <summary>The query head.</summary>
    public int Head { get; }

    /// <summary>Position that looks.</summary>
    public int Query { get; }

    /// <summary>Position that is looked at.</summary>
    public int Key { get; }

    /// <summary>The model's score, q · k times the query scale, before any cap.</summary>
    public double Score { get; private init; }

    /// <summary>The same after the cap of attention scores; equal where the model has none.</summary>
    public double CappedScore { get; private init; }

    /// <summary>The part of its attention that the query gives to the key, after the soft-max.</summary>
    public double Weight { get; private init; }

    /// <summary>What made the query.</summary>
    public IReadOnlyList<QueryKeySource> QuerySources => _query.Sources;

    /// <summary>What made the key.</summary>
    public IReadOnlyList<QueryKeySource> KeySources => _key.Sources;

    /// <summary>The sum of all pairs.</summary>
    public double Sum => _scale * Dot(_query.Sum, _key.Sum);

    /// <summary>How far the pairs are from adding up to <see cref="Score"/>.</summary>
    public double Error => Math.Abs(Sum - Score);

    /// <summary>Takes a score apart.</summary>
    /// <param name="model">The prompt.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="head">The query head.</param>
    /// <param name="query">Position that looks.</param>
    /// <param name="key">Position that is looked at.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="ArgumentProblemException">The layer, head or a position does not exist, or the query does not see the
    /// key.</exception>
    public static QueryKeyAttribution Of(
        ReplacementModel model,
        int layer,
        int head,
        int query,
        int key,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(model);
        Check(model, layer, head, query, key);
        var (config, weights, size) = (model.Model.Config, model.Model.Weights.Layers[layer], model.Model.Config.Shapes[layer].HeadSize);
        var keyValueHead = head / config.GroupSize(layer);
        var source = config.Shapes[layer].KeyValueSource ?? layer;
        float[] q = [],
            k = [],
            rotatedQuery = [],
            rotatedKey = [];
        Site last = new(source == layer ? SiteKind.KRope : SiteKind.QRope, layer);
        using var run = model.Model.Run(
            model.Tokens[..(query + 1)],
            edits:
            [
                Read(new(SiteKind.Q, layer), head, query, row => q = row),
                Read(new(SiteKind.K, source), keyValueHead, key, row => k = row),
                Read(new(SiteKind.QRope, layer), head, query, row => rotatedQuery = row),
                Read(new(SiteKind.KRope, source), keyValueHead, key, row => rotatedKey = row),
            ],
            logits: LogitRows.None,
            stopAfter: last,
            arithmetic: Arithmetic.Exact,
            cancellationToken: cancellationToken
        );
        var querySide = QueryKeySide.Of(model, layer, weights.Query, head, query, weights.QueryGain, q, cancellationToken);
        var keySide = QueryKeySide.Of(model, source, weights.Key, keyValueHead, key, weights.KeyGain, k, cancellationToken);
        var score = Dot(Array.ConvertAll(rotatedQuery, one => (double)one), Array.ConvertAll(rotatedKey, one => (double)one));
        score /= Math.Sqrt(config.QueryPreAttentionScalar);
        return new(layer, head, query, key, config, querySide, keySide)
        {
            Score = score,
            Weight = model.Frozen.Pattern(layer).Weight(head, query, key),
            CappedScore = config.AttentionCap is { } cap ? cap * Math.Tanh(score / cap) : score,
        };

        Edit Read(Site site, int one, int position, Action<float[]> keep) =>
            Edit.Function(site, (rows, _) => keep(rows.Row(position).Slice(one * size, size).ToArray()));
    }

    /// <summary>What a pair adds to the score.</summary>
    /// <param name="querySource">Number in <see cref="QuerySources"/>.</param>
    /// <param name="keySource">Number in <see cref="KeySources"/>.</param>
    public double Value(int querySource, int keySource)
    {
        ReadOnlySpan<float> query = _query.Vectors.Row(querySource),
            key = _key.Vectors.Row(keySource);
        double sum = 0;
        for (var i = 0; i < query.Length; i++)
            sum += (double)query[i] * key[i];
        return _scale * sum;
    }

    /// <summary>What a source of the query adds with the whole key.</summary>
    /// <param name="querySource">Number in <see cref="QuerySources"/>.</param>
    public double QueryValue(int querySource) => _scale * Dot(_key.Sum, _query.Vectors.Row(querySource));

    /// <summary>What a source of the key adds with the whole query.</summary>
    /// <param name="keySource">Number in <see cref="KeySources"/>.</param>
    public double KeyValue(int keySource) => _scale * Dot(_query.Sum, _key.Vectors.Row(keySource));

    /// <summary>The pairs with the largest absolute values, the largest first. No matrix of all pairs exists.</summary>
    /// <param name="count">How many at most, from 0.</param>
    /// <exception cref="ArgumentProblemException">The number is negative.</exception>
    public IReadOnlyList<QueryKeyPair> Strongest(int count)
    {
        if (count < 0)
            throw new ArgumentProblemException($"is {count}; it must be 0 or more", "count");
        var best = new PriorityQueue<(int Query, int Key), float>();
        using var values = Tensor.Uninitialized(Block, Math.Max(1, KeySources.Count));
        for (var start = 0; count > 0 && start < QuerySources.Count; start += Block)
        {
            var rows = values.AsMatrix().SliceRows(0, Math.Min(Block, QuerySources.Count - start));
            Compute.Kernels.Multiply(
                _query.Vectors.SliceRows(start, rows.Rows),
                WeightView.Of(_key.Vectors, WeightLayout.OutIn),
                rows,
                Arithmetic.Exact
            );
            for (var i = 0; i < rows.Rows; i++)
            for (var j = 0; j < rows.Columns; j++)
            {
                var size = Math.Abs(rows.Row(i)[j]);
                if (best.Count < count)
                    best.Enqueue((start + i, j), size);
                else if (best.TryPeek(out _, out var least) && size > least)
                    best.DequeueEnqueue((start + i, j), size);
            }
        }
        return
        [
            .. best
                .UnorderedItems.Select(one => new QueryKeyPair(
                    QuerySources[one.Element.Query],
                    KeySources[one.Element.Key],
                    Value(one.Element.Query, one.Element.Key)
                ))
                .OrderByDescending(pair => Math.Abs(pair.Value)),
        ];
    }

    /// <summary>Frees the vectors.</summary>
    public void Dispose()
    {
        _query.Dispose();
        _key.Dispose();
    }

    private static void Check(ReplacementModel model, int layer, int head, int query, int key)
    {
        var config = model.Model.Config;
        ReplacementModel.Require(layer, config.Layers, "layers", nameof(Layer));
        ReplacementModel.Require(head, config.Heads, "heads", nameof(Head));
        ReplacementModel.Require(query, model.Tokens.Length, "positions", nameof(Query));
        ReplacementModel.Require(key, model.Tokens.Length, "positions", nameof(Key));
        if (key > query)
            throw new ArgumentProblemException(
                $"is {key}; a query sees no later position, and this one is at {query}",
                new Setting(nameof(Key))
            );
        if (query - key >= config.WindowOf(layer))
            throw new ArgumentProblemException(
                $"is {key}; in layer {layer} the query at {query} sees the last {config.Window} positions alone",
                new Setting(nameof(Key))
            );
    }

    private static double Dot(double[] x, ReadOnlySpan<float> y)
    {
        double sum = 0;
        for (var i = 0; i < x.Length; i++)
            sum += x[i] * y[i];
        return sum;
    }

    private static double Dot(double[] x, double[] y) => TensorPrimitives.Dot<double>(x, y);
}
