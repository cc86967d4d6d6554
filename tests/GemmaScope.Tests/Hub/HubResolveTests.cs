using System.Text.Json.Nodes;
using GemmaScope.Files;
using Xunit;
using static GemmaScope.Tests.Files.FakeHub;

namespace GemmaScope.Tests.Files;

public sealed class HubResolveTests : IDisposable
{
    private static readonly string[] Wanted =
    [
        "config.json",
        "model-1-of-2.safetensors",
        "model-2-of-2.safetensors",
        "model.safetensors.index.json",
        "tokenizer.json",
    ];

    private readonly FakeHub _hub = new FakeHub()
        .With("config.json", "{}")
        .With("tokenizer.json", "{}")
        .With("README.md", "# model")
        .With("pytorch_model.bin", "pickle")
        .With("model.gguf", "gguf")
        .With("model.safetensors.index.json", """{"weight_map":{"a":"model-1-of-2.safetensors","b":"model-2-of-2.safetensors"}}""")
        .With("model-1-of-2.safetensors", FakeHub.Random(300_000, 1))
        .With("model-2-of-2.safetensors", FakeHub.Random(200_000, 2))
        .With("layer_1/l0_7/params.npz", FakeHub.Random(1000, 3))
        .With("layer_1/l0_7/sub/more.npz", FakeHub.Random(10, 4))
        .With("layer_1/l0_70/params.npz", FakeHub.Random(1000, 5));

    public void Dispose() => _hub.Dispose();

    private static IEnumerable<string> Below(string folder) =>
        Directory
            .GetFiles(folder, "*", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(folder, f))
            .Order(StringComparer.Ordinal);

    /// <summary>What a Python program that downloaded files leaves behind.</summary>
    private void LayOutAsPythonDoes(params string[] files)
    {
        foreach (var name in files)
        {
            var content = _hub.Files[name];
            var etag =
                name.EndsWith(".safetensors", StringComparison.Ordinal) || name.EndsWith(".npz", StringComparison.Ordinal)
                    ? Sha256(content)
                    : GitSha1(content);
            var (blob, link) = (
                Path.Combine(_hub.RepositoryFolder, "blobs", etag),
                Path.Combine(_hub.RepositoryFolder, "snapshots", Commit, name)
            );
            Directory.CreateDirectory(Path.GetDirectoryName(blob)!);
            Directory.CreateDirectory(Path.GetDirectoryName(link)!);
            File.WriteAllBytes(blob, content);
            File.CreateSymbolicLink(link, Path.GetRelativePath(Path.GetDirectoryName(link)!, blob));
        }
        Directory.CreateDirectory(Path.Combine(_hub.RepositoryFolder, "refs"));
        File.WriteAllText(Path.Combine(_hub.RepositoryFolder, "refs", "main"), Commit);
    }

    [Fact]
    public async Task of_a_model_only_what_is_needed_is_downloaded()
    {
        var model = await Hub.ResolveModelAsync(Repository, _hub.Options);
        Assert.Equal((PathSource.Download, Commit), (model.Source, model.Commit));
        Assert.Equal(Wanted, Below(model.Path));
        Assert.All(Wanted, f => Assert.Equal(_hub.Files[f], File.ReadAllBytes(Path.Combine(model.Path, f))));
    }

