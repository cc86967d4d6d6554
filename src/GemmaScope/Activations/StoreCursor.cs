using GemmaScope.Models;

namespace GemmaScope.Activations;

/// <summary>A place in the endless stream of a store's rows: epochs follow each other, each with the buckets in an order of its
/// own.</summary>
internal sealed class StoreCursor : IDisposable
{
    private readonly ActivationStore _store;
    private readonly int[] _sites;
    private readonly StoreBucket[] _buckets;
    private readonly long _seed;
    private ShardReader[] _shards = [];
    private int[] _order = [];
    private long _epoch;
    private int _bucket,
        _row;

    public StoreCursor(ActivationStore store, IReadOnlyList<Site> sites, long seed, long position)
    {
        (_store, _seed) = (store, seed);
        _sites = [.. sites.Select(store.IndexOf)];
        _buckets = [.. store.Manifest.Parts.SelectMany(part => part.Buckets)];
        (_epoch, var left) = Math.DivRem(position, store.Rows);
        _order = Order();
        for (; left >= Current.Rows; _bucket++)
            left -= Current.Rows;
        _row = (int)left;
    }

    private StoreBucket Current => _buckets[_order[_bucket]];

    /// <summary>Reads the next rows of all sites.</summary>
    public void Read(ActivationBatch batch)
    {
        for (var done = 0; done < batch.Rows; )
        {
            if (_row == Current.Rows)
                Next();
            if (_shards.Length == 0)
                Open();
            var count = Math.Min(batch.Rows - done, Current.Rows - _row);
            for (var i = 0; i < _shards.Length; i++)
                _shards[i].Read(_row, batch[i].SliceRows(done, count));
            _row += count;
            done += count;
        }
    }

    public void Dispose() => Close();

    private void Next()
    {
        Close();
        _row = 0;
        if (++_bucket < _order.Length)
            return;
        (_bucket, _epoch) = (0, _epoch + 1);
        _order = Order();
    }

    private int[] Order() => Shuffle.Permutation(_buckets.Length, _seed, _epoch);

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
