using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>
/// Grouped-query attention of one layer over all sequences of a run (METHODS §1.2): scores, soft cap before the mask, causal and
/// sliding mask (key k visible to query q iff q − window &lt; k ≤ q), soft-max in f32, weighted values.
/// </summary>
internal readonly struct Attention(GemmaConfig config, int layer, RunHooks hooks, RunSequences sequences)
{
    /// <summary>Queries of one head computed together: enough rows for the product kernels, few enough for their scores to stay in cache.</summary>
    private const int QueryBlock = 128;

    /// <summary>z = attention(q, k, v), each [tokens, heads · head size]; q and k after RoPE.</summary>
    public void Run(MatrixView q, MatrixView k, MatrixView v, MatrixView z)
    {
        var open = hooks.Listens(SiteKind.AttnScoresRaw, layer) || hooks.Listens(SiteKind.AttnScoresSoftcapped, layer) || hooks.Listens(SiteKind.AttnPattern, layer);
        for (var s = 0; s < sequences.Count; s++)
        {
            var (queries, output) = (sequences.Rows(q, s), sequences.Rows(z, s));
            var (keys, values) = (sequences.Rows(k, s), sequences.Rows(v, s));
            var seen = sequences.Cache(s)?.Layer(layer).Append(keys, values) ?? new KeysAndValues(keys, values, sequences.First(s));
            if (open) Open(s, queries, seen, output);
            else Closed(s, queries, seen, output);
        }
    }

    private int Window => config.Sliding[layer] ? config.Window : int.MaxValue;

    private float Scale => (float)(1 / Math.Sqrt(config.QueryPreAttentionScalar));

    /// <summary>Without listeners: only visible scores are computed, block by block.</summary>
    private void Closed(int sequence, MatrixView queries, KeysAndValues seen, MatrixView output)
    {
        var first = sequences.First(sequence);
        if (queries.Rows == 1)
            Workers.For(config.KeyValueHeads, new GroupJob(config, Window, Scale, queries, seen, output, first));
        else
            Workers.For(config.Heads * ((queries.Rows + QueryBlock - 1) / QueryBlock), new BlockJob(config, Window, Scale, queries, seen, output, first));
    }

    /// <summary>With listeners: all scores of all heads exist as matrices [heads · queries, keys].</summary>
    private void Open(int sequence, MatrixView queries, KeysAndValues seen, MatrixView output)
    {
        var (n, count) = (queries.Rows, seen.Keys.Rows);
        using var scores = Tensor.Uninitialized(config.Heads * n, count);
        var all = scores.AsMatrix();
        for (var head = 0; head < config.Heads; head++)
        {
            var (query, key, _) = Head(config, head, queries, seen);
            var block = all.SliceRows(head * n, n);
            ManagedKernels.MultiplyHere(query, WeightView.Of(key, WeightLayout.OutIn), block);
            for (var i = 0; i < n; i++) TensorPrimitives.Multiply(block.Row(i), Scale, block.Row(i));
        }
        hooks.AtAttention(SiteKind.AttnScoresRaw, layer, all, sequence, sequences);
        if (config.AttentionCap is float cap) Workers.For(all.Rows, new CapRow(all, cap));
        hooks.AtAttention(SiteKind.AttnScoresSoftcapped, layer, all, sequence, sequences);
        for (var row = 0; row < all.Rows; row++) SoftMaxVisible(all.Row(row), sequences.First(sequence) + row % n, seen.First, Window);
        hooks.AtAttention(SiteKind.AttnPattern, layer, all, sequence, sequences);
        for (var head = 0; head < config.Heads; head++)
        {
            var (_, _, value) = Head(config, head, queries, seen);
            ManagedKernels.MultiplyHere(all.SliceRows(head * n, n), WeightView.Of(value, WeightLayout.InOut), output.SliceColumns(head * config.HeadSize, config.HeadSize));
        }
    }

    private static (MatrixView Query, MatrixView Key, MatrixView Value) Head(GemmaConfig config, int head, MatrixView queries, KeysAndValues seen)
    {
        var keyValueHead = head / (config.Heads / config.KeyValueHeads);
        return (queries.SliceColumns(head * config.HeadSize, config.HeadSize),
            seen.Keys.SliceColumns(keyValueHead * config.HeadSize, config.HeadSize),
            seen.Values.SliceColumns(keyValueHead * config.HeadSize, config.HeadSize));
    }

    /// <summary>Soft-max of one query's scores over the keys it sees; the others become 0. <paramref name="firstKey"/> is the position of column 0.</summary>
    private static void SoftMaxVisible(Span<float> scores, int position, int firstKey, int window)
    {
        var from = (int)Math.Clamp((long)position - window + 1 - firstKey, 0, scores.Length);
        var to = Math.Clamp(position + 1 - firstKey, from, scores.Length);
        scores[..from].Clear();
        scores[to..].Clear();
        Elementwise.SoftMax(scores[from..to]);
    }

    /// <summary>Scores → cap → mask → soft-max → values for query rows that share a key-value head, on this thread.</summary>
    private static unsafe void Attend(GemmaConfig config, float scale, MatrixView query, MatrixView key, MatrixView value, MatrixView output, ReadOnlySpan<int> positions, int firstKey, int window)
    {
        var buffer = Scratch.Get(query.Rows * (long)key.Rows);
        var scores = new MatrixView(buffer, query.Rows, key.Rows, key.Rows);
        ManagedKernels.MultiplyHere(query, WeightView.Of(key, WeightLayout.OutIn), scores);
        for (var i = 0; i < scores.Rows; i++)
        {
            var row = scores.Row(i);
            TensorPrimitives.Multiply(row, scale, row);
            if (config.AttentionCap is float cap) Elementwise.SoftCap(row, cap);
            SoftMaxVisible(row, positions[i], firstKey, window);
        }
        ManagedKernels.MultiplyHere(scores, WeightView.Of(value, WeightLayout.InOut), output);
    }

    /// <summary>A single new token: the heads of one group share their keys, so they go together and each key is read once.</summary>
    private readonly record struct GroupJob(GemmaConfig Config, int Window, float Scale, MatrixView Queries, KeysAndValues Seen, MatrixView Output, int First) : IJob
    {
        public unsafe void Run(int index)
        {
            var (group, size) = (Config.Heads / Config.KeyValueHeads, Config.HeadSize);
            var query = new MatrixView(Queries.Data + index * group * size, group, size, size);
            var output = new MatrixView(Output.Data + index * group * size, group, size, size);
            var from = (int)Math.Max(0, (long)First - Window + 1 - Seen.First);
            var keys = Seen.Keys.SliceColumns(index * size, size).SliceRows(from, Seen.Keys.Rows - from);
            var values = Seen.Values.SliceColumns(index * size, size).SliceRows(from, Seen.Keys.Rows - from);
            Span<int> positions = stackalloc int[group];
            positions.Fill(First);
            Attend(Config, Scale, query, keys, values, output, positions, Seen.First + from, Window);
        }
    }

    /// <summary>A block of queries of one head against the keys that any of them sees.</summary>
    private readonly record struct BlockJob(GemmaConfig Config, int Window, float Scale, MatrixView Queries, KeysAndValues Seen, MatrixView Output, int First) : IJob
    {
        public void Run(int index)
        {
            var (start, head) = (index / Config.Heads * QueryBlock, index % Config.Heads);
            var count = Math.Min(QueryBlock, Queries.Rows - start);
            var (query, key, value) = Head(Config, head, Queries, Seen);
            var from = (int)Math.Max(0, (long)First + start - Window + 1 - Seen.First);
            var to = First + start + count - Seen.First;
            Span<int> positions = stackalloc int[count];
            for (var i = 0; i < count; i++) positions[i] = First + start + i;
            Attend(Config, Scale, query.SliceRows(start, count), key.SliceRows(from, to - from), value.SliceRows(from, to - from),
                Output.SliceColumns(head * Config.HeadSize, Config.HeadSize).SliceRows(start, count), positions, Seen.First + from, Window);
        }
    }

    /// <summary>A thread's score buffer, kept for the next job.</summary>
    private sealed unsafe class Scratch
    {
        [ThreadStatic]
        private static Scratch? t_mine;

        private float* _memory;
        private long _length;

        public static float* Get(long length)
        {
            var mine = t_mine ??= new Scratch();
            if (mine._length < length)
            {
                NativeMemory.AlignedFree(mine._memory);
                mine._memory = (float*)NativeMemory.AlignedAlloc((nuint)length * sizeof(float), 64);
                mine._length = length;
            }
            return mine._memory;
        }

        ~Scratch() => NativeMemory.AlignedFree(_memory);
    }
}
