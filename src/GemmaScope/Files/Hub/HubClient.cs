using System.Net;
using System.Text.Json;

namespace GemmaScope.Files;

/// <summary>Gets files of model repositories from the cache or, where they are not in it, from the hub.</summary>
/// <remarks>
/// A branch or tag that the cache knows is not asked for again; a revision that must be the newest is named by its commit, or
/// its file below <c>refs</c> in the cache is deleted.
/// </remarks>
public sealed class HubClient : IDisposable
{
    // A server that always names a next page must not keep us forever; the hub's hold 1000 files each.
    private const int MostPages = 10_000;

    private readonly HubOptions _options;
    private readonly HubTransport _transport;

    /// <summary>Creates a client.</summary>
    /// <param name="options">Settings; null for those of the environment.</param>
    public HubClient(HubOptions? options = null)
    {
        _options = options ?? HubOptions.FromEnvironment();
        Cache = new(_options.CacheFolder);
        _transport = new(_options);
    }

    /// <summary>The cache that files are found in and downloaded to.</summary>
    public HubCache Cache { get; }

    /// <summary>Closes the connections.</summary>
    public void Dispose() => _transport.Dispose();

    /// <summary>All files of the repository at the reference's revision; its path is ignored.</summary>
    /// <exception cref="HubException">The repository is not there, may not be read, or the hub cannot be reached.</exception>
    public async Task<HubListing> ListAsync(HubReference reference, CancellationToken cancel = default)
    {
        if (Cache.FindCommit(reference) is { } known && Cache.ReadListing(reference, known) is { } kept) return kept;
        ThrowIfOffline(reference);
        var (commit, names) = await ReadJsonAsync(Api(reference, "revision", reference.Revision), reference, RepositoryInfo, cancel);
        Cache.WriteRef(reference, commit);
        if (Cache.ReadListing(reference, commit) is { } listing) return listing;
        if (await ReadTreeAsync(reference.Pinned(commit), cancel) is not { } files) return new(commit, [.. names.Select(n => new HubFile(n, -1, ""))]);
        listing = new(commit, files);
        Cache.WriteListing(reference, listing);
        return listing;
    }

    /// <summary>Gets the one file that the reference names.</summary>
    /// <exception cref="HubException">The file is not there, may not be read, arrives damaged, or the hub cannot be reached.</exception>
    public async Task<ResolvedPath> GetFileAsync(HubReference reference, IProgress<HubProgress>? progress = null, CancellationToken cancel = default)
    {
        if (reference.Path.Length == 0) throw new ArgumentProblemException("names a repository where a file is expected; add /path/to/file", reference.ToString());
        var known = Cache.FindCommit(reference);
        if (Cache.FindFile(reference) is { } cached) return new(cached, PathSource.Cache, reference, known);
        if (known is not null && Cache.IsKnownMissing(reference, known)) throw new HubException(HubFailure.MissingFile(reference), reference.Repository);
        ThrowIfOffline(reference);
        var (commit, file) = await DescribeAsync(reference, cancel);
        Cache.WriteRef(reference, commit);
        await DownloadAsync(reference, commit, [file], progress, cancel);
        return new(Cache.SnapshotPath(reference, commit), PathSource.Download, reference, commit);
    }

    /// <summary>Gets the files below the folder that the reference names (the whole repository if its path is empty).</summary>
    /// <param name="reference">The folder.</param>
    /// <param name="patterns">Globs relative to the folder, <c>*</c> within a segment and <c>**</c> across; none means every file.</param>
    /// <param name="progress">Told how far the download is.</param>
    /// <param name="cancel">Interrupts; what has arrived is kept and continued the next time.</param>
    /// <returns>The folder of the snapshot.</returns>
    /// <exception cref="HubException">No such file is there or may be read, one arrives damaged, or the hub cannot be reached.</exception>
    public Task<ResolvedPath> GetFolderAsync(
        HubReference reference, IReadOnlyList<string> patterns, IProgress<HubProgress>? progress = null, CancellationToken cancel = default) =>
        GetFolderAsync(reference, patterns, lacks: null, progress, cancel);

    /// <param name="reference">The folder.</param>
    /// <param name="patterns">Globs.</param>
    /// <param name="lacks">Names what a folder lacks, judged by its content alone, or null if it can be used as it is; no function if the content does not tell.</param>
    /// <param name="progress">Told how far the download is.</param>
    /// <param name="cancel">Interrupts.</param>
    internal async Task<ResolvedPath> GetFolderAsync(
        HubReference reference, IReadOnlyList<string> patterns, Func<string, string?>? lacks, IProgress<HubProgress>? progress, CancellationToken cancel)
    {
        if (FindComplete(reference, patterns, lacks) is { } found) return found;
        HubListing listing;
        try
        {
            listing = await ListAsync(reference, cancel);
        }
        catch (HubException e)
        {
            return FindAny(reference, patterns, lacks, e);
        }
        var files = listing.Select(reference.Path, patterns);
        if (files.Count == 0) throw new HubException(HubFailure.MissingFile(reference, listing.Folders()), reference.Repository);
        ThrowIfOffline(reference); // The list of files was in the cache, some of the files are not.
        files = [.. await Task.WhenAll(files.Select(f => WithMetadataAsync(reference, listing.Commit, f, cancel)))];
        await DownloadAsync(reference, listing.Commit, files, progress, cancel);
        return new(Cache.SnapshotPath(reference, listing.Commit), PathSource.Download, reference, listing.Commit);
    }

