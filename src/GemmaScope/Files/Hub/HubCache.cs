using System.Text.Json;

namespace GemmaScope.Files;

/// <summary>
/// The local cache in the layout that all hub tools share, so that each finds what another downloaded:
/// <c>models--org--name/{blobs/ETAG, snapshots/COMMIT/PATH → blob, refs/REVISION, .no_exist/COMMIT/PATH, trees/COMMIT.json}</c>.
/// </summary>
public sealed class HubCache(string folder)
{
    /// <summary>The cache's root.</summary>
    public string Folder { get; } = Path.GetFullPath(folder);

    /// <summary>The commit a reference means as far as the cache knows, or null.</summary>
    public string? FindCommit(HubReference reference)
    {
        if (reference.IsPinned)
            return reference.Revision;
        return ReadText(RefFile(reference))?.Trim() is { } commit && HubReference.IsCommit(commit) ? commit : null;
    }

    /// <summary>The file a reference names, if it is in the cache, or null. Uses no network.</summary>
    public string? FindFile(HubReference reference) =>
        FindCommit(reference) is { } commit && SnapshotPath(reference, commit) is var path && Holds(path) ? path : null;

    /// <summary>The folder a reference names, if any of it is in the cache, or null. Uses no network.</summary>
    public string? FindFolder(HubReference reference) =>
        FindCommit(reference) is { } commit && SnapshotPath(reference, commit) is var path && Directory.Exists(path) ? path : null;

    /// <summary>Whether a file is there with its content: File.Exists is also true of a link that leads nowhere.</summary>
    internal static bool Holds(string path) =>
        File.Exists(path) && new FileInfo(path).ResolveLinkTarget(returnFinalTarget: true) is not { Exists: false };

    /// <summary>The error for a cache that cannot be written.</summary>
    internal HubException Unwritable(Exception cause) =>
        new($"the cache cannot be written ({cause.Message}); set HF_HUB_CACHE to a folder of yours on a disk with room", Folder, cause);

    internal string SnapshotPath(HubReference reference, string commit) => Local(Of(reference, "snapshots", commit), reference.Path);

    internal string BlobFile(HubReference reference, string etag) => Of(reference, "blobs", CheckName(etag, reference));

    internal void WriteRef(HubReference reference, string commit)
    {
        if (!reference.IsPinned && FindCommit(reference) != commit)
            WriteText(RefFile(reference), commit);
    }

    /// <summary>Whether the hub has already said that a file does not exist at a commit.</summary>
    internal bool IsKnownMissing(HubReference reference, string commit) =>
        File.Exists(Local(Of(reference, ".no_exist", commit), reference.Path));

    internal void MarkMissing(HubReference reference, string commit) =>
        WriteText(Local(Of(reference, ".no_exist", commit), reference.Path), "");

    /// <summary>The listing of a commit, or null if none is kept or it cannot be used.</summary>
    internal HubListing? ReadListing(HubReference reference, string commit)
    {
        try
        {
            return ReadText(Of(reference, "trees", commit + ".json")) is { } json ? HubListing.FromCache(commit, json) : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            return null; // Only a copy of what the hub can tell again.
        }
    }

    internal void WriteListing(HubReference reference, HubListing listing) =>
        WriteText(Of(reference, "trees", listing.Commit + ".json"), listing.ToCache());

    /// <summary>
    /// Waits until no other process downloads the same content. An exclusive .NET file handle is an flock on Unix and
    /// a sharing lock on Windows; Python's filelock respects both.
    /// </summary>
    internal async Task<IDisposable> LockAsync(HubReference reference, string etag, TimeProvider clock, CancellationToken cancellationToken)
    {
        var path = Path.Combine(Folder, ".locks", RepositoryName(reference), CheckName(etag, reference) + ".lock");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException e) when (FileLock.IsHeldElsewhere(e))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), clock, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Lets a snapshot path show a blob: by a relative link, or where links cannot be made by the content itself.</summary>
    /// <param name="blob">The blob.</param>
    /// <param name="path">The snapshot path.</param>
    /// <param name="link">Whether to try a link.</param>
    /// <param name="fresh">Whether nothing else can refer to the blob yet, so that it may be moved.</param>
    internal static void Show(string blob, string path, bool link, bool fresh)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.Delete(path); // A link whose blob has gone.
        if (link && TryLink(Path.GetRelativePath(Path.GetDirectoryName(path)!, blob), path))
            return;
        if (fresh)
        {
            File.Move(blob, path);
            return;
        }
        var temporary = Temporary(path);
        File.Copy(blob, temporary);
        File.Move(temporary, path, overwrite: true);
    }

    private static bool TryLink(string target, string path)
    {
        try
        {
            File.CreateSymbolicLink(path, target);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or PlatformNotSupportedException)
        {
            return Holds(path); // Another process was faster.
        }
    }

    // An etag comes from a server and becomes a file name.
    private static string CheckName(string etag, HubReference reference) =>
        etag.Length is > 0 and <= 128 && etag[0] != '.' && etag.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')
            ? etag
            : throw new HubException(
                $"the etag '{etag}' of '{reference.Path}' cannot name a file; is HF_ENDPOINT a Hugging Face hub?",
                reference.Repository
            );

    private static string RepositoryName(HubReference reference) =>
        "models--" + reference.Repository.Replace("/", "--", StringComparison.Ordinal);

    private string Of(HubReference reference, string kind, string name) => Path.Combine(Folder, RepositoryName(reference), kind, name);

    private string RefFile(HubReference reference) => Local(Path.Combine(Folder, RepositoryName(reference), "refs"), reference.Revision);

    private static string Local(string folder, string path) => Path.Combine([folder, .. path.Split('/')]);

    private static string Temporary(string path) => $"{path}.{Guid.NewGuid():N}.tmp";

    private static string? ReadText(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllText(path) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new HubException($"cannot be read ({e.Message}); correct the permissions or delete it", path, e);
        }
    }

    private void WriteText(string path, string text)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            var temporary = Temporary(path);
            File.WriteAllText(temporary, text);
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(e);
        }
    }
}
