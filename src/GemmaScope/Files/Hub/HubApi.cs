using System.Net;
using System.Text.Json;

namespace GemmaScope.Files;

/// <summary>The questions that the hub answers about a model repository.</summary>
internal sealed class HubApi(HubTransport transport, HubOptions options)
{
    // A server that always names a next page must not keep us forever; the hub's hold 1000 files each.
    private const int MostPages = 10_000;

    private readonly string _base = options.Endpoint.AbsoluteUri.TrimEnd('/');

    /// <summary>Address of the file that a reference names.</summary>
    public Uri FileUri(HubReference reference) =>
        new(
            $"{_base}/{reference.Repository}/resolve/{Uri.EscapeDataString(reference.Revision)}/{string.Join('/', reference.Path.Split('/').Select(Uri.EscapeDataString))}"
        );

    /// <summary>The commit that a revision means and the names of its files.</summary>
    public async Task<(string Commit, List<string> Names)> RepositoryAsync(HubReference reference, CancellationToken cancellationToken) =>
        await ReadJsonAsync(Address(reference, "revision"), reference, RepositoryInfo, cancellationToken).ConfigureAwait(false);

    /// <summary>All pages of the tree; null if the server has no tree API, as some mirrors.</summary>
    public async Task<List<HubFile>?> TreeAsync(HubReference reference, CancellationToken cancellationToken)
    {
        var files = new List<HubFile>();
        Uri? page = new(Address(reference, "tree") + "?recursive=true");
        for (var count = 0; page is not null && count < MostPages; count++)
        {
            var here = page;
            var answer = await ReadJsonAsync(
                    here,
                    reference,
                    (json, response) => (HubListing.FromTree(json).ToList(), NextPage(response, here)),
                    cancellationToken,
                    optional: count == 0
                )
                .ConfigureAwait(false);
            if (answer.Item1 is null)
                return null;
            files.AddRange(answer.Item1);
            page = answer.Item2;
        }
        return files;
    }

    /// <summary>What a file is at its revision; the file is null if there is none, and the commit too if the hub does not tell.</summary>
    public Task<(string? Commit, HubFile? File)> FileAsync(HubReference reference, CancellationToken cancellationToken) =>
        transport.RunAsync(
            () => new(HttpMethod.Head, FileUri(reference)),
            (response, _) =>
            {
                if (HubFailure.IsMissingFile(response))
                    return Task.FromResult((HubMetadata.CommitOf(response), (HubFile?)null));
                HubFailure.ThrowIfRefused(response, reference, options);
                return Task.FromResult<(string?, HubFile?)>(HubMetadata.Read(response, reference));
            },
            cancellationToken
        );

    private Uri Address(HubReference reference, string kind) =>
        new($"{_base}/api/models/{reference.Repository}/{kind}/{Uri.EscapeDataString(reference.Revision)}");

    private static (string Commit, List<string> Names) RepositoryInfo(JsonElement json, HttpResponseMessage _)
    {
        var commit = json.GetProperty("sha").GetString();
        if (!HubReference.IsCommit(commit))
            throw new FormatException($"'{commit}' is not a commit");
        return (commit!, [.. json.GetProperty("siblings").EnumerateArray().Select(f => HubListing.Text(f.GetProperty("rfilename")))]);
    }

    private static Uri? NextPage(HttpResponseMessage response, Uri here)
    {
        var link = HubMetadata
            .Header(response, "Link")
            ?.Split(',')
            .FirstOrDefault(l => l.Contains("rel=\"next\"", StringComparison.Ordinal));
        var (start, end) = (link?.IndexOf('<') ?? -1, link?.IndexOf('>') ?? -1);
        return start >= 0 && end > start ? new Uri(here, link![(start + 1)..end]) : null;
    }

    /// <summary>Reads a JSON answer; the default value if <paramref name="optional"/> and the server knows no such address.</summary>
    private Task<T?> ReadJsonAsync<T>(
        Uri uri,
        HubReference reference,
        Func<JsonElement, HttpResponseMessage, T> read,
        CancellationToken cancellationToken,
        bool optional = false
    ) =>
        transport.RunAsync(
            () => new(HttpMethod.Get, uri),
            async (response, deadline) =>
            {
                if (optional && response.StatusCode == HttpStatusCode.NotFound)
                    return default;
                HubFailure.ThrowIfRefused(response, reference.At(""), options);
                try
                {
                    var body = await response.Content.ReadAsStreamAsync(deadline.Token).ConfigureAwait(false);
                    await using var closed = body.ConfigureAwait(false);
                    using var json = await JsonDocument.ParseAsync(body, cancellationToken: deadline.Token).ConfigureAwait(false);
                    return read(json.RootElement, response);
                }
                catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
                {
                    throw new HubException(
                        $"the answer is not that of a Hugging Face hub ({e.Message}); check HF_ENDPOINT",
                        uri.GetLeftPart(UriPartial.Path),
                        e
                    );
                }
            },
            cancellationToken
        );
}