    /// <summary>The cached folder, if it is known to hold everything that is asked for.</summary>
    private ResolvedPath? FindComplete(HubReference reference, IReadOnlyList<string> patterns, Func<string, string?>? lacks)
    {
        if (Cache.FindFolder(reference) is not { } folder) return null;
        var commit = Cache.FindCommit(reference)!;
        var complete = Cache.ReadListing(reference, commit) is { } listing
            ? listing.Select(reference.Path, patterns).TrueForAll(f => Cache.FindFile(reference.Pinned(commit).At(f.Path)) is not null)
            : lacks is not null && lacks(folder) is null;
        return complete ? new(folder, PathSource.Cache, reference, commit) : null;
    }

    /// <summary>The cached folder as it is, where the hub cannot be asked; if there is nothing in it, the reason why not.</summary>
    private ResolvedPath FindAny(HubReference reference, IReadOnlyList<string> patterns, Func<string, string?>? lacks, HubException reason)
    {
        if (Cache.FindFolder(reference) is not { } folder || !Glob.AnyFile(folder, patterns)) throw reason;
        if (lacks?.Invoke(folder) is { } missing) throw new HubException($"the cache holds a part of it, without {missing}. {reason.Message}", reference.Repository, reason);
        return new(folder, PathSource.Cache, reference, Cache.FindCommit(reference), $"possibly not all of it, as the hub could not be asked: {reason.Message}");
    }

    private async Task DownloadAsync(
        HubReference reference, string commit, IReadOnlyList<HubFile> files, IProgress<HubProgress>? progress, CancellationToken cancel)
    {
        CheckSpace(reference, commit, files);
        var sum = new ProgressSum(files, progress);
        var options = new ParallelOptions { MaxDegreeOfParallelism = _options.Parallel, CancellationToken = cancel };
        try
        {
            await Parallel.ForEachAsync(files, options, async (file, stop) => await DownloadAsync(reference.Pinned(commit).At(file.Path), commit, file, sum, stop));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new HubException($"the cache cannot be written ({e.Message}); set HF_HUB_CACHE to a folder on a disk with room", Cache.Folder, e);
        }
    }

    private async Task DownloadAsync(HubReference reference, string commit, HubFile file, ProgressSum sum, CancellationToken cancel)
    {
        var path = Cache.SnapshotPath(reference, commit);
        if (!File.Exists(path))
        {
            using var held = await Cache.LockAsync(reference, file.Etag, cancel);
            var blob = Cache.BlobFile(reference, file.Etag);
            var fresh = !File.Exists(blob) && !File.Exists(path);
            if (fresh)
            {
                var download = new HubDownload(_transport, _options, reference, FileUri(reference), file);
                await download.RunAsync(Incomplete(blob), blob, bytes => sum.Report(file, bytes), cancel);
            }
            if (!File.Exists(path)) HubCache.Show(blob, path, _options.Symlinks, fresh);
        }
        sum.Report(file, file.Size, done: true);
    }

    private void CheckSpace(HubReference reference, string commit, IReadOnlyList<HubFile> files)
    {
        var needed = 0L;
        foreach (var file in files)
        {
            var blob = Cache.BlobFile(reference, file.Etag);
            if (File.Exists(Cache.SnapshotPath(reference.At(file.Path), commit)) || File.Exists(blob)) continue;
            var begun = new FileInfo(Incomplete(blob));
            needed += file.Size - (begun.Exists ? Math.Min(begun.Length, file.Size) : 0);
        }
        if (needed == 0) return;
        Directory.CreateDirectory(Cache.Folder);
        if (_options.FreeBytes(Cache.Folder) is { } free && free < needed)
            throw new HubException($"needs {needed / 1e9:0.00} GB, but the disk of the cache at {Cache.Folder} has {free / 1e9:0.00} GB free; "
                + "make room or set HF_HUB_CACHE to a folder on another disk", reference.Repository);
    }

    private static string Incomplete(string blob) => blob + ".incomplete";

