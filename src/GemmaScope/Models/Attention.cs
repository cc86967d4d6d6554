using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>
/// Grouped-query attention of one layer over all sequences of a run (METHODS §1.2): scores, soft cap before the mask, causal and
/// sliding mask (key k visible to query q iff q − window &lt; k ≤ q), soft-max in f32, weighted values. Keys and values may be another
/// layer's.
/// </summary>
internal readonly struct Attention(GemmaConfig config, int layer, RunHooks hooks, RunSequences sequences)
{
    /// <summary>Rows of scores computed together: enough for the product kernels, few enough to stay in cache.</summary>
    private const int BlockRows = 128;

    [ThreadStatic]
    private static Scratch? t_scratch;

    private readonly LayerShape _shape = config.Shapes[layer];

    /// <summary>z = attention(q, k, v), each [tokens, heads · head size]; q and k after RoPE, v after its norm where it has one.</summary>
    public void Run(MatrixView q, MatrixView k, MatrixView v, MatrixView z)
    {
        var open =
            hooks.Listens(SiteKind.AttnScoresRaw, layer)
            || hooks.Listens(SiteKind.AttnScoresSoftcapped, layer)
            || hooks.Listens(SiteKind.AttnPattern, layer);
        for (var s = 0; s < sequences.Count; s++)
        {
            var (queries, output) = (sequences.Rows(q, s), sequences.Rows(z, s));
            var (keys, values) = (sequences.Rows(k, s), sequences.Rows(v, s));
            var seen =
                sequences.Cache(s)?.Layer(layer) is not { } cache ? new KeysAndValues(keys, values, sequences.First(s))
                : _shape.KeyValueSource is null ? cache.Append(keys, values)
                : cache.Seen;
            if (open)
                Open(s, queries, seen, output);
            else
                Closed(s, queries, seen, output);
        }
    }

    private int Window => config.WindowOf(layer);

    private int Groups => _shape.KeyValueHeads;

    private float Scale => (float)(1 / Math.Sqrt(config.QueryPreAttentionScalar));

    /// <summary>Without listeners: only visible scores are computed, block by block.</summary>
    private void Closed(int sequence, MatrixView queries, KeysAndValues seen, MatrixView output)
    {
        var block = Math.Max(1, BlockRows / config.GroupSize(layer));
        var blocks = (queries.Rows + block - 1) / block;
        Workers.For(blocks * Groups, new GroupJob(config, _shape, Window, Scale, block, queries, seen, output, sequences.First(sequence)));
    }

    /// <summary>With listeners: all scores of all heads exist as matrices [heads · queries, keys].</summary>
    private void Open(int sequence, MatrixView queries, KeysAndValues seen, MatrixView output)
    {
        var (n, count) = (queries.Rows, seen.Keys.Rows);
        using var scores = Tensor.Uninitialized(config.Heads * n, count);
        var all = scores.AsMatrix();
        for (var head = 0; head < config.Heads; head++)
        {
            var (query, key, _) = Head(head, queries, seen);
            var block = all.SliceRows(head * n, n);
            ManagedKernels.MultiplyHere(query, WeightView.Of(key, WeightLayout.OutIn), block);
            for (var i = 0; i < n; i++)
                TensorPrimitives.Multiply(block.Row(i), Scale, block.Row(i));
        }
        hooks.AtAttention(SiteKind.AttnScoresRaw, layer, all, sequence, sequences);
        if (config.AttentionCap is float cap)
            Workers.For(all.Rows, new CapRow(all, cap));
        hooks.AtAttention(SiteKind.AttnScoresSoftcapped, layer, all, sequence, sequences);
        for (var row = 0; row < all.Rows; row++)
            SoftMaxVisible(all.Row(row), sequences.First(sequence) + row % n, seen.First, Window);
        hooks.AtAttention(SiteKind.AttnPattern, layer, all, sequence, sequences);
        for (var head = 0; head < config.Heads; head++)
        {
            var (_, _, value) = Head(head, queries, seen);
            ManagedKernels.MultiplyHere(
                all.SliceRows(head * n, n),
                WeightView.Of(value, WeightLayout.InOut),
                output.SliceColumns(head * _shape.HeadSize, _shape.HeadSize)
            );
        }
    }

    private (MatrixView Query, MatrixView Key, MatrixView Value) Head(int head, MatrixView queries, KeysAndValues seen)
    {
        var (keyValueHead, size) = (head / config.GroupSize(layer), _shape.HeadSize);
        return (
            queries.SliceColumns(head * size, size),
            seen.Keys.SliceColumns(keyValueHead * size, size),
            seen.Values.SliceColumns(keyValueHead * size, size)
        );
    }

    /// <summary>Soft-max of one query's scores over the keys it sees; the others become 0. <paramref name="firstKey"/> is the position of
    /// column 0.</summary>
    private static void SoftMaxVisible(Span<float> scores, int position, int firstKey, int window)
    {
        var from = (int)Math.Clamp((long)position - window + 1 - firstKey, 0, scores.Length);
        var to = Math.Clamp(position + 1 - firstKey, from, scores.Length);
        scores[..from].Clear();
        scores[to..].Clear();
        Elementwise.SoftMax(scores[from..to]);
    }

    /// <summary>
    /// A block of queries of all heads that share a key-value head, against the keys that any of them sees: these are read and
    /// packed once for all. Row r of the job is query r % count of the group's head r / count.
    /// </summary>
    private readonly record struct GroupJob(
        GemmaConfig Config,
        LayerShape Shape,
        int Window,
        float Scale,
        int Block,
        MatrixView Queries,
        KeysAndValues Seen,
        MatrixView Output,
        int First
    ) : IJob
    {
        public unsafe void Run(int index)
        {
            var (keyValueHead, group, size) = (index % Shape.KeyValueHeads, Config.Heads / Shape.KeyValueHeads, Shape.HeadSize);
            // The last queries see the most keys and go first, so that no worker starts the longest part when the others are done.
            var start = ((Queries.Rows - 1) / Block - index / Shape.KeyValueHeads) * Block;
            var count = Math.Min(Block, Queries.Rows - start);
            var position = First + start;
            var from = (int)Math.Max(0, (long)position - Window + 1 - Seen.First);
            var visible = position + count - Seen.First - from;
            var keys = Seen.Keys.SliceColumns(keyValueHead * size, size).SliceRows(from, visible);
            var values = Seen.Values.SliceColumns(keyValueHead * size, size).SliceRows(from, visible);

            var rows = group * count;
            var buffer = (t_scratch ??= new()).Floats(rows * (2L * size + visible));
            var query = new MatrixView(buffer, rows, size, size);
            var mixed = new MatrixView(buffer + rows * size, rows, size, size);
            var scores = new MatrixView(buffer + 2 * rows * size, rows, visible, visible);
            for (var r = 0; r < rows; r++)
                TensorPrimitives.Multiply(HeadRow(Queries, r), Scale, query.Row(r));
            ManagedKernels.MultiplyHere(query, WeightView.Of(keys, WeightLayout.OutIn), scores);
            for (var r = 0; r < rows; r++)
            {
                if (Config.AttentionCap is float cap)
                    Elementwise.SoftCap(scores.Row(r), cap);
                SoftMaxVisible(scores.Row(r), position + r % count, Seen.First + from, Window);
            }
            ManagedKernels.MultiplyHere(scores, WeightView.Of(values, WeightLayout.InOut), mixed);
            for (var r = 0; r < rows; r++)
                mixed.Row(r).CopyTo(HeadRow(Output, r));

            Span<float> HeadRow(MatrixView heads, int r) =>
                heads.Row(start + r % count).Slice((keyValueHead * group + r / count) * size, size);
        }
    }
}
