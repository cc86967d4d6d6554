namespace GemmaScope.Files;

/// <summary>Models in GGUF files on the hub: one file of a repository that holds many, with its shards.</summary>
internal static class GgufDownload
{
    /// <summary>Names of a message.</summary>
    private const int MostNames = 30;

    /// <summary>The file that the reference names; of a split one all shards, and the path of the first.</summary>
    /// <exception cref="HubException">A file cannot be had.</exception>
    public static async Task<ResolvedPath> FileAsync(
        HubClient client,
        HubReference reference,
        IProgress<HubProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        if (GgufFile.ShardsOf(reference.Path) is not { } shards)
            return await client.GetFileAsync(reference, progress, cancellationToken).ConfigureAwait(false);
        ResolvedPath? first = null;
        foreach (var shard in shards)
        {
            // All of one commit, whatever happens to the branch meanwhile.
            var place = first?.Commit is { } commit ? reference.Pinned(commit).At(shard) : reference.At(shard);
            var found = await client.GetFileAsync(place, progress, cancellationToken).ConfigureAwait(false);
            first ??= found;
        }
        return first!;
    }

    /// <summary>A model's folder; where the repository holds GGUF files instead, an error that names them.</summary>
    /// <exception cref="HubException">The model cannot be had.</exception>
    public static async Task<ResolvedPath> OrNamedAsync(
        HubClient client,
        HubReference reference,
        Func<Task<ResolvedPath>> getFolderAsync,
        CancellationToken cancellationToken
    )
    {
        ResolvedPath folder;
        try
        {
            folder = await getFolderAsync().ConfigureAwait(false);
        }
        catch (HubException problem)
        {
            if (await NamedAsync(client, reference, cancellationToken).ConfigureAwait(false) is { } named)
                throw new HubException(named, reference.Repository, problem);
            throw;
        }
        if (Directory.EnumerateFiles(folder.Path, "model*.safetensors").Any())
            return folder;
        return await NamedAsync(client, reference, cancellationToken).ConfigureAwait(false) is { } instead
            ? throw new HubException(instead, reference.Repository)
            : folder;
    }

    private static async Task<string?> NamedAsync(HubClient client, HubReference reference, CancellationToken cancellationToken)
    {
        try
        {
            var listing = await client.ListAsync(reference, cancellationToken).ConfigureAwait(false);
            if (listing.Select(reference.Path, ["model*.safetensors"]).Count > 0)
                return null;
            string[] names =
            [
                .. GgufFolder.Models(listing.Select(reference.Path, ["**.gguf", "**/*.gguf"]).Select(file => file.Path)).Distinct(),
            ];
            return names.Length == 0
                ? null
                : $"holds its model as GGUF files; name one of them, as in {reference.At(names[0])} ({string.Join(", ", names.Take(MostNames))})";
        }
        catch (HubException)
        {
            return null; // The names only make another error more helpful.
        }
    }
}
