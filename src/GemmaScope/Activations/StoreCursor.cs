using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Activations;

/// <summary>A place in the endless stream of a store's rows: epochs follow each other, each with the buckets, and the rows in them, in an
/// order of its own that the seed decides.</summary>
internal sealed class StoreCursor : IDisposable
{
    private readonly ActivationStore _store;
    private readonly int[] _sites;
    private readonly StoreBucket[] _buckets;
    private readonly Tensor[] _group;
    private readonly long _seed;
    private ShardReader[] _shards = [];
    private int[] _order = [],
        _mixed = [];
    private ReadingOrder _rows;
    private long _epoch;
    private int _bucket,
        _at,
        _next;

    public StoreCursor(ActivationStore store, IReadOnlyList<Site> sites, long seed, long position)
    {
        (_store, _seed) = (store, seed);
        _sites = [.. sites.Select(store.IndexOf)];
        _buckets = [.. store.Manifest.Parts.SelectMany(part => part.Buckets)];
        _group = [.. sites.Select(site => Tensor.Uninitialized(ReadingOrder.GroupRows, store.Width(site)))];
        (_epoch, var left) = Math.DivRem(position, store.Rows);
        _order = Shuffle.Permutation(_buckets.Length, seed, _epoch);
        for (; left >= Current.Rows; _bucket++)
            left -= Current.Rows;
        _rows = OrderOfRows();
        for (; left >= _rows.RowsOf(_at); _at++)
            left -= _rows.RowsOf(_at);
        _next = (int)left;
    }

    private StoreBucket Current => _buckets[_order[_bucket]];

    /// <summary>Reads the next rows of all sites.</summary>
    public void Read(ActivationBatch batch)
    {
        for (var row = 0; row < batch.Rows; row++)
        {
            if (_mixed.Length == 0)
                Load();
            for (var site = 0; site < _group.Length; site++)
                _group[site].Row(_mixed[_next]).CopyTo(batch[site].Row(row));
            if (++_next == _mixed.Length)
                Next();
        }
    }

    public void Dispose()
    {
        Close();
        foreach (var rows in _group)
            rows.Dispose();
    }

    /// <summary>Goes on to the next group, bucket or epoch.</summary>
    private void Next()
    {
        (_next, _mixed) = (0, []);
        if (++_at < _rows.Groups)
            return;
        Close();
        _at = 0;
        if (++_bucket == _order.Length)
        {
            (_bucket, _epoch) = (0, _epoch + 1);
            _order = Shuffle.Permutation(_buckets.Length, _seed, _epoch);
        }
        _rows = OrderOfRows();
    }

    private ReadingOrder OrderOfRows() => new(Current.Rows, _seed, _epoch, _order[_bucket]);

    private void Load()
    {
        if (_shards.Length == 0)
            Open();
        var done = 0;
        foreach (var (first, count) in _rows.Pieces(_at))
        {
            for (var site = 0; site < _shards.Length; site++)
                _shards[site].Read(first, _group[site].AsMatrix().SliceRows(done, count));
            done += count;
        }
        _mixed = _rows.Mixed(_at);
    }

    private void Open()
    {
        var shards = new List<ShardReader>();
        try
        {
            foreach (var site in _sites)
                shards.Add(
                    new(
                        _store.Folder,
                        Current.Shards[site],
                        _store.Manifest.Contents.Type,
                        Current.Rows,
                        _store.Manifest.Contents.Sites[site].Width
                    )
                );
            _shards = [.. shards];
        }
        catch
        {
            foreach (var shard in shards)
                shard.Dispose();
            throw;
        }
    }

    private void Close()
    {
        foreach (var shard in _shards)
            shard.Dispose();
        _shards = [];
    }
}
