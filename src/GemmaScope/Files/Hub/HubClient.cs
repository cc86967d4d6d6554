namespace GemmaScope.Files;

/// <summary>Gets files of model repositories from the cache or, where they are not in it, from the hub.</summary>
/// <remarks>
/// A branch or tag that the cache knows is not asked for again; a revision that must be the newest is named by its commit, or
/// its file below <c>refs</c> in the cache is deleted.
/// </remarks>
public sealed class HubClient : IDisposable
{
    private readonly HubOptions _options;
    private readonly HubTransport _transport;
    private readonly HubApi _api;

    /// <summary>Creates a client.</summary>
    /// <param name="options">Settings; null for those of the environment.</param>
    public HubClient(HubOptions? options = null)
    {
        _options = options ?? HubOptions.FromEnvironment();
        Cache = new(_options.CacheFolder);
        _transport = new(_options);
        _api = new(_transport, _options);
    }

    /// <summary>The cache that files are found in and downloaded to.</summary>
    public HubCache Cache { get; }

    /// <summary>Closes the connections.</summary>
    public void Dispose() => _transport.Dispose();

    /// <summary>All files of the repository at the reference's revision; its path is ignored.</summary>
    /// <exception cref="HubException">The repository is not there, may not be read, or the hub cannot be reached.</exception>
    public async Task<HubListing> ListAsync(HubReference reference, CancellationToken cancellationToken = default)
    {
        if (Cache.FindCommit(reference) is { } known && Cache.ReadListing(reference, known) is { } kept)
            return kept;
        ThrowIfOffline(reference);
        var (commit, names) = await _api.RepositoryAsync(reference, cancellationToken).ConfigureAwait(false);
        Cache.WriteRef(reference, commit);
        if (Cache.ReadListing(reference, commit) is { } listing)
            return listing;
        if (await _api.TreeAsync(reference.Pinned(commit), cancellationToken).ConfigureAwait(false) is not { } files)
            return new(commit, [.. names.Select(n => new HubFile(n, -1, ""))]);
        listing = new(commit, files);
        Cache.WriteListing(reference, listing);
        return listing;
    }

    /// <summary>Gets the one file that the reference names.</summary>
    /// <exception cref="HubException">The file is not there, may not be read, arrives damaged, or the hub cannot be reached.</exception>
    public async Task<ResolvedPath> GetFileAsync(
        HubReference reference,
        IProgress<HubProgress>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        if (reference.Path.Length == 0)
            throw new ArgumentProblemException("names a repository where a file is expected; add /path/to/file", reference.ToString());
        var known = Cache.FindCommit(reference);
        if (Cache.FindFile(reference) is { } cached)
            return new(cached, PathSource.Cache, reference, known);
        if (known is not null && Cache.IsKnownMissing(reference, known))
            throw new HubException(HubFailure.MissingFile(reference), reference.Repository);
        ThrowIfOffline(reference);
        var (commit, file) = await DescribeAsync(reference, cancellationToken).ConfigureAwait(false);
        Cache.WriteRef(reference, commit);
        await DownloadAsync(reference, commit, [file], progress, cancellationToken).ConfigureAwait(false);
        return new(Cache.SnapshotPath(reference, commit), PathSource.Download, reference, commit);
    }

    /// <summary>Gets the files below the folder that the reference names (the whole repository if its path is empty).</summary>
    /// <param name="reference">The folder.</param>
    /// <param name="patterns">Globs relative to the folder, <c>*</c> within a segment and <c>**</c> across; none means every file.</param>
    /// <param name="progress">Told how far the download is.</param>
    /// <param name="cancellationToken">Interrupts; what has arrived is kept and continued the next time.</param>
    /// <returns>The folder of the snapshot.</returns>
    /// <exception cref="HubException">No such file is there or may be read, one arrives damaged, or the hub cannot be reached.</exception>
    public Task<ResolvedPath> GetFolderAsync(
        HubReference reference,
        IReadOnlyList<string> patterns,
        IProgress<HubProgress>? progress = null,
        CancellationToken cancellationToken = default
    ) => GetFolderAsync(reference, patterns, lacks: null, progress, cancellationToken);

