using GemmaScope.Files;

namespace GemmaScope.Activations;

/// <summary>Makes one store of several parts or stores.</summary>
public static class StoreMerge
{
    /// <summary>Puts the manifests of all parts of a store into one. The shards stay where they are.</summary>
    /// <exception cref="GemmaScopeException">A part is missing or not complete.</exception>
    public static ActivationStore Parts(string folder)
    {
        var store = ActivationStore.Open(folder);
        if (!store.IsComplete)
            throw new GemmaScopeException("a part is missing or not complete; harvest it first", folder);
        // Where this is interrupted, both manifests name the same parts, which then count once.
        ManifestFile.Write(Path.Combine(folder, ManifestFile.Merged), store.Manifest);
        foreach (var part in store.Manifest.Parts)
            File.Delete(ManifestFile.PartFile(folder, part.Folder));
        return store;
    }

    /// <summary>Copies several stores of the same model, sites and type into a new one, and compares every checksum on the way.</summary>
    /// <param name="stores">Their folders.</param>
    /// <param name="target">A folder that holds no store.</param>
    /// <param name="progress">Told the bytes copied so far.</param>
    /// <param name="cancellationToken">Stops; the copy is begun anew the next time.</param>
    /// <exception cref="GemmaScopeException">They do not belong together, hold the same rows, one is not complete or damaged, or there is
    /// no room.</exception>
    public static ActivationStore Stores(
        IReadOnlyList<string> stores,
        string target,
        IProgress<long>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        if (stores.Count < 2)
            throw new ArgumentProblemException("name two stores or more", "stores");
        if (Directory.Exists(target) && Directory.EnumerateFiles(target, "*.json").Any())
            throw new ArgumentProblemException("holds a store already; name a new folder", target);
        var opened = stores.Select(ActivationStore.Open).ToArray();
        CheckTogether(opened);
        var shards = opened
            .SelectMany(store => store.Manifest.Parts)
            .SelectMany(part => part.Buckets)
            .SelectMany(Shards)
            .Sum(shard => shard.Bytes);
        try
        {
            Directory.CreateDirectory(target);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new GemmaScopeException($"cannot be made: {problem.Message}", target, problem);
        }
        var free = new DriveInfo(Path.GetFullPath(target)).AvailableFreeSpace;
        if (shards > free)
            throw new GemmaScopeException($"the stores have {shards / 1e9:0.###} GB, the disk has {free / 1e9:0.###} GB free", target);

        long copied = 0;
        var parts = new List<StorePart>();
        for (var i = 0; i < opened.Length; i++)
            foreach (var part in opened[i].Manifest.Parts)
                parts.Add(Copy(opened[i].Folder, target, part, $"{i}-{part.Folder}"));
        ManifestFile.Write(Path.Combine(target, ManifestFile.Merged), opened[0].Manifest with { Parts = parts });
        return ActivationStore.Open(target);

        StorePart Copy(string from, string to, StorePart part, string folder)
        {
            return part with
            {
                Folder = folder,
                Buckets =
                [
                    .. part.Buckets.Select(bucket => bucket with { Shards = [.. bucket.Shards.Select(One)], Tokens = One(bucket.Tokens) }),
                ],
            };

            StoreShard One(StoreShard shard)
            {
                var name = $"{folder}/{Path.GetFileName(shard.File)}";
                CopyShard(from, shard, Path.Combine(to, name), cancellationToken);
                progress?.Report(copied += shard.Bytes);
                return shard with { File = name };
            }
        }
    }

    private static IEnumerable<StoreShard> Shards(StoreBucket bucket) => bucket.Shards.Append(bucket.Tokens);

    private static void CheckTogether(ActivationStore[] stores)
    {
        var parts = new List<(StorePart Part, string Folder)>();
        foreach (var store in stores)
        {
            if (ManifestComparison.Difference(stores[0].Manifest.Contents, store.Manifest.Contents) is { } difference)
                throw new ArgumentProblemException($"has another {difference} than {stores[0].Folder}", store.Folder);
            foreach (var part in store.Manifest.Parts)
            {
                if (!part.IsComplete)
                    throw new ArgumentProblemException($"{part.Folder} is not complete; harvest it first", store.Folder);
                // The same text may come in several parts, but each row once.
                foreach (var (other, folder) in parts)
                    if (
                        other.Harvest.TextHash == part.Harvest.TextHash
                        && (other.Index == part.Index || ManifestComparison.Difference(other.Harvest, part.Harvest) is not null)
                    )
                        throw new ArgumentProblemException(
                            $"{part.Folder} has rows of the same text as {other.Folder} of {folder}; they would count twice",
                            store.Folder
                        );
                parts.Add((part, store.Folder));
            }
        }
    }

    private static void CopyShard(string store, StoreShard shard, string target, CancellationToken cancellationToken)
    {
        var source = Path.Combine(store, shard.File);
        FileChecks.LengthOf(source);
        AtomicFile.Write(
            target,
            stream =>
            {
                using var file = new FileStream(source, FileMode.Open, FileAccess.Read, FileShare.Read);
                var counted = new CountingStream(stream, cancellationToken) { TakesCrc = true };
                file.CopyTo(counted, 1 << 20);
                if (counted.Count != shard.Bytes || counted.Crc != shard.Checksum)
                    throw new FileFormatException("is not what its manifest says; verify the store", source);
            },
            overwrite: true
        );
    }
}
