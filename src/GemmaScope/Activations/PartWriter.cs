using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Activations;

/// <summary>Writes one part of a store, bucket by bucket; each bucket that is complete enters the manifest.</summary>
internal sealed class PartWriter : IDisposable
{
    private readonly string _store;
    private readonly HarvestOptions _options;
    private readonly HarvestPlan _plan;
    private readonly StoreContents _contents;
    private readonly BucketScratch _scratch;
    private readonly HashSet<int> _complete;
    private readonly long _widestRow;
    private StorePart _part;
    private BucketWriter? _bucket;

    public PartWriter(string store, StoreContents contents, StorePart part, HarvestPlan plan, HarvestOptions options)
    {
        (_store, _contents, _part, _plan, _options) = (store, contents, part, plan, options);
        _complete = [.. part.Buckets.Select(bucket => bucket.Index)];
        _widestRow = contents.Sites.Max(site => site.Width) * contents.Type.Size();
        _scratch = new(Math.Max(_widestRow, Math.Min(options.RegionBytes, _widestRow * (plan.Buckets == 0 ? 1 : plan.RowsOf(0)))));
        Save();
    }

    /// <summary>Whether some rows of the part are not yet in complete buckets.</summary>
    public bool Needs(long first, int count)
    {
        for (var bucket = BucketOf(first); count > 0 && bucket <= BucketOf(first + count - 1); bucket++)
            if (!_complete.Contains(bucket))
                return true;
        return false;
    }

    /// <summary>Adds the rows of a run; those of complete buckets are passed over.</summary>
    /// <param name="run">The run.</param>
    /// <param name="rows">Its rows that count.</param>
    /// <param name="first">Number of the first of them in the part.</param>
    /// <param name="cancellationToken">Stops between shards.</param>
    public void Add(ModelRun run, ReadOnlySpan<RunRow> rows, long first, CancellationToken cancellationToken)
    {
        while (rows.Length > 0)
        {
            var index = BucketOf(first);
            var count = (int)Math.Min(rows.Length, (long)index * _options.BucketRows + _plan.RowsOf(index) - first);
            if (!_complete.Contains(index))
                Add(index, run, rows[..count], cancellationToken);
            rows = rows[count..];
            first += count;
        }
    }

    public void Dispose() => _bucket?.Dispose();

    private void Add(int index, ModelRun run, ReadOnlySpan<RunRow> rows, CancellationToken cancellationToken)
    {
        _bucket ??= new(_store, _part.Folder, index, _contents, Layout(index), _scratch, _options.BeforeWrite);
        _bucket.Add(run, rows);
        if (!_bucket.IsFull)
            return;
        var complete = _bucket.Finish(cancellationToken);
        _bucket.Dispose();
        _bucket = null;
        _complete.Add(index);
        _part = _part with { Buckets = [.. _part.Buckets.Append(complete).OrderBy(bucket => bucket.Index)] };
        Save();
    }

    private BucketLayout Layout(int index) =>
        new(_plan.RowsOf(index), _widestRow, _options.RegionBytes, _options.Seed, _options.Part, index);

    private int BucketOf(long row) => checked((int)(row / _options.BucketRows));

    private void Save() => ManifestFile.Write(ManifestFile.PartFile(_store, _part.Folder), new() { Contents = _contents, Parts = [_part] });
}
