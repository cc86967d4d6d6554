namespace GemmaScope.Files;

/// <summary>What the headers of an answer say about a file.</summary>
internal static class HubMetadata
{
    private const string Commit = "X-Repo-Commit";
    private const string LinkedEtag = "X-Linked-Etag";
    private const string LinkedSize = "X-Linked-Size";

    /// <summary>Whether a redirect already tells all.</summary>
    public static bool IsIn(HttpResponseMessage response) =>
        Header(response, Commit) is not null && Header(response, LinkedEtag) is not null && Header(response, LinkedSize) is not null;

    /// <summary>The commit that was answered from, or null.</summary>
    public static string? CommitOf(HttpResponseMessage response) =>
        Header(response, Commit) is { } commit && HubReference.IsCommit(commit) ? commit : null;

    /// <summary>The commit and the file that an answer to HEAD describes.</summary>
    /// <exception cref="HubException">The server is not a hub.</exception>
    public static (string Commit, HubFile File) Read(HttpResponseMessage response, HubReference reference)
    {
        var commit = CommitOf(response);
        var etag = Normalize(Header(response, LinkedEtag) ?? response.Headers.ETag?.Tag);
        // The length of a redirect is that of its own body.
        var own = (int)response.StatusCode / 100 == 2 ? response.Content.Headers.ContentLength : null;
        var size = long.TryParse(Header(response, LinkedSize), out var linked) ? linked : own;
        if (commit is null || etag is null || size is null or < 0)
            throw new HubException(
                $"the server does not tell commit, checksum and size of '{reference.Path}'; is HF_ENDPOINT a Hugging Face hub?",
                reference.Repository
            );
        return (commit, new(reference.Path, size.Value, etag));
    }

    public static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? values.First() : null;

    private static string? Normalize(string? etag) =>
        (etag?.StartsWith("W/", StringComparison.Ordinal) == true ? etag[2..] : etag)?.Trim('"');
}