    /// <summary>Asks what a file is; remembers if the answer is that there is none.</summary>
    private async Task<(string Commit, HubFile File)> DescribeAsync(HubReference reference, CancellationToken cancel)
    {
        var answer = await _transport.RunAsync<(string, HubFile)?>(() => new(HttpMethod.Head, FileUri(reference)), (response, _) =>
        {
            if (HubFailure.IsMissingFile(response))
            {
                Remember(reference, HubMetadata.Header(response, HubMetadata.Commit));
                return Task.FromResult<(string, HubFile)?>(null);
            }
            HubFailure.ThrowIfRefused(response, reference, _options);
            return Task.FromResult<(string, HubFile)?>(HubMetadata.Read(response, reference));
        }, cancel);
        return answer ?? throw new HubException(HubFailure.MissingFile(reference, await NamesAsync(reference, cancel)), reference.Repository);
    }

    private void Remember(HubReference missing, string? commit)
    {
        if (!HubReference.IsCommit(commit)) return;
        Cache.WriteRef(missing, commit!);
        Cache.MarkMissing(missing, commit!);
    }

    private async Task<IEnumerable<string>> NamesAsync(HubReference reference, CancellationToken cancel)
    {
        try
        {
            return (await ListAsync(reference, cancel)).Files.Select(f => f.Path);
        }
        catch (HubException)
        {
            return []; // The names only make another error more helpful.
        }
    }

    private async Task<HubFile> WithMetadataAsync(HubReference reference, string commit, HubFile file, CancellationToken cancel) =>
        file.Size >= 0 ? file : (await DescribeAsync(reference.Pinned(commit).At(file.Path), cancel)).File;

    private static (string Commit, List<string> Names) RepositoryInfo(JsonElement json, HttpResponseMessage _)
    {
        var commit = json.GetProperty("sha").GetString();
        if (!HubReference.IsCommit(commit)) throw new FormatException($"'{commit}' is not a commit");
        return (commit!, [.. json.GetProperty("siblings").EnumerateArray().Select(f => f.GetProperty("rfilename").GetString()!)]);
    }

    /// <summary>All pages of the tree; null if the server has no tree API, as some mirrors.</summary>
    private async Task<List<HubFile>?> ReadTreeAsync(HubReference reference, CancellationToken cancel)
    {
        var files = new List<HubFile>();
        Uri? page = new(Api(reference, "tree", reference.Revision) + "?recursive=true");
        for (var count = 0; page is not null && count < MostPages; count++)
        {
            var here = page;
            var answer = await ReadJsonAsync(here, reference, (json, response) => (HubListing.FromTree(json).ToList(), NextPage(response, here)), cancel, optional: count == 0);
            if (answer.Item1 is null) return null;
            files.AddRange(answer.Item1);
            page = answer.Item2;
        }
        return files;
    }

    private static Uri? NextPage(HttpResponseMessage response, Uri here)
    {
        var link = HubMetadata.Header(response, "Link")?.Split(',').FirstOrDefault(l => l.Contains("rel=\"next\"", StringComparison.Ordinal));
        var (start, end) = (link?.IndexOf('<') ?? -1, link?.IndexOf('>') ?? -1);
        return start >= 0 && end > start ? new Uri(here, link![(start + 1)..end]) : null;
    }

    /// <summary>Reads a JSON answer; the default value if <paramref name="optional"/> and the server knows no such address.</summary>
    private Task<T?> ReadJsonAsync<T>(
        Uri uri, HubReference reference, Func<JsonElement, HttpResponseMessage, T> read, CancellationToken cancel, bool optional = false) =>
        _transport.RunAsync(() => new(HttpMethod.Get, uri), async (response, deadline) =>
        {
            if (optional && response.StatusCode == HttpStatusCode.NotFound) return default;
            HubFailure.ThrowIfRefused(response, reference.At(""), _options);
            try
            {
                await using var body = await response.Content.ReadAsStreamAsync(deadline.Token);
                using var json = await JsonDocument.ParseAsync(body, cancellationToken: deadline.Token);
                return read(json.RootElement, response);
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
            {
                throw new HubException($"the answer is not that of a Hugging Face hub ({e.Message}); check HF_ENDPOINT", uri.GetLeftPart(UriPartial.Path), e);
            }
        }, cancel);

    private void ThrowIfOffline(HubReference reference)
    {
        if (!_options.Offline) return;
        throw new HubException($"{reference} is not in the cache at {Cache.Folder}, and HF_HUB_OFFLINE forbids asking the hub; unset it, "
            + $"or run `hf download {reference.Repository}` where there is a network and copy the cache", reference.Repository);
    }

    private Uri FileUri(HubReference reference) =>
        new($"{Base}/{reference.Repository}/resolve/{Uri.EscapeDataString(reference.Revision)}/{string.Join('/', reference.Path.Split('/').Select(Uri.EscapeDataString))}");

    private Uri Api(HubReference reference, string kind, string revision) =>
        new($"{Base}/api/models/{reference.Repository}/{kind}/{Uri.EscapeDataString(revision)}");

    private string Base => _options.Endpoint.AbsoluteUri.TrimEnd('/');
}
