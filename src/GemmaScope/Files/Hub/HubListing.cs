using System.Text.Json;
using System.Text.Json.Nodes;

namespace GemmaScope.Files;

/// <summary>A file of a repository at one commit.</summary>
/// <param name="Path">Path in the repository.</param>
/// <param name="Size">Bytes; −1 where the server listed names only.</param>
/// <param name="BlobId">SHA-1 of the git blob (of the pointer, for a large file); empty where the server listed names only.</param>
/// <param name="Sha256">SHA-256 of the content of a large (LFS) file, else null.</param>
public sealed record HubFile(string Path, long Size, string BlobId, string? Sha256 = null)
{
    /// <summary>Name of the content in the cache: <see cref="Sha256"/>, else <see cref="BlobId"/>.</summary>
    public string Etag => Sha256 ?? BlobId;
}

/// <summary>All files of a repository at one commit.</summary>
/// <param name="Commit">Full commit hash.</param>
/// <param name="Files">The files.</param>
public sealed record HubListing(string Commit, IReadOnlyList<HubFile> Files)
{
    private const int CacheFormat = 1;

    /// <summary>The files below a folder that match one of the glob patterns (all if there are none), relative to that folder.</summary>
    internal List<HubFile> Select(string folder, IReadOnlyList<string> patterns)
    {
        var prefix = folder.Length == 0 ? "" : folder + "/";
        var globs = patterns.Select(p => new Glob(p)).ToList();
        return
        [
            .. Files.Where(f =>
                f.Path.StartsWith(prefix, StringComparison.Ordinal)
                && (globs.Count == 0 || globs.Any(g => g.Matches(f.Path[prefix.Length..])))
            ),
        ];
    }

    /// <summary>All folders that hold files.</summary>
    internal IEnumerable<string> Folders() =>
        Files.Select(f => f.Path).Where(p => p.Contains('/')).Select(p => p[..p.LastIndexOf('/')]).Distinct(StringComparer.Ordinal);

    /// <summary>Reads one page of the hub's tree API; folders are left out.</summary>
    internal static IEnumerable<HubFile> FromTree(JsonElement page) =>
        from entry in page.EnumerateArray()
        where entry.GetProperty("type").GetString() == "file"
        select new HubFile(
            Text(entry.GetProperty("path")),
            entry.GetProperty("size").GetInt64(),
            Text(entry.GetProperty("oid")),
            entry.TryGetProperty("lfs", out var lfs) && lfs.ValueKind == JsonValueKind.Object ? Text(lfs.GetProperty("oid")) : null
        );

    /// <summary>Reads the listing that huggingface_hub keeps per commit (<c>trees/COMMIT.json</c>); null if it is of another
    /// format.</summary>
    internal static HubListing? FromCache(string commit, string json)
    {
        using var document = JsonDocument.Parse(json);
        var root = document.RootElement;
        if (root.GetProperty("format_version").GetInt32() != CacheFormat)
            return null;
        return new(
            commit,
            [
                .. root.GetProperty("files")
                    .EnumerateObject()
                    .Select(f => new HubFile(
                        f.Name,
                        f.Value.GetProperty("size").GetInt64(),
                        Text(f.Value.GetProperty("blob_id")),
                        f.Value.TryGetProperty("lfs_sha256", out var sha) ? sha.GetString() : null
                    )),
            ]
        );
    }

    /// <summary>The text of a JSON string; JSON's null is an error like any other value.</summary>
    internal static string Text(JsonElement element) => element.GetString() ?? throw new FormatException("a string is null");

    /// <summary>The listing as huggingface_hub keeps it.</summary>
    internal string ToCache()
    {
        var files = new JsonObject();
        foreach (var file in Files.OrderBy(f => f.Path, StringComparer.Ordinal))
        {
            var entry = new JsonObject { ["size"] = file.Size, ["blob_id"] = file.BlobId };
            if (file.Sha256 is not null)
                (entry["lfs_sha256"], entry["lfs_size"]) = (file.Sha256, file.Size);
            files[file.Path] = entry;
        }
        return new JsonObject { ["format_version"] = CacheFormat, ["files"] = files }.ToJsonString();
    }
}
