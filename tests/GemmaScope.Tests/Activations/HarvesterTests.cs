using GemmaScope.Activations;
using GemmaScope.Models;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Activations;

public sealed class HarvesterTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(DType.F32)]
    [InlineData(DType.BF16)]
    [InlineData(DType.F16)]
    public void each_row_of_each_site_is_what_the_model_computes_for_that_token(DType type)
    {
        var store = _folder.Harvest("store", StoreFolder.Options with { Type = type });
        var windows = _folder.Text.Runs(3).ToArray();
        var runs = windows.Select(run => _folder.Model.Run(run.Windows, capture: store.Sites, logits: LogitRows.None)).ToArray();
        var squares = new double[store.Sites.Count];
        var seen = new HashSet<(long, int)>();
        foreach (var bucket in store.Manifest.Parts.Single().Buckets)
        {
            var tokens = store.ReadTokens(bucket);
            for (var site = 0; site < store.Sites.Count; site++)
            {
                var width = store.Width(store.Sites[site]);
                using var shard = new ShardReader(store.Folder, bucket.Shards[site], type, bucket.Rows, width);
                using var rows = Tensor.Uninitialized(bucket.Rows, width);
                shard.Read(0, rows.AsMatrix());
                for (var row = 0; row < bucket.Rows; row++)
                {
                    var (token, sequence, position) = tokens[row];
                    var run = windows[sequence / 3];
                    Assert.Equal(run.Windows[sequence % 3][position], token);
                    var start = run.Windows.Take((int)(sequence % 3)).Sum(window => window.Length);
                    var want = runs[sequence / 3][store.Sites[site]].AsSpan().Slice((start + position) * width, width).ToArray();
                    squares[site] += want.Sum(value => (double)value * value);
                    Assert.Equal(want.Select(value => Rounded(value, type)), rows.Row(row).ToArray());
                    if (site == 0)
                        Assert.True(seen.Add((sequence, position)));
                }
            }
        }
        Assert.Equal(windows.Sum(run => run.Rows.Length), seen.Count);
        for (var site = 0; site < squares.Length; site++)
            Assert.Equal(Math.Sqrt(squares[site] / store.Rows), store.Scale(store.Sites[site]), 1e-9);
        foreach (var run in runs)
            run.Dispose();
    }

    [Fact]
    public void special_tokens_and_position_0_are_not_stored()
    {
        var store = _folder.Harvest("store");
        var tokens = store.Manifest.Parts.Single().Buckets.SelectMany(store.ReadTokens).ToArray();
        Assert.All(tokens, row => Assert.False(_folder.Model.Tokenizer.IsSpecial(row.Token)));
        Assert.DoesNotContain(0, tokens.Select(row => row.Position));
        Assert.True(store.Manifest.Parts.Single().Harvest.Tokens > store.Rows);
    }

    [Fact]
    public void rows_are_shuffled_within_their_bucket_and_the_seed_decides_how()
    {
        var one = Order("one", 1);
        Assert.NotEqual(one, one.Order());
        Assert.Equal(one, Order("again", 1));
        var two = Order("two", 2);
        Assert.NotEqual(one, two);
        Assert.Equal(one.Order(), two.Order());

        long[] Order(string name, int seed)
        {
            var store = _folder.Harvest(name, StoreFolder.Options with { Seed = seed });
            return [.. store.ReadTokens(store.Manifest.Parts[0].Buckets[0]).Select(row => row.Sequence * 1000 + row.Position)];
        }
    }

    [Fact]
    public void a_bucket_that_does_not_fit_into_memory_is_the_same()
    {
        _folder.Harvest("one region");
        _folder.Harvest("many regions", StoreFolder.Options with { RegionBytes = 10_000 });
        Assert.Equal(_folder.Contents("one region"), _folder.Contents("many regions"));
    }

    [Fact]
    public void killed_at_any_byte_it_goes_on_to_the_same_bytes()
    {
        _folder.Harvest("whole");
        var want = _folder.Contents("whole");
        var total = want
            .Keys.Where(name => !name.Contains("tokens") && name.EndsWith("safetensors"))
            .Sum(name => new FileInfo(Path.Combine(_folder.Path("whole"), name)).Length);
        var random = new Random(3);
        for (var trial = 0; trial < 4; trial++)
        {
            var (name, written, kill) = ($"trial {trial}", 0L, (long)(random.NextDouble() * 2 * total));
            void Count(long bytes)
            {
                if (written <= kill && (written += bytes) > kill)
                    _folder.Snapshot("running", name);
            }
            if (Directory.Exists(_folder.Path("running")))
                Directory.Delete(_folder.Path("running"), recursive: true);
            _folder.Harvest("running", StoreFolder.Options with { BeforeWrite = Count });
            Assert.NotEqual(want, _folder.Contents(name));
            _folder.Harvest(name);
            Assert.Equal(want, _folder.Contents(name));
        }
    }

    [Fact]
    public void a_full_disk_is_said_and_what_was_complete_stays()
    {
        _folder.Harvest("whole");
        var left = 1_000_000L;
        var problem = Assert.Throws<GemmaScopeException>(() =>
            _folder.Harvest(
                "store",
                StoreFolder.Options with
                {
                    BeforeWrite = bytes => left = left >= bytes ? left - bytes : throw new IOException("No space left on device"),
                }
            )
        );
        Assert.Contains("No space left", problem.Message);
        Assert.Contains("make room", problem.Message);
        var store = ActivationStore.Open(_folder.Path("store"));
        Assert.InRange(store.Manifest.Parts[0].Buckets.Count, 1, 3);
        Assert.False(store.IsComplete);
        Assert.DoesNotContain(_folder.Contents("store").Keys, name => name.EndsWith(".partial"));
        Assert.True(_folder.Harvest("store").IsComplete);
        Assert.Equal(_folder.Contents("whole"), _folder.Contents("store"));
    }

    [Fact]
    public void a_cancelled_harvest_goes_on()
    {
        _folder.Harvest("whole");
        using var source = new CancellationTokenSource();
        var pieces = 0;
        Assert.ThrowsAny<OperationCanceledException>(() =>
            _folder.Harvest(
                "store",
                StoreFolder.Options with
                {
                    BeforeWrite = _ =>
                    {
                        if (++pieces == 20)
                            source.Cancel();
                    },
                },
                source.Token
            )
        );
        _folder.Harvest("store");
        Assert.Equal(_folder.Contents("whole"), _folder.Contents("store"));
    }

    [Fact]
    public void a_shard_that_was_lost_is_made_again()
    {
        _folder.Harvest("store");
        var want = _folder.Contents("store");
        File.Delete(Path.Combine(_folder.Path("store"), "part-0-of-1", "00001.z.1.safetensors"));
        _folder.Harvest("store");
        Assert.Equal(want, _folder.Contents("store"));
    }

    [Fact]
    public void a_store_above_its_limit_is_refused_before_anything_is_written()
    {
        Assert.Contains(
            "MaxBytes: the store will take",
            Assert.Throws<ArgumentProblemException>(() => _folder.Harvest("store", StoreFolder.Options with { MaxBytes = 100_000 })).Message
        );
        Assert.False(Directory.Exists(_folder.Path("store")));
    }

    [Fact]
    public void parts_share_the_rows_of_the_whole()
    {
        var whole = _folder.Harvest("whole");
        _folder.Harvest("store", StoreFolder.Options with { Parts = 3, Part = 2 });
        _folder.Harvest("store", StoreFolder.Options with { Parts = 3, Part = 0 });
        Assert.False(ActivationStore.Open(_folder.Path("store")).IsComplete);
        var parts = _folder.Harvest("store", StoreFolder.Options with { Parts = 3, Part = 1 });
        Assert.True(parts.IsComplete);
        Assert.Equal(Rows(whole), Rows(parts));
        Assert.All(whole.Sites, site => Assert.Equal(whole.Scale(site), parts.Scale(site), 1e-12));
        Assert.Empty(StoreVerifier.Verify(parts, cancellationToken: TestContext.Current.CancellationToken));

        static IEnumerable<StoredToken> Rows(ActivationStore store) =>
            store.Manifest.Parts.SelectMany(part => part.Buckets).SelectMany(store.ReadTokens).OrderBy(row => (row.Sequence, row.Position));
    }

    public static TheoryData<string, HarvestOptions> Others =>
        new()
        {
            { "seed", StoreFolder.Options with { Seed = 12 } },
            { "dtype", StoreFolder.Options with { Type = DType.BF16 } },
            { "list of sites", StoreFolder.Options with { Sites = [Site.Z(1)] } },
            { "bucket size", StoreFolder.Options with { BucketRows = 99 } },
            { "number of parts", StoreFolder.Options with { Parts = 2 } },
            { "windows per run", StoreFolder.Options with { WindowsPerRun = 1 } },
        };

    [Theory]
    [MemberData(nameof(Others))]
    public void another_harvest_in_the_folder_is_refused(string what, HarvestOptions options)
    {
        _folder.Harvest("store");
        Assert.Contains(what, Assert.Throws<GemmaScopeException>(() => _folder.Harvest("store", options)).Message);
    }

    [Fact]
    public void another_text_in_the_folder_is_refused()
    {
        _folder.Harvest("store");
        File.AppendAllText(_folder.TextFile, "{\"text\": \"More.\"}\n");
        Assert.Contains("text", Assert.Throws<GemmaScopeException>(() => _folder.Harvest("store")).Message);
    }

    [Theory]
    [InlineData("attn_pattern.0", "as many numbers")]
    [InlineData("logits", "after the last layer")]
    [InlineData("q_normed.0", "no such site")]
    public void a_site_that_cannot_be_stored_is_refused(string site, string says) =>
        Assert.Contains(
            says,
            Assert
                .Throws<ArgumentProblemException>(() => _folder.Harvest("store", StoreFolder.Options with { Sites = [Site.Parse(site)] }))
                .Message
        );

    private static float Rounded(float value, DType type) =>
        type switch
        {
            DType.BF16 => Conversions.RoundToBF16(value),
            DType.F16 => (float)(Half)value,
            _ => value,
        };
}
