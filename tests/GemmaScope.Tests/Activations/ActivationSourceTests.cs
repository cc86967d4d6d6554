using System.Runtime.InteropServices;
using System.Security.Cryptography;
using GemmaScope.Activations;
using GemmaScope.Models;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Activations;

public sealed class ActivationSourceTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void an_epoch_has_every_row_once_and_the_next_has_them_in_another_order()
    {
        var store = _folder.Harvest("store");
        using var reader = store.NewReader(seed: 4);
        using var batch = new ActivationBatch(reader, (int)store.Rows);
        reader.Read(batch);
        var first = Keys(batch);
        reader.Read(batch);
        var second = Keys(batch);
        Assert.Equal(Stored(store), first.Order());
        Assert.Equal(first.Order(), second.Order());
        Assert.NotEqual(first, second);
        Assert.Equal(2 * store.Rows, reader.Position);
    }

    [Theory]
    [InlineData(1 << 20)]
    [InlineData(150)]
    public void each_epoch_and_each_seed_has_an_order_of_its_own_whatever_the_buckets(int bucketRows)
    {
        var store = _folder.Harvest("store", StoreFolder.Options with { BucketRows = bucketRows });
        var (first, second) = Epochs(4);
        Assert.Equal(first.Order(), second.Order());
        Assert.NotEqual(first, second);
        Assert.Equal(first.Concat(second), Epochs(4).First.Concat(Epochs(4).Second));
        Assert.NotEqual(first, Epochs(5).First);
        Assert.Equal(Stored(store), first.Order());

        (List<string> First, List<string> Second) Epochs(long seed)
        {
            using var reader = store.NewReader(seed: seed);
            using var batch = new ActivationBatch(reader, (int)store.Rows);
            reader.Read(batch);
            var keys = Keys(batch);
            reader.Read(batch);
            return ([.. keys], [.. Keys(batch)]);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(ReadingOrder.PieceRows)]
    [InlineData(ReadingOrder.GroupRows)]
    [InlineData(5 * ReadingOrder.GroupRows + 3)]
    public void the_order_of_a_bucket_has_every_row_once(int rows)
    {
        int[] Read(long epoch)
        {
            var order = new ReadingOrder(rows, seed: 3, epoch, bucket: 2);
            return
            [
                .. Enumerable
                    .Range(0, order.Groups)
                    .SelectMany(group =>
                    {
                        int[] lying = [.. order.Pieces(group).SelectMany(piece => Enumerable.Range(piece.First, piece.Rows))];
                        return order.Mixed(group).Select(row => lying[row]);
                    }),
            ];
        }
        Assert.Equal(Enumerable.Range(0, rows), Read(0).Order());
        if (rows > 1)
            Assert.NotEqual(Read(0), Read(1));
        Assert.Equal(Read(7), Read(7));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void a_stream_is_continued_bit_for_bit_from_any_place(bool fromStore)
    {
        using var whole = NewSource(fromStore);
        using var other = NewSource(fromStore);
        using ActivationBatch want = new(whole, 37),
            got = new(other, 37);
        var seen = new List<float[]>();
        for (var i = 0; i < 60; i++)
        {
            whole.Read(want);
            seen.Add(Numbers(want));
        }
        foreach (var step in (int[])[0, 59, 3, 4, 31, 32, 17])
        {
            other.Seek(step * 37L);
            Assert.Equal(step * 37L, other.Position);
            other.Read(got);
            Assert.Equal(seen[step], Numbers(got));
        }
        Assert.All(whole.Sites, site => Assert.Equal(whole.Scale(site), other.Scale(site)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void batches_of_any_size_cut_the_same_stream(bool fromStore)
    {
        using var one = NewSource(fromStore);
        using var other = NewSource(fromStore);
        using ActivationBatch large = new(one, 90),
            small = new(other, 20),
            smaller = new(other, 5);
        one.Read(large);
        var got = new List<float>();
        for (var i = 0; i < 3; i++)
            Add(small);
        for (var i = 0; i < 6; i++)
            Add(smaller);
        Assert.Equal(large[1].SliceRows(0, 90).Row(89).ToArray(), got.TakeLast(large[1].Columns));
        Assert.Equal(90 * large[1].Columns, got.Count);

        void Add(ActivationBatch batch)
        {
            other.Read(batch);
            for (var row = 0; row < batch.Rows; row++)
                got.AddRange(batch[1].Row(row));
        }
    }

    [Fact]
    public void several_readers_share_a_store()
    {
        var store = _folder.Harvest("store");
        var results = Enumerable
            .Range(0, 4)
            .AsParallel()
            .WithDegreeOfParallelism(4)
            .Select(_ =>
            {
                using var reader = store.NewReader();
                using var batch = new ActivationBatch(reader, 200);
                for (var i = 0; i < 10; i++)
                    reader.Read(batch);
                return Numbers(batch);
            })
            .ToArray();
        Assert.All(results, numbers => Assert.Equal(results[0], numbers));
    }

    [Fact]
    public void a_reader_hands_out_only_the_sites_asked_for_in_that_order()
    {
        var store = _folder.Harvest("store");
        using var reader = store.NewReader([Site.Z(1), Site.ResidPost(0)]);
        using var all = store.NewReader();
        using ActivationBatch some = new(reader, 10),
            every = new(all, 10);
        reader.Read(some);
        all.Read(every);
        Assert.Equal(every[Site.Z(1)].Row(7).ToArray(), some[0].Row(7).ToArray());
        Assert.Equal(every[Site.ResidPost(0)].Row(7).ToArray(), some[1].Row(7).ToArray());
        Assert.Throws<ArgumentProblemException>(() => some[Site.Parse("ln2_normalized.0")]);
        Assert.Throws<ArgumentProblemException>(() => store.NewReader([Site.Z(0)]));
    }

    [Fact]
    public void reading_allocates_nothing()
    {
        var store = _folder.Harvest("store", StoreFolder.Options with { BucketRows = 1 << 20 });
        using var reader = store.NewReader();
        using var batch = new ActivationBatch(reader, 8);
        for (var i = 0; i < 10; i++)
            reader.Read(batch);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 20; i++)
            reader.Read(batch);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 512);
    }

    [Fact]
    public void an_interrupted_model_run_loses_no_row()
    {
        using var source = NewSource(fromStore: false);
        using var other = NewSource(fromStore: false);
        using ActivationBatch batch = new(source, 150),
            want = new(other, 150);
        Assert.ThrowsAny<OperationCanceledException>(() => source.Read(batch, new CancellationToken(canceled: true)));
        Assert.Equal(0, source.Position);
        source.Read(batch, TestContext.Current.CancellationToken);
        other.Read(want, TestContext.Current.CancellationToken);
        Assert.Equal(Numbers(want), Numbers(batch));
    }

    [Fact]
    public void rows_from_the_model_are_those_of_a_store_and_none_is_lost()
    {
        var store = _folder.Harvest("store", StoreFolder.Options with { WindowsPerRun = 2, Sites = [Site.ResidPost(0), Site.Z(1)] });
        using var source = NewSource(fromStore: false);
        using var batch = new ActivationBatch(source, 4 * (int)store.Rows);
        source.Read(batch);
        var times = Keys(batch).CountBy(key => key).ToDictionary();
        var stored = Stored(store).CountBy(key => key).ToDictionary();
        Assert.Equal(stored.Keys.Order(), times.Keys.Order());
        // Four rounds have come in but for what waits in the buffer.
        Assert.All(times, pair => Assert.InRange(pair.Value, 2 * stored[pair.Key], 5 * stored[pair.Key]));
    }

    [Fact]
    public void the_scale_makes_the_mean_squared_norm_1()
    {
        using var source = NewSource(fromStore: false);
        Assert.All(
            source.Sites,
            site =>
            {
                var rows = _folder
                    .Text.Runs(2)
                    .SelectMany(run =>
                    {
                        using var computed = _folder.Model.Run(run.Windows, capture: [site], logits: LogitRows.None);
                        return run
                            .Rows.Select(row =>
                                computed[site].AsSpan().Slice(row.Index * 256, 256).ToArray().Sum(value => (double)value * value)
                            )
                            .ToArray();
                    })
                    .Take(200);
                Assert.Equal(Math.Sqrt(rows.Average()), source.Scale(site), 1e-9);
            }
        );
    }

    [Fact]
    public void a_text_without_rows_is_refused() =>
        Assert.Contains(
            "no token",
            Assert
                .Throws<ArgumentProblemException>(() =>
                    new ModelActivationSource(
                        _folder.Model,
                        [Site.Z(0)],
                        new WindowSource(
                            () =>
                                [
                                    [2],
                                ],
                            ids => [false],
                            8
                        )
                    )
                )
                .Message
        );

    private IActivationSource NewSource(bool fromStore) =>
        fromStore
            ? (Directory.Exists(_folder.Path("store")) ? ActivationStore.Open(_folder.Path("store")) : _folder.Harvest("store")).NewReader(
                seed: 9
            )
            : new ModelActivationSource(
                _folder.Model,
                [Site.ResidPost(0), Site.Z(1)],
                _folder.Text,
                new()
                {
                    BufferRows = 200,
                    Seed = 9,
                    WindowsPerRun = 2,
                }
            );

    /// <summary>The rows of a store's first two sites, read without its reader.</summary>
    private static IEnumerable<string> Stored(ActivationStore store) =>
        store
            .Manifest.Parts[0]
            .Buckets.SelectMany(bucket =>
            {
                using ShardReader one = Open(0),
                    two = Open(1);
                using Tensor first = Tensor.Uninitialized(bucket.Rows, 256),
                    second = Tensor.Uninitialized(bucket.Rows, 256);
                one.Read(0, first.AsMatrix());
                two.Read(0, second.AsMatrix());
                return Enumerable.Range(0, bucket.Rows).Select(row => Key(first.Row(row), second.Row(row))).ToArray();

                ShardReader Open(int site) => new(store.Folder, bucket.Shards[site], store.Manifest.Contents.Type, bucket.Rows, 256);
            })
            .Order();

    private static string Key(ReadOnlySpan<float> one, ReadOnlySpan<float> two) =>
        Convert.ToHexString(SHA256.HashData([.. MemoryMarshal.AsBytes(one), .. MemoryMarshal.AsBytes(two)]));

    private static string[] Keys(ActivationBatch batch) =>
        [.. Enumerable.Range(0, batch.Rows).Select(row => Key(batch[0].Row(row), batch[1].Row(row)))];

    private static float[] Numbers(ActivationBatch batch) =>
        [.. Enumerable.Range(0, batch.Rows).SelectMany(row => batch[0].Row(row).ToArray().Concat(batch[1].Row(row).ToArray()))];
}