    /// <param name="reference">The folder.</param>
    /// <param name="patterns">Globs.</param>
    /// <param name="lacks">Names what a folder lacks, judged by its content alone, or null if it can be used as it is; no function if the
    /// content does not tell.</param>
    /// <param name="progress">Told how far the download is.</param>
    /// <param name="cancellationToken">Interrupts.</param>
    internal async Task<ResolvedPath> GetFolderAsync(
        HubReference reference,
        IReadOnlyList<string> patterns,
        Func<string, string?>? lacks,
        IProgress<HubProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        if (FindComplete(reference, patterns, lacks) is { } found)
            return found;
        HubListing listing;
        try
        {
            listing = await ListAsync(reference, cancellationToken).ConfigureAwait(false);
        }
        catch (HubException e)
        {
            return FindAny(reference, patterns, lacks, e);
        }
        var files = listing.Select(reference.Path, patterns);
        if (files.Count == 0)
            throw new HubException(HubFailure.MissingFile(reference, listing.Folders()), reference.Repository);
        ThrowIfOffline(files.Select(f => reference.At(f.Path)).FirstOrDefault(f => Cache.FindFile(f) is null) ?? reference);
        files =
        [
            .. await Task.WhenAll(files.Select(f => WithMetadataAsync(reference, listing.Commit, f, cancellationToken)))
                .ConfigureAwait(false),
        ];
        await DownloadAsync(reference, listing.Commit, files, progress, cancellationToken).ConfigureAwait(false);
        return new(Cache.SnapshotPath(reference, listing.Commit), PathSource.Download, reference, listing.Commit);
    }

    /// <summary>The cached folder, if it is known to hold everything that is asked for.</summary>
    private ResolvedPath? FindComplete(HubReference reference, IReadOnlyList<string> patterns, Func<string, string?>? lacks)
    {
        if (Cache.FindFolder(reference) is not { } folder)
            return null;
        var commit = Cache.FindCommit(reference)!;
        var complete =
            Cache.ReadListing(reference, commit)?.Select(reference.Path, patterns) is { Count: > 0 } files
            && files.TrueForAll(f => Cache.FindFile(reference.At(f.Path)) is not null);
        return complete || (lacks is not null && lacks(folder) is null) ? new(folder, PathSource.Cache, reference, commit) : null;
    }

    /// <summary>The cached folder as it is, where the hub cannot be asked; if there is nothing in it, the reason why not.</summary>
    private ResolvedPath FindAny(HubReference reference, IReadOnlyList<string> patterns, Func<string, string?>? lacks, HubException reason)
    {
        if (Cache.FindFolder(reference) is not { } folder || !Glob.AnyFile(folder, patterns))
            throw reason;
        if (lacks?.Invoke(folder) is { } missing)
            throw new HubException($"the cache holds a part of it, without {missing}. {reason.Message}", reference.Repository, reason);
        return new(
            folder,
            PathSource.Cache,
            reference,
            Cache.FindCommit(reference),
            $"possibly not all of it, as the hub could not be asked: {reason.Message}"
        );
    }

    private async Task DownloadAsync(
        HubReference reference,
        string commit,
        IReadOnlyList<HubFile> files,
        IProgress<HubProgress>? progress,
        CancellationToken cancellationToken
    )
    {
        var sum = new ProgressSum(files, progress);
        var options = new ParallelOptions { MaxDegreeOfParallelism = _options.Parallel, CancellationToken = cancellationToken };
        try
        {
            CheckSpace(reference, commit, files);
            await Parallel
                .ForEachAsync(
                    files,
                    options,
                    async (file, stop) =>
                        await DownloadAsync(reference.Pinned(commit).At(file.Path), commit, file, sum, stop).ConfigureAwait(false)
                )
                .ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Cache.Unwritable(e);
        }
    }

