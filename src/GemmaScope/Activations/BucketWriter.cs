using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Activations;

/// <summary>Memory that the buckets of a harvest use one after another.</summary>
internal sealed class BucketScratch(long regionBytes)
{
    public byte[] Waiting { get; } = GC.AllocateUninitializedArray<byte>(checked((int)regionBytes));

    public byte[] Ordered { get; } = GC.AllocateUninitializedArray<byte>(checked((int)regionBytes));

    /// <summary>The rows of one run at one site, in the stored type.</summary>
    public byte[] Rows(long bytes) => bytes <= _rows.Length ? _rows : _rows = GC.AllocateUninitializedArray<byte>(checked((int)bytes));

    private byte[] _rows = [];
}

/// <summary>Writes one bucket of a part: rows come in the order of the text and end up shuffled, in the same order at every site.</summary>
internal sealed class BucketWriter : IDisposable
{
    private readonly string _store,
        _folder;
    private readonly StoreContents _contents;
    private readonly BucketLayout _layout;
    private readonly BucketScratch _scratch;
    private readonly ShardWriter[] _shards;
    private readonly double[] _squaredNorms;
    private readonly StoredToken[] _tokens;
    private readonly int _index;
    private int _arrived;

    public BucketWriter(
        string store,
        string folder,
        int index,
        StoreContents contents,
        BucketLayout layout,
        BucketScratch scratch,
        Action<long>? beforeWrite
    )
    {
        (_store, _folder, _index, _contents, _layout, _scratch) = (store, folder, index, contents, layout, scratch);
        (_squaredNorms, _tokens) = (new double[contents.Sites.Count], new StoredToken[layout.Rows]);
        var shards = new List<ShardWriter>();
        _shards = [];
        try
        {
            foreach (var site in contents.Sites)
                shards.Add(new(store, FileOf($"{site.Site}"), site, contents.Type, layout.Rows, beforeWrite));
            _shards = [.. shards];
        }
        catch
        {
            foreach (var shard in shards)
                shard.Dispose();
            throw;
        }
    }

    /// <summary>Whether all rows are there.</summary>
    public bool IsFull => _arrived == _layout.Rows;

    /// <summary>Adds rows of a run.</summary>
    public void Add(ModelRun run, ReadOnlySpan<RunRow> rows)
    {
        for (var site = 0; site < _shards.Length; site++)
            _squaredNorms[site] += SquaredNorms(_contents.Sites[site], run, rows);
        // Sorted by where they wait, rows of one region follow each other and are written in one piece.
        var order = new (int Place, int Index)[rows.Length];
        for (var i = 0; i < rows.Length; i++, _arrived++)
        {
            _tokens[_layout.Destination(_arrived)] = rows[i].Token;
            order[i] = (_layout.Place(_arrived), rows[i].Index);
        }
        Array.Sort(order);
        for (var site = 0; site < _shards.Length; site++)
            Add(site, HarvestSites.Rows(run, _contents.Sites[site]), order);
    }

    /// <summary>Completes the shards.</summary>
    public StoreBucket Finish(CancellationToken cancellationToken)
    {
        var shards = new StoreShard[_shards.Length];
        for (var site = 0; site < shards.Length; site++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            shards[site] = _shards[site].Finish(_layout, _squaredNorms[site], _scratch.Waiting, _scratch.Ordered);
        }
        var name = FileOf("tokens");
        TokenShard.Write(Path.Combine(_store, name), _tokens, cancellationToken);
        return new(_index, _layout.Rows, shards, StoreChecks.Describe(_store, name, cancellationToken));
    }

    /// <summary>Removes what is not complete.</summary>
    public void Dispose()
    {
        foreach (var shard in _shards)
            shard.Dispose();
    }

    private string FileOf(string what) => $"{_folder}/{_index:00000}.{what}.safetensors";

    private void Add(int site, MatrixView activations, (int Place, int Index)[] order)
    {
        var shard = _shards[site];
        var bytes = _scratch.Rows((long)order.Length * shard.RowBytes);
        for (var i = 0; i < order.Length; i++)
            Narrow(activations.Row(order[i].Index), bytes.AsSpan(i * shard.RowBytes, shard.RowBytes), site);
        for (var first = 0; first < order.Length; )
        {
            var end = first + 1;
            while (end < order.Length && order[end].Place == order[end - 1].Place + 1)
                end++;
            shard.Write(order[first].Place, bytes.AsSpan(first * shard.RowBytes, (end - first) * shard.RowBytes));
            first = end;
        }
    }

    private static double SquaredNorms(StoredSite site, ModelRun run, ReadOnlySpan<RunRow> rows)
    {
        var activations = HarvestSites.Rows(run, site);
        double sum = 0;
        foreach (var row in rows)
            sum += SquaredNorm.Of(activations.Row(row.Index));
        return double.IsFinite(sum)
            ? sum
            : throw new GemmaScopeException("the model computes numbers there that are not finite; check its weights", $"{site.Site}");
    }

    private void Narrow(ReadOnlySpan<float> row, Span<byte> target, int site)
    {
        switch (_contents.Type)
        {
            case DType.F32:
                MemoryMarshal.AsBytes(row).CopyTo(target);
                break;
            case DType.BF16:
                Conversions.NarrowToBF16(row, MemoryMarshal.Cast<byte, ushort>(target));
                break;
            default:
                if (Math.Abs(TensorPrimitives.MaxMagnitude(row)) > (float)Half.MaxValue)
                    throw new ArgumentProblemException(
                        $"{_contents.Sites[site].Site} has numbers above {Half.MaxValue}, which f16 cannot hold; store bf16 or f32",
                        new Setting(nameof(HarvestOptions.Type))
                    );
                Conversions.NarrowToF16(row, MemoryMarshal.Cast<byte, ushort>(target));
                break;
        }
    }
}
