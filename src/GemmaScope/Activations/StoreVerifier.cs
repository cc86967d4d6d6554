namespace GemmaScope.Activations;

/// <summary>Something wrong with a store.</summary>
/// <param name="File">The file, inside the store.</param>
/// <param name="Problem">What is wrong.</param>
public sealed record StoreProblem(string File, string Problem);

/// <summary>Reads a store whole and compares it with its manifest.</summary>
public static class StoreVerifier
{
    /// <summary>Checks that each file is there with its length, checksum and shape, that each row is a token the part has to have, and that
    /// no token is there twice.</summary>
    /// <param name="store">The store; buckets completed since it was opened are not looked at.</param>
    /// <param name="progress">Told the bytes read so far.</param>
    /// <param name="cancellationToken">Stops between files.</param>
    /// <returns>The problems, each when it is found; none if all is well.</returns>
    public static IEnumerable<StoreProblem> Verify(
        ActivationStore store,
        IProgress<long>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        long bytes = 0;
        foreach (var harvest in store.Manifest.Parts.GroupBy(part => part.Harvest.TextHash))
        {
            var seen = new RowSet();
            foreach (var part in harvest)
            foreach (var bucket in part.Buckets)
            {
                for (var i = 0; i <= bucket.Shards.Count; i++)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    var shard = i < bucket.Shards.Count ? bucket.Shards[i] : bucket.Tokens;
                    if (Check(store, bucket, i, shard, cancellationToken) is { } problem)
                        yield return new(shard.File, problem);
                    progress?.Report(bytes += shard.Bytes);
                }
                if (CheckRows(store, part, bucket, seen) is { } wrong)
                    yield return new(bucket.Tokens.File, wrong);
            }
        }
    }

    private static string? Check(
        ActivationStore store,
        StoreBucket bucket,
        int index,
        StoreShard shard,
        CancellationToken cancellationToken
    )
    {
        try
        {
            var found = StoreChecks.Describe(store.Folder, shard.File, cancellationToken);
            if (found.Bytes != shard.Bytes)
                return $"has {found.Bytes} bytes where {shard.Bytes} were written";
            if (found.Checksum != shard.Checksum)
                return $"has the checksum {found.Checksum:x8} where {shard.Checksum:x8} was written";
            if (index < bucket.Shards.Count)
                new ShardReader(
                    store.Folder,
                    shard,
                    store.Manifest.Contents.Type,
                    bucket.Rows,
                    store.Manifest.Contents.Sites[index].Width
                ).Dispose();
            return null;
        }
        catch (FileFormatException problem)
        {
            return problem.Message;
        }
    }

    private static string? CheckRows(ActivationStore store, StorePart part, StoreBucket bucket, RowSet seen)
    {
        StoredToken[] rows;
        try
        {
            rows = store.ReadTokens(bucket);
        }
        catch (FileFormatException)
        {
            // Said already where its checksum was compared.
            return null;
        }
        var harvest = part.Harvest;
        foreach (var row in rows)
        {
            if (row.Sequence < 0 || row.Sequence >= harvest.Windows || row.Position < 0 || row.Position >= harvest.Context)
                return $"has a row of window {row.Sequence} at position {row.Position}, "
                    + $"of {harvest.Windows} windows of {harvest.Context} tokens";
            if (row.Sequence / harvest.WindowsPerRun % harvest.Parts != part.Index)
                return $"has a row of window {row.Sequence}, which belongs to another part";
            if (!seen.Add(row.Sequence, row.Position))
                return $"has window {row.Sequence} position {row.Position}, which the store has already";
        }
        return null;
    }

    /// <summary>The tokens seen so far: one bit each.</summary>
    private sealed class RowSet
    {
        private const int Windows = 64;

        // Memory follows the rows that are there, not what a damaged manifest declares.
        private readonly Dictionary<(long, int), ulong> _bits = [];

        public bool Add(long sequence, int position)
        {
            var key = (sequence / Windows, position);
            var bits = _bits.GetValueOrDefault(key);
            var bit = 1UL << (int)(sequence % Windows);
            _bits[key] = bits | bit;
            return (bits & bit) == 0;
        }
    }
}
