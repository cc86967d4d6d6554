using GemmaScope.Files;
using Xunit;
using static GemmaScope.Tests.Files.FakeHub;

namespace GemmaScope.Tests.Files;

public sealed class HubAccessTests : IDisposable
{
    private readonly FakeHub _hub = new FakeHub().With("model.safetensors", FakeHub.Random(100)).With("config.json", "{}");

    public void Dispose() => _hub.Dispose();

    private async Task<string> ErrorAsync(string reference, HubOptions? options = null) =>
        (await Assert.ThrowsAsync<HubException>(() => Hub.ResolveFileAsync(reference, options ?? _hub.Options))).Message;

    [Fact]
    public async Task the_token_goes_to_the_hub_and_not_to_the_store()
    {
        await Hub.ResolveFileAsync($"{Repository}/model.safetensors", _hub.Options with { Token = "hf_secret" });
        Assert.NotEmpty(_hub.Requests);
        Assert.All(_hub.Requests, r => Assert.Equal("Bearer hf_secret", r["Authorization"]));
        Assert.Single(_hub.StoreRequests);
        Assert.All(_hub.StoreRequests, r => Assert.Null(r["Authorization"]));
    }

    [Fact]
    public async Task a_store_that_sends_back_to_the_hub_does_not_get_the_token_used()
    {
        _hub.StoreFault = Always(r => new(302, null, ("Location", new Uri(_hub.Address, "/back").AbsoluteUri)));
        await ErrorAsync($"{Repository}/model.safetensors", _hub.Options with { Token = "hf_secret" });
        Assert.Null(_hub.Requests.Single(r => r.Path == "/back")["Authorization"]);
    }

    [Fact]
    public async Task a_renamed_repository_is_followed_with_the_token()
    {
        _hub.Fault = Always(r =>
            r.Target.Contains("org/old", StringComparison.Ordinal)
                ? new(307, null, ("Location", r.Target.Replace("org/old", "org/model", StringComparison.Ordinal)))
                : null
        );
        var options = _hub.Options with { Token = "hf_secret" };
        var path = (await Hub.ResolveFileAsync("org/old/config.json", options)).Path;
        Assert.Equal("{}", await File.ReadAllTextAsync(path));
        Assert.Contains("models--org--old", path, StringComparison.Ordinal);
        Assert.All(_hub.Requests, r => Assert.Equal("Bearer hf_secret", r["Authorization"]));
        Assert.Equal(
            2,
            (await Hub.ResolveFolderAsync("org/old", options: options)).Path is var folder ? Directory.GetFiles(folder).Length : 0
        );
    }