    private async Task DownloadAsync(
        HubReference reference,
        string commit,
        HubFile file,
        ProgressSum sum,
        CancellationToken cancellationToken
    )
    {
        var path = Cache.SnapshotPath(reference, commit);
        if (!HubCache.Holds(path))
        {
            using var held = await Cache.LockAsync(reference, file.Etag, _options.Clock, cancellationToken).ConfigureAwait(false);
            var blob = Cache.BlobFile(reference, file.Etag);
            var fresh = !File.Exists(blob) && !HubCache.Holds(path);
            if (fresh)
            {
                var download = new HubDownload(_transport, _options, reference, _api.FileUri(reference), file);
                await download.RunAsync(Incomplete(blob), blob, bytes => sum.Report(file, bytes), cancellationToken).ConfigureAwait(false);
            }
            if (!HubCache.Holds(path))
                HubCache.Show(blob, path, _options.Symlinks, fresh);
        }
        sum.Report(file, file.Size, done: true);
    }

    private void CheckSpace(HubReference reference, string commit, IReadOnlyList<HubFile> files)
    {
        var needed = 0L;
        foreach (var file in files)
        {
            var blob = Cache.BlobFile(reference, file.Etag);
            if (HubCache.Holds(Cache.SnapshotPath(reference.At(file.Path), commit)) || File.Exists(blob))
                continue;
            var begun = new FileInfo(Incomplete(blob));
            needed += file.Size - (begun.Exists ? Math.Min(begun.Length, file.Size) : 0);
        }
        if (needed == 0)
            return;
        Directory.CreateDirectory(Cache.Folder);
        if (_options.FreeBytes(Cache.Folder) is { } free && free < needed)
            throw new HubException(
                $"needs {needed / 1e9:0.00} GB, but the disk of the cache at {Cache.Folder} has {free / 1e9:0.00} GB free; "
                    + "make room or set HF_HUB_CACHE to a folder on another disk",
                reference.Repository
            );
    }

    private static string Incomplete(string blob) => blob + ".incomplete";

    /// <summary>Asks what a file is; remembers if the answer is that there is none.</summary>
    private async Task<(string Commit, HubFile File)> DescribeAsync(HubReference reference, CancellationToken cancellationToken)
    {
        var (commit, file) = await _api.FileAsync(reference, cancellationToken).ConfigureAwait(false);
        if (file is not null)
            return (commit!, file);
        if (commit is not null)
        {
            Cache.WriteRef(reference, commit);
            Cache.MarkMissing(reference, commit);
        }
        throw new HubException(
            HubFailure.MissingFile(reference, await NamesAsync(reference, cancellationToken).ConfigureAwait(false)),
            reference.Repository
        );
    }

    private async Task<IEnumerable<string>> NamesAsync(HubReference reference, CancellationToken cancellationToken)
    {
        try
        {
            return (await ListAsync(reference, cancellationToken).ConfigureAwait(false)).Files.Select(f => f.Path);
        }
        catch (HubException)
        {
            return []; // The names only make another error more helpful.
        }
    }

    private async Task<HubFile> WithMetadataAsync(
        HubReference reference,
        string commit,
        HubFile file,
        CancellationToken cancellationToken
    ) =>
        file.Size >= 0 ? file : (await DescribeAsync(reference.Pinned(commit).At(file.Path), cancellationToken).ConfigureAwait(false)).File;

    private void ThrowIfOffline(HubReference reference)
    {
        if (!_options.Offline)
            return;
        throw new HubException(
            $"is not in the cache at {Cache.Folder}, and HF_HUB_OFFLINE forbids asking the hub; unset it, "
                + $"or run `hf download {reference.Repository}` where there is a network and copy the cache",
            reference.ToString()
        );
    }
}
