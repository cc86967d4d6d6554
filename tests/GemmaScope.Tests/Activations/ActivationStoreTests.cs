using FsCheck;
using FsCheck.Fluent;
using GemmaScope.Activations;
using GemmaScope.Models;
using Xunit;

namespace GemmaScope.Tests.Activations;

public sealed class ActivationStoreTests : IDisposable
{
    private const string Shard = "part-0-of-1/00001.z.1.safetensors";

    private readonly StoreFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void a_whole_store_has_no_problems()
    {
        var store = _folder.Harvest("store");
        Assert.True(store.IsComplete);
        Assert.Empty(Problems(store));
    }

    [Theory]
    [InlineData("a byte flipped", "checksum")]
    [InlineData("the end cut off", "bytes where")]
    [InlineData("missing", "does not exist")]
    public void a_damaged_shard_is_found(string damage, string says)
    {
        var store = _folder.Harvest("store");
        var path = Path.Combine(store.Folder, Shard);
        var bytes = File.ReadAllBytes(path);
        bytes[bytes.Length / 2] ^= 1;
        if (damage == "missing")
            File.Delete(path);
        else
            File.WriteAllBytes(path, damage == "the end cut off" ? bytes[..^9] : bytes);
        var problem = Assert.Single(Problems(store));
        Assert.Equal(Shard, problem.File);
        Assert.Contains(says, problem.Problem);
    }

    [Fact]
    public void a_shard_cut_short_is_not_read()
    {
        var store = _folder.Harvest("store");
        using (var file = File.OpenWrite(Path.Combine(store.Folder, Shard)))
            file.SetLength(file.Length - 9);
        using var reader = store.NewReader([Site.Z(1)]);
        using var batch = new ActivationBatch(reader, (int)store.Rows);
        Assert.Contains("verify the store", Assert.Throws<FileFormatException>(() => reader.Read(batch)).Message);
        Assert.Throws<FileFormatException>(() => reader.Read(batch));
    }

    [Fact]
    public void rows_that_are_there_twice_are_found()
    {
        var store = _folder.Harvest("store");
        var part = store.Manifest.Parts[0];
        var doubled = part with { Buckets = [part.Buckets[0], part.Buckets[0] with { Index = 1 }] };
        ManifestFile.Write(ManifestFile.PartFile(store.Folder, part.Folder), store.Manifest with { Parts = [doubled] });
        Assert.Contains("already", Assert.Single(Problems(ActivationStore.Open(store.Folder))).Problem);
    }

    [Fact]
    public void rows_of_another_part_are_found()
    {
        var store = _folder.Harvest("store", StoreFolder.Options with { Parts = 2 });
        var part = store.Manifest.Parts[0];
        ManifestFile.Write(ManifestFile.PartFile(store.Folder, part.Folder), store.Manifest with { Parts = [part with { Index = 1 }] });
        Assert.All(Problems(ActivationStore.Open(store.Folder)), problem => Assert.Contains("another part", problem.Problem));
        Assert.NotEmpty(Problems(ActivationStore.Open(store.Folder)));
    }

    [Fact]
    public void a_store_is_read_while_it_is_written()
    {
        var rows = new List<long>();
        var whole = _folder.Harvest(
            "store",
            StoreFolder.Options with
            {
                BeforeWrite = _ =>
                {
                    var store = ActivationStore.Open(_folder.Path("store"));
                    if (store.Rows == 0 || rows.Contains(store.Rows))
                        return;
                    rows.Add(store.Rows);
                    Assert.Empty(Problems(store));
                    using var reader = store.NewReader();
                    using var batch = new ActivationBatch(reader, 64);
                    reader.Read(batch);
                },
            }
        );
        Assert.True(rows.Count > 1);
        Assert.Equal(rows.Order(), rows);
        Assert.True(rows[^1] < whole.Rows);
    }

    [Fact]
    public void parts_are_merged_where_they_are()
    {
        var options = StoreFolder.Options with { Parts = 2 };
        _folder.Harvest("store", options);
        Assert.Contains("missing", Assert.Throws<GemmaScopeException>(() => StoreMerge.Parts(_folder.Path("store"))).Message);
        var before = _folder.Harvest("store", options with { Part = 1 });
        StoreMerge.Parts(before.Folder);
        var after = ActivationStore.Open(before.Folder);
        Assert.Equal(before.Rows, after.Rows);
        Assert.True(after.IsComplete);
        Assert.Equal(["manifest.json"], Directory.GetFiles(before.Folder).Select(Path.GetFileName));
        Assert.Empty(Problems(after));
        // Its harvest finds that there is nothing left to do.
        Assert.Equal(before.Rows, _folder.Harvest("store", options).Rows);
    }

