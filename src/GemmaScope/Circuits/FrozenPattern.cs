using System.Numerics.Tensors;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Circuits;

/// <summary>
/// The attention pattern of one layer, kept for products with its transpose: pᵀ [keys, queries] of each head in blocks of keys, each
/// block with the queries that can see it. Half of a causal pattern is nothing, and is neither kept nor multiplied.
/// </summary>
internal sealed unsafe class FrozenPattern
{
    private const int BlockKeys = 128;

    [ThreadStatic]
    private static Scratch? t_scratch;

    private readonly int _tokens,
        _heads,
        _window;
    private readonly long[] _starts;
    private readonly Tensor _data;

    /// <param name="config">The model.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="pattern">[heads · queries, keys] of one whole sequence.</param>
    /// <param name="memory">Where it is kept, and how long.</param>
    public FrozenPattern(GemmaConfig config, int layer, MatrixView pattern, ScratchMemory memory)
    {
        (_tokens, _heads) = (pattern.Columns, config.Heads);
        _window = config.WindowOf(layer);
        var blocks = (_tokens + BlockKeys - 1) / BlockKeys;
        _starts = new long[blocks + 1];
        for (var block = 0; block < blocks; block++)
            _starts[block + 1] = _starts[block] + (long)Keys(block) * Queries(block) * _heads;
        _data = memory.Allocate(_starts[^1]);
        Workers.For(blocks * _heads, new TransposeJob(this, pattern));
    }

    /// <summary>Writes p of all heads into [heads · queries, keys], as the layer has it.</summary>
    public void CopyTo(MatrixView pattern)
    {
        for (var row = 0; row < pattern.Rows; row++)
        {
            pattern.Row(row).Clear();
            var (head, query) = (row / _tokens, row % _tokens);
            for (var key = 0; key <= query; key++)
                if (query - key < _window)
                    pattern.Row(row)[key] = Weight(head, query, key);
        }
    }

    /// <summary>p of a head, for a key that the query sees.</summary>
    public float Weight(int head, int query, int key) =>
        Block(key / BlockKeys, head).Row(key % BlockKeys)[query - key / BlockKeys * BlockKeys];

    /// <summary>The first key that the queries from a position on see.</summary>
    public int FirstKey(int query) => _window == int.MaxValue ? 0 : Math.Max(0, query - _window + 1);

    /// <summary>
    /// dv = Σ over the heads of a key-value head of pᵀ dz, for a run of keys and a run of queries that ends where the keys end. On the
    /// calling thread.
    /// </summary>
    /// <param name="keyValueHead">The key-value head.</param>
    /// <param name="group">Query heads that share it.</param>
    /// <param name="headSize">Numbers of a head.</param>
    /// <param name="dz">[queries, heads · head size], its first row at <paramref name="firstQuery"/>.</param>
    /// <param name="firstQuery">Position of the first query.</param>
    /// <param name="dv">[keys, head size] of this key-value head, overwritten; its first row at <paramref name="firstKey"/>.</param>
    /// <param name="firstKey">Position of the first key.</param>
    public void Multiply(int keyValueHead, int group, int headSize, MatrixView dz, int firstQuery, MatrixView dv, int firstKey)
    {
        var (endQuery, endKey) = (firstQuery + dz.Rows, firstKey + dv.Rows);
        var other = new MatrixView((t_scratch ??= new()).Floats((long)BlockKeys * headSize), BlockKeys, headSize, headSize);
        for (var block = firstKey / BlockKeys; block * BlockKeys < endKey; block++)
        {
            var start = block * BlockKeys;
            var (keyFrom, keyTo) = (Math.Max(firstKey, start), Math.Min(endKey, start + Keys(block)));
            var (queryFrom, queryTo) = (Math.Max(firstQuery, keyFrom), Math.Min(endQuery, start + Queries(block)));
            var sum = dv.SliceRows(keyFrom - firstKey, keyTo - keyFrom);
            if (queryFrom >= queryTo)
            {
                for (var i = 0; i < sum.Rows; i++)
                    sum.Row(i).Clear();
                continue;
            }
            for (var i = 0; i < group; i++)
            {
                var head = keyValueHead * group + i;
                var transposed = Block(block, head)
                    .SliceRows(keyFrom - start, keyTo - keyFrom)
                    .SliceColumns(queryFrom - start, queryTo - queryFrom);
                var rows = dz.SliceRows(queryFrom - firstQuery, queryTo - queryFrom).SliceColumns(head * headSize, headSize);
                var result = i == 0 ? sum : other.SliceRows(0, sum.Rows);
                ManagedKernels.MultiplyHere(transposed, WeightView.Of(rows, WeightLayout.InOut), result);
                for (var row = 0; i > 0 && row < sum.Rows; row++)
                    TensorPrimitives.Add(sum.Row(row), result.Row(row), sum.Row(row));
            }
        }
    }

    private int Keys(int block) => Math.Min(BlockKeys, _tokens - block * BlockKeys);

    /// <summary>How many queries, from the block's first key on, see any of its keys.</summary>
    private int Queries(int block)
    {
        var rest = _tokens - block * BlockKeys;
        return _window == int.MaxValue ? rest : (int)Math.Min(rest, (long)Keys(block) + _window - 1);
    }

    private MatrixView Block(int block, int head)
    {
        var (keys, queries) = (Keys(block), Queries(block));
        return new(_data.Floats + _starts[block] + (long)head * keys * queries, keys, queries, queries);
    }

    private readonly struct TransposeJob(FrozenPattern target, MatrixView pattern) : IJob
    {
        public void Run(int index)
        {
            var (block, head) = (index / target._heads, index % target._heads);
            var (start, to) = (block * BlockKeys, target.Block(block, head));
            for (var query = 0; query < to.Columns; query++)
            {
                var row = pattern.Row(head * target._tokens + start + query);
                for (var key = 0; key < to.Rows; key++)
                    to.Row(key)[query] = row[start + key];
            }
        }
    }
}