    [Fact]
    public async Task endless_redirects_end()
    {
        _hub.Fault = Always(r => new(302, null, ("Location", r.Target)));
        Assert.Contains("redirects", await ErrorAsync($"{Repository}/config.json"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_redirect_away_from_the_web_is_refused()
    {
        _hub.StoreFault = Always(_ => new(302, null, ("Location", "ftp://127.0.0.1/x")));
        Assert.Contains("refused", await ErrorAsync($"{Repository}/model.safetensors"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""[{"type":"file","path":null,"size":1,"oid":"x"}]""")]
    [InlineData("""[{"type":"file","path":"config.json","size":1.5,"oid":"x"}]""")]
    [InlineData("""[1]""")]
    [InlineData("""{}""")]
    [InlineData("""[{"type":"file"}]""")]
    public async Task a_malformed_listing_is_an_error(string json)
    {
        _hub.Fault = Always(r => r.Path.Contains("/tree/", StringComparison.Ordinal) ? Answer.Text(json) : null);
        var error = await Assert.ThrowsAsync<HubException>(() => Hub.ResolveFolderAsync(Repository, options: _hub.Options));
        Assert.Contains("HF_ENDPOINT", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(401, null)]
    [InlineData(403, null)]
    [InlineData(403, "hf_secret")]
    public async Task a_gated_model_says_how_to_get_access(int status, string? token)
    {
        _hub.Fault = Always(_ => new(status, null, ("X-Error-Code", "GatedRepo")));
        var error = await ErrorAsync($"{Repository}/config.json", _hub.Options with { Token = token });
        Assert.StartsWith("org/model: is gated: accept its licence at", error, StringComparison.Ordinal);
        Assert.Contains(new Uri(_hub.Address, Repository).AbsoluteUri, error, StringComparison.Ordinal);
        Assert.Contains(
            token is null ? "HF_TOKEN or run `hf auth login`" : "the token that was sent has no access yet",
            error,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain("hf_secret", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(401, null, null, "private or gated; check the spelling")]
    [InlineData(401, "Invalid credentials in Authorization header", "hf_bad", "refuses the token (Invalid credentials")]
    [InlineData(403, "no read permission", "hf_bad", "forbidden (no read permission)")]
    public async Task a_refusal_says_what_to_do(int status, string? message, string? token, string expected)
    {
        _hub.Fault = Always(_ => message is null ? new(status) : new(status, null, ("X-Error-Message", message)));
        Assert.Contains(
            expected,
            await ErrorAsync($"{Repository}/config.json", _hub.Options with { Token = token }),
            StringComparison.Ordinal
        );
        Assert.Single(_hub.Requests);
    }

    [Fact]
    public async Task an_unknown_repository_is_named() =>
        Assert.Contains("org/none: 'x.json' was not found", await ErrorAsync("org/none/x.json"), StringComparison.Ordinal);

    [Fact]
    public async Task an_unknown_revision_is_named()
    {
        _hub.Fault = Always(_ => new(404, null, ("X-Error-Code", "RevisionNotFound")));
        Assert.Contains("has no revision 'v9'", await ErrorAsync($"{Repository}@v9/config.json"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task an_unknown_file_is_named_with_similar_ones_and_remembered()
    {
        Assert.Contains(
            "has no 'confg.json' at revision 'main'; similar: config.json",
            await ErrorAsync($"{Repository}/confg.json"),
            StringComparison.Ordinal
        );
        Assert.True(File.Exists(Path.Combine(_hub.RepositoryFolder, ".no_exist", Commit, "confg.json")));

        var before = _hub.Requests.Count;
        Assert.Contains("has no 'confg.json'", await ErrorAsync($"{Repository}/confg.json"), StringComparison.Ordinal);
        Assert.Equal(before, _hub.Requests.Count);
    }

    [Fact]
    public async Task an_unknown_folder_is_named_with_similar_ones()
    {
        _hub.With("layer_20/average_l0_71/params.npz", "x").With("layer_3/average_l0_9/params.npz", "y");
        var error = await Assert.ThrowsAsync<HubException>(() =>
            Hub.ResolveFolderAsync($"{Repository}/layer_20/average_l0_70", options: _hub.Options)
        );
        Assert.Contains("similar: layer_20/average_l0_71", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_server_that_is_no_hub_is_recognised()
    {
        _hub.Fault = Always(_ => Answer.Text("<html>sign in to this network</html>"));
        Assert.Contains("HF_ENDPOINT", await ErrorAsync($"{Repository}/config.json"), StringComparison.Ordinal);
        var error = await Assert.ThrowsAsync<HubException>(() => Hub.ResolveModelAsync(Repository, _hub.Options));
        Assert.Contains("HF_ENDPOINT", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task names_from_the_server_cannot_leave_the_cache()
    {
        _hub.With("../../../../evil.safetensors", "x");
        var error = await Assert.ThrowsAsync<HubException>(() => Hub.ResolveFolderAsync(Repository, options: _hub.Options));
        Assert.Contains("refused", error.Message, StringComparison.Ordinal);

        _hub.Fault = Always(r => new(200, "{}"u8.ToArray(), ("X-Repo-Commit", Commit), ("ETag", "\"../../evil\"")));
        Assert.Contains("cannot name a file", await ErrorAsync($"{Repository}/config.json"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task an_unreachable_hub_is_named()
    {
        LoopbackServer gone;
        using (gone = new(_ => Task.FromResult(Answer.Text("")))) { }
        var options = _hub.Options with { Endpoint = gone.Address };
        Assert.Contains("cannot be reached", await ErrorAsync($"{Repository}/config.json", options), StringComparison.Ordinal);
    }
}