    [Fact]
    public void a_merge_that_was_interrupted_counts_no_row_twice()
    {
        var store = _folder.Harvest("store");
        ManifestFile.Write(Path.Combine(store.Folder, ManifestFile.Merged), store.Manifest);
        Assert.Equal(store.Rows, ActivationStore.Open(store.Folder).Rows);
    }

    [Fact]
    public void parts_from_several_disks_become_one_store()
    {
        var whole = _folder.Harvest("whole");
        for (var part = 0; part < 2; part++)
            _folder.Harvest($"{part}", StoreFolder.Options with { Parts = 2, Part = part });
        var merged = StoreMerge.Stores(
            [_folder.Path("0"), _folder.Path("1")],
            _folder.Path("merged"),
            cancellationToken: TestContext.Current.CancellationToken
        );
        Assert.Equal(whole.Rows, merged.Rows);
        Assert.True(merged.IsComplete);
        Assert.Empty(Problems(merged));
        Assert.All(whole.Sites, site => Assert.Equal(whole.Scale(site), merged.Scale(site), 1e-12));
    }

    [Fact]
    public void stores_that_share_rows_or_differ_are_not_merged()
    {
        _folder.Harvest("store");
        _folder.Harvest("other seed", StoreFolder.Options with { Seed = 1 });
        _folder.Harvest("other sites", StoreFolder.Options with { Sites = [Site.Z(0)] });
        Assert.Contains("twice", Refused("store"));
        Assert.Contains("twice", Refused("other seed"));
        Assert.Contains("sites", Refused("other sites"));

        string Refused(string other) =>
            Assert
                .Throws<ArgumentProblemException>(() =>
                    StoreMerge.Stores([_folder.Path("store"), _folder.Path(other)], _folder.Path("merged"))
                )
                .Message;
    }

    [Fact]
    public void damaged_manifests_are_loaded_or_refused()
    {
        var store = _folder.Harvest("store");
        var file = ManifestFile.PartFile(store.Folder, "part-0-of-1");
        var valid = File.ReadAllBytes(file);
        var edits = Gen.Choose(0, int.MaxValue).ListOf(3).Select(list => list.ToArray());
        Prop.ForAll(
                Arb.From(edits),
                edit =>
                {
                    var bytes = valid.ToArray();
                    var at = edit[1] % bytes.Length;
                    if (edit[0] % 3 == 0)
                        bytes = bytes[..at];
                    else if (edit[0] % 3 == 1)
                        bytes[at] = (byte)edit[2];
                    else
                        bytes = [.. bytes[..at], .. "9999999999"u8, .. bytes[at..]];
                    File.WriteAllBytes(file, bytes);
                    try
                    {
                        var damaged = ActivationStore.Open(store.Folder);
                        // What passes for a manifest stays inside the store.
                        Assert.All(
                            damaged.Manifest.Parts.SelectMany(part => part.Buckets).SelectMany(bucket => bucket.Shards),
                            shard => Assert.StartsWith(store.Folder, Path.GetFullPath(Path.Combine(store.Folder, shard.File)))
                        );
                        _ = StoreVerifier.Verify(damaged).Count();
                    }
                    catch (FileFormatException)
                    {
                        // Refused in words.
                    }
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(60));
    }

    [Theory]
    [InlineData("\"part-0-of-1\"", "\"../elsewhere\"")]
    [InlineData("00000.z.1.safetensors", "../secret")]
    [InlineData("\"width\": 256", "\"width\": 0")]
    [InlineData("\"dtype\": \"F32\"", "\"dtype\": \"I8\"")]
    [InlineData("\"version\": 1", "\"version\": 2")]
    [InlineData("\"rows\": 150", "\"rows\": 99999999")]
    [InlineData("\"index\": 1", "\"index\": 0")]
    public void a_manifest_that_does_not_add_up_is_refused(string old, string changed)
    {
        var store = _folder.Harvest("store");
        var file = ManifestFile.PartFile(store.Folder, "part-0-of-1");
        var text = File.ReadAllText(file);
        Assert.Contains(old, text);
        File.WriteAllText(file, text.Replace(old, changed));
        Assert.Contains("part-0-of-1.json", Assert.Throws<FileFormatException>(() => ActivationStore.Open(store.Folder)).Message);
    }

    [Fact]
    public void a_folder_without_a_store_is_refused() =>
        Assert.Contains(
            "no activation store",
            Assert.Throws<FileFormatException>(() => ActivationStore.Open(Path.GetDirectoryName(_folder.TextFile)!)).Message
        );

    private static StoreProblem[] Problems(ActivationStore store) => [.. StoreVerifier.Verify(store)];
}