    [Fact]
    public async Task of_models_in_gguf_files_one_is_named_and_comes_with_its_shards()
    {
        using var hub = new FakeHub().With("a-00001-of-00002.gguf", "1").With("a-00002-of-00002.gguf", "2").With("b.gguf", "3");
        var refusal = await Assert.ThrowsAsync<HubException>(() => Hub.ResolveModelAsync(Repository, hub.Options));
        Assert.Contains($"{Repository}/a-00001-of-00002.gguf", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("b.gguf", refusal.Message, StringComparison.Ordinal);

        var split = await Hub.ResolveModelAsync($"{Repository}/a-00001-of-00002.gguf", hub.Options);
        Assert.Equal("1", File.ReadAllText(split.Path));
        Assert.True(File.Exists(split.Path.Replace("00001-of", "00002-of", StringComparison.Ordinal)));
        Assert.False(File.Exists(Path.Combine(Path.GetDirectoryName(split.Path)!, "b.gguf")));

        var offline = hub.Options with { Offline = true };
        Assert.Equal(PathSource.Cache, (await Hub.ResolveModelAsync($"{Repository}/a-00001-of-00002.gguf", offline)).Source);
        var missing = await Assert.ThrowsAsync<HubException>(() => Hub.ResolveModelAsync($"{Repository}/b.gguf", offline));
        Assert.Contains("HF_HUB_OFFLINE", missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task the_cache_has_the_layout_that_python_reads()
    {
        await Hub.ResolveModelAsync(Repository, _hub.Options);
        Assert.Equal(Commit, File.ReadAllText(Path.Combine(_hub.RepositoryFolder, "refs", "main")));
        // Two of the files are equal and stored once.
        Assert.Equal(Wanted.Length - 1, Directory.GetFiles(Path.Combine(_hub.RepositoryFolder, "blobs")).Length);
        var link = Path.Combine(_hub.RepositoryFolder, "snapshots", Commit, "model-1-of-2.safetensors");
        Assert.Equal($"../../blobs/{Sha256(_hub.Files["model-1-of-2.safetensors"])}", new FileInfo(link).LinkTarget);
        Assert.Equal(
            $"../../blobs/{GitSha1(_hub.Files["config.json"])}",
            new FileInfo(Path.Combine(_hub.RepositoryFolder, "snapshots", Commit, "config.json")).LinkTarget
        );
        Assert.NotEmpty(Directory.GetFiles(Path.Combine(_hub.CacheFolder, ".locks", "models--org--model"), "*.lock"));

        var tree = JsonNode.Parse(File.ReadAllText(Path.Combine(_hub.RepositoryFolder, "trees", Commit + ".json")))!;
        Assert.Equal(1, (int)tree["format_version"]!);
        Assert.Equal(200_000, (long)tree["files"]!["model-2-of-2.safetensors"]!["lfs_size"]!);
        Assert.Equal(GitSha1(_hub.Files["README.md"]), (string?)tree["files"]!["README.md"]!["blob_id"]);
    }

    [Fact]
    public async Task a_file_below_folders_is_linked_relatively()
    {
        var file = await Hub.ResolveFileAsync($"{Repository}/layer_1/l0_7/params.npz", _hub.Options);
        Assert.StartsWith("../../../../blobs/", new FileInfo(file.Path).LinkTarget, StringComparison.Ordinal);
    }

    [Fact]
    public async Task what_python_downloaded_is_found_without_any_request()
    {
        LayOutAsPythonDoes(Wanted);
        var model = await Hub.ResolveModelAsync(Repository, _hub.Options);
        Assert.Equal(PathSource.Cache, model.Source);
        Assert.Equal(_hub.Files["tokenizer.json"], await File.ReadAllBytesAsync(Path.Combine(model.Path, "tokenizer.json")));
        Assert.Equal(PathSource.Cache, (await Hub.ResolveFileAsync($"{Repository}/config.json", _hub.Options)).Source);
        Assert.Equal(PathSource.Cache, (await Hub.ResolveFileAsync($"{Repository}@{Commit}/config.json", _hub.Options)).Source);
        Assert.Empty(_hub.Requests);
    }

    [Fact]
    public async Task what_is_missing_of_a_cached_model_is_added()
    {
        LayOutAsPythonDoes([.. Wanted.Except(["model-2-of-2.safetensors"])]);
        Assert.Equal(Wanted, Below((await Hub.ResolveModelAsync(Repository, _hub.Options)).Path));
        Assert.Single(_hub.StoreRequests);
    }

    [Fact]
    public async Task a_second_run_uses_no_network()
    {
        string[] names = [Repository, $"{Repository}/layer_1/l0_7"];
        foreach (var name in names)
            await Hub.ResolveFolderAsync(name, options: _hub.Options);
        var before = _hub.Requests.Count;
        foreach (var name in names)
        {
            Assert.Equal(PathSource.Cache, (await Hub.ResolveFolderAsync(name, options: _hub.Options)).Source);
            Assert.Null((await Hub.ResolveFolderAsync(name, options: _hub.Options with { Offline = true })).Remark);
        }
        Assert.Equal(before, _hub.Requests.Count);
    }

    [Fact]
    public async Task one_folder_of_a_repository_is_downloaded_alone()
    {
        var folder = await Hub.ResolveFolderAsync($"{Repository}/layer_1/l0_7", options: _hub.Options);
        Assert.Equal(["params.npz", "sub/more.npz"], Below(folder.Path));
        Assert.EndsWith("/layer_1/l0_7", folder.Path, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(folder.Path, "../l0_70")));
    }

    [Fact]
    public async Task patterns_choose_within_a_folder()
    {
        Assert.Equal(["params.npz"], Below((await Hub.ResolveFolderAsync($"{Repository}/layer_1/l0_7", ["*.npz"], _hub.Options)).Path));
        Assert.Equal(
            ["l0_7/params.npz", "l0_7/sub/more.npz", "l0_70/params.npz"],
            Below((await Hub.ResolveFolderAsync($"{Repository}/layer_1", ["**.npz"], _hub.Options)).Path)
        );
    }

    [Fact]
    public async Task a_listing_of_many_pages_is_read_whole()
    {
        _hub.PageSize = 2;
        using var client = new HubClient(_hub.Options with { Token = "hf_secret" });
        var listing = await client.ListAsync(HubReference.Parse(Repository));
        Assert.Equal(_hub.Files.Keys, listing.Files.Select(f => f.Path).Order(StringComparer.Ordinal));
        Assert.All(listing.Files, f => Assert.Equal(_hub.Files[f.Path].Length, f.Size));
        Assert.All(_hub.Requests, r => Assert.Equal("Bearer hf_secret", r["Authorization"]));
    }

    [Fact]
    public async Task a_mirror_without_a_tree_is_enough()
    {
        _hub.Fault = Always(r => r.Path.Contains("/tree/", StringComparison.Ordinal) ? new(404) : null);
        Assert.Equal(Wanted, Below((await Hub.ResolveModelAsync(Repository, _hub.Options)).Path));
    }

    [Fact]
    public async Task files_download_at_once_but_not_more_than_allowed()
    {
        for (var i = 0; i < 6; i++)
            _hub.With($"many/{i}.npz", FakeHub.Random(100, 10 + i));
        var (now, most) = (0, 0);
        var gate = new Lock();
        _hub.StoreFault = async _ =>
        {
            lock (gate)
                most = Math.Max(most, ++now);
            // Nobody is done before as many have come as may.
            await Patience.UntilAsync(() => Volatile.Read(ref most) >= 3, "three downloads at once");
            lock (gate)
                now--;
            return null;
        };
        await Hub.ResolveFolderAsync($"{Repository}/many", options: _hub.Options with { Parallel = 3 });
        Assert.Equal(3, most);
    }

    [Fact]
    public async Task progress_adds_up()
    {
        var reports = new Reports();
        _hub.StoreFault = Once(r => Part(r, _hub.Files.Values.First(c => r.Path == "/" + Sha256(c))) with { CutAfter = 5000 });
        await Hub.ResolveModelAsync(Repository, _hub.Options, reports);
        var total = Wanted.Sum(f => _hub.Files[f].Length);
        Assert.All(reports.All, p => Assert.Equal((total, Wanted.Length), (p.TotalBytes, p.Files)));
        Assert.Equal((total, Wanted.Length), (reports.All[^1].Bytes, reports.All[^1].FilesDone));
        Assert.Contains(reports.All, p => p.FileBytes == 5000);
    }

    [Fact]
    public async Task where_links_cannot_be_made_the_snapshot_holds_the_files()
    {
        var options = _hub.Options with { Symlinks = false };
        var model = await Hub.ResolveModelAsync(Repository, options);
        Assert.All(Wanted, f => Assert.Null(new FileInfo(Path.Combine(model.Path, f)).LinkTarget));
        Assert.Equal(Wanted, Below(model.Path));
        Assert.Equal(PathSource.Cache, (await Hub.ResolveModelAsync(Repository, options)).Source);
    }

    [Fact]
    public async Task a_link_whose_blob_is_gone_is_made_anew()
    {
        LayOutAsPythonDoes("config.json");
        File.Delete(Path.Combine(_hub.RepositoryFolder, "blobs", GitSha1(_hub.Files["config.json"])));
        Assert.Equal("{}", await File.ReadAllTextAsync((await Hub.ResolveFileAsync($"{Repository}/config.json", _hub.Options)).Path));
    }

    [Fact]
    public async Task offline_the_cache_is_used_and_nothing_is_asked()
    {
        var offline = _hub.Options with { Offline = true };
        var error = await Assert.ThrowsAsync<HubException>(() => Hub.ResolveModelAsync(Repository, offline));
        Assert.Contains("HF_HUB_OFFLINE forbids", error.Message, StringComparison.Ordinal);
        Assert.Contains("hf download org/model", error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<HubException>(() => Hub.ResolveFileAsync($"{Repository}/config.json", offline));

        LayOutAsPythonDoes([.. Wanted.Except(["model-2-of-2.safetensors"]), "layer_1/l0_7/params.npz"]);
        var part = await Assert.ThrowsAsync<HubException>(() => Hub.ResolveModelAsync(Repository, offline));
        Assert.Contains("a part of it, without model-2-of-2.safetensors", part.Message, StringComparison.Ordinal);
        var folder = await Hub.ResolveFolderAsync($"{Repository}/layer_1/l0_7", options: offline);
        Assert.Contains("possibly not all of it", folder.ToString(), StringComparison.Ordinal);
        Assert.Empty(_hub.Requests);
    }

    [Fact]
    public async Task offline_a_known_list_of_files_tells_what_is_missing()
    {
        var folder = (await Hub.ResolveFolderAsync($"{Repository}/layer_1/l0_7", options: _hub.Options)).Path;
        File.Delete(Path.Combine(folder, "params.npz"));
        var error = await Assert.ThrowsAsync<HubException>(() =>
            Hub.ResolveFolderAsync($"{Repository}/layer_1/l0_7", options: _hub.Options with { Offline = true })
        );
        Assert.Contains("org/model/layer_1/l0_7/params.npz: is not in the cache", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task offline_a_model_without_its_optional_files_is_enough()
    {
        await Hub.ResolveModelAsync(Repository, _hub.Options);
        _hub.With("generation_config.json", "{}");
        File.Delete(Path.Combine(_hub.RepositoryFolder, "trees", Commit + ".json"));
        using (var client = new HubClient(_hub.Options))
            await client.ListAsync(HubReference.Parse(Repository));
        Assert.Equal(PathSource.Cache, (await Hub.ResolveModelAsync(Repository, _hub.Options with { Offline = true })).Source);
    }

    [Fact]
    public async Task a_hub_that_cannot_be_reached_leaves_the_cache()
    {
        LayOutAsPythonDoes("layer_1/l0_7/params.npz");
        _hub.Fault = Always(_ => new(503));
        var folder = await Hub.ResolveFolderAsync($"{Repository}/layer_1/l0_7", options: _hub.Options);
        Assert.Contains("503", folder.Remark, StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_damaged_listing_or_ref_in_the_cache_is_asked_for_again()
    {
        await Hub.ResolveModelAsync(Repository, _hub.Options);
        File.WriteAllText(Path.Combine(_hub.RepositoryFolder, "trees", Commit + ".json"), "{\"format_version\":1,\"files\":[");
        Assert.Equal(Wanted, Below((await Hub.ResolveFolderAsync(Repository, Hub.ModelFiles, _hub.Options)).Path));
        File.WriteAllText(Path.Combine(_hub.RepositoryFolder, "refs", "main"), "../../x");
        Assert.Equal(Wanted, Below((await Hub.ResolveModelAsync(Repository, _hub.Options)).Path));
        Assert.Equal(Commit, File.ReadAllText(Path.Combine(_hub.RepositoryFolder, "refs", "main")));
    }

    [Fact]
    public async Task a_local_path_wins_over_the_hub()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "params.npz");
        File.WriteAllText(file, "x");
        Assert.Equal(
            (folder.Path, PathSource.Local),
            (Hub.ResolveModel(folder.Path, _hub.Options).Path, Hub.ResolveFolder(folder.Path, options: _hub.Options).Source)
        );
        Assert.Equal($"{file} (local)", (await Hub.ResolveFileAsync(file, _hub.Options)).ToString());
        Assert.Contains(
            "folder is expected",
            Assert.Throws<ArgumentProblemException>(() => Hub.ResolveModel(file, _hub.Options)).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "file is expected",
            (await Assert.ThrowsAsync<ArgumentProblemException>(() => Hub.ResolveFileAsync(folder.Path, _hub.Options))).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "no such folder",
            Assert.Throws<ArgumentProblemException>(() => Hub.ResolveModel(folder.Path + "-none", _hub.Options)).Message,
            StringComparison.Ordinal
        );
        Assert.Empty(_hub.Requests);
    }

    private sealed class Reports : IProgress<HubProgress>
    {
        public List<HubProgress> All { get; } = [];

        public void Report(HubProgress value) => All.Add(value);
    }
}
