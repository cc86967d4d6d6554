using GemmaScope.Files;

namespace GemmaScope.Activations;

/// <summary>A store's folder while one process writes one part in it.</summary>
internal sealed class HarvestFolder : IDisposable
{
    private const int HeaderBytes = 1024,
        TokenBytes = 16;

    private static readonly Setting Narrow = new(nameof(HarvestOptions.Type), "bf16");

    private readonly FileLock _lock;

    private HarvestFolder(StorePart part, FileLock @lock) => (Part, _lock) = (part, @lock);

    /// <summary>The part, with the buckets that are complete already.</summary>
    public StorePart Part { get; }

    /// <summary>Makes the folder or finds what is there, and checks that all of it belongs together and that there is room for the
    /// rest.</summary>
    /// <exception cref="GemmaScopeException">The folder holds something else, another process writes the part, or there is no
    /// room.</exception>
    public static HarvestFolder Enter(string store, StoreContents contents, HarvestPlan plan, HarvestOptions options)
    {
        var name = $"part-{options.Part}-of-{options.Parts}";
        var part = new StorePart
        {
            Folder = name,
            Harvest = plan.Harvest,
            Index = options.Part,
            Rows = plan.PartRows,
            Buckets = [],
        };
        part = part with { Buckets = Found(store, contents, part) };
        if (Bytes(contents, plan.AllRows, plan.Harvest.BucketRows) is var all && all > options.MaxBytes)
            throw new ArgumentProblemException(
                $"the store will take {Size(all)} for {plan.AllRows} rows, more than the limit of {Size(options.MaxBytes.Value)}",
                new Setting(nameof(options.MaxBytes)),
                new Remedy($"allow more, or take fewer tokens or sites or {Narrow}")
            );
        try
        {
            var locked = FileLock.Take(Path.Combine(store, name, "lock"), store, name);
            try
            {
                foreach (var left in Directory.EnumerateFiles(Path.Combine(store, name), "*" + ShardWriter.Partial))
                    File.Delete(left);
                foreach (var left in Directory.EnumerateFiles(store, $"{name}.json.*{ShardWriter.Partial}"))
                    File.Delete(left);
                var (needed, free) = (
                    Bytes(contents, part.Rows - part.RowsWritten, plan.Harvest.BucketRows),
                    new DriveInfo(Path.GetFullPath(store)).AvailableFreeSpace
                );
                if (needed > free)
                    throw new GemmaScopeException(
                        $"the disk has {Size(free)} free and the harvest needs {Size(needed)} more",
                        store,
                        remedy: new Remedy($"take fewer tokens or sites, {Narrow}, or another disk")
                    );
                return new(part, locked);
            }
            catch
            {
                locked.Dispose();
                throw;
            }
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new GemmaScopeException($"{name} cannot be written: {problem.Message}", store, problem);
        }
    }

    public void Dispose() => _lock.Dispose();

    /// <summary>The buckets of this part that a harvest before has left whole.</summary>
    private static IReadOnlyList<StoreBucket> Found(string store, StoreContents contents, StorePart part)
    {
        if (!Directory.Exists(store) || !Directory.EnumerateFiles(store, "*.json").Any())
            return [];
        var manifest = ManifestFile.ReadAll(store);
        if (ManifestComparison.Difference(contents, manifest.Contents) is { } difference)
            throw Another(difference);
        foreach (var other in manifest.Parts)
            if (ManifestComparison.Difference(part.Harvest, other.Harvest) is { } what)
                throw Another(what);
        var before = manifest.Parts.FirstOrDefault(other => other.Folder == part.Folder);
        return [.. before?.Buckets.Where(bucket => IsWhole(store, bucket)) ?? []];

        GemmaScopeException Another(string what) =>
            new($"holds a harvest with another {what}; give the same again, or another folder and merge the stores later", store);
    }

    private static bool IsWhole(string store, StoreBucket bucket) =>
        bucket
            .Shards.Append(bucket.Tokens)
            .All(shard => new FileInfo(Path.Combine(store, shard.File)) is { Exists: true } file && file.Length == shard.Bytes);

    private static long Bytes(StoreContents contents, long rows, int bucketRows) =>
        checked(rows * (contents.RowBytes + TokenBytes) + (rows / bucketRows + 1) * (contents.Sites.Count + 1) * HeaderBytes);

    private static string Size(long bytes) => $"{bytes / 1e9:0.###} GB";
}
