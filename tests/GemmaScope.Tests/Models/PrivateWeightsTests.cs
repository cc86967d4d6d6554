using GemmaScope.Models;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Models;

/// <summary>Copies of weights in memory: the same numbers, taken over while runs are made.</summary>
public sealed class PrivateWeightsTests
{
    private static readonly int[] Prompt = [2, 17, 93, 5, 140, 8, 201, 33];

    private static readonly string Demo = Fixtures.Model("demo-pt");

    [Theory]
    [InlineData("gguf", "gemma2-Q2_K")]
    [InlineData("gguf", "gemma3-Q4_K_M")]
    [InlineData("gguf", "gemma2-wide-Q4_K_M-sharded")]
    [InlineData("host", "gemma2-bf16-sharded")]
    [InlineData("host", "gemma3-text")]
    public void a_model_in_memory_answers_bit_for_bit_as_mapped(params string[] fixture)
    {
        using var mapped = GemmaModel.Load(Fixtures.Path(fixture), new() { Storage = WeightStorage.Mapped });
        using var copied = GemmaModel.Load(Fixtures.Path(fixture), new() { Storage = WeightStorage.Private });
        Assert.Equal((WeightStorage.Mapped, WeightStorage.Private), (mapped.Storage, copied.Storage));
        Assert.Equal(0, mapped.PrivateWeightBytes);
        Assert.Equal(mapped.Weights.Matrices().Sum(matrix => matrix.Bytes), copied.PrivateWeightBytes);
        Edit[] edits = [Edit.Scale(Site.ResidMid(0), 1.25f)];
        using var want = mapped.Run(Prompt, [Site.ResidPost(1)], edits, logits: LogitRows.All);
        using var got = copied.Run(Prompt, [Site.ResidPost(1)], edits, logits: LogitRows.All);
        Assert.Equal(want[Site.ResidPost(1)].AsSpan(), got[Site.ResidPost(1)].AsSpan());
        Assert.Equal(want.Logits!.AsSpan(), got.Logits!.AsSpan());
    }

    [Fact]
    public void copies_are_taken_over_one_by_one_and_change_no_token()
    {
        using var model = GemmaModel.Load(Demo, new() { Storage = WeightStorage.Mapped });
        var want = Generate(model);
        using var copies = new PrivateWeights(model.Weights, room: 1);
        var before = model.Weights.Layers[0];
        long seen = 0;
        while (!copies.Ended)
        {
            copies.Copy(1);
            Assert.True(copies.Bytes >= seen);
            seen = copies.Bytes;
            Assert.Equal(want, Generate(model));
        }
        Assert.Equal(copies.TotalBytes, copies.Bytes);
        Assert.NotSame(before, model.Weights.Layers[0]);
        Assert.Same(model.Weights.Embedding, model.Weights.Unembedding);
    }

    [Fact]
    public void the_first_tokens_copy_nothing_and_the_next_sixteen_all()
    {
        using var model = GemmaModel.Load(Demo, new() { Storage = WeightStorage.Mapped });
        using var copies = new PrivateWeights(model.Weights, room: 2, free: () => long.MaxValue);
        for (var i = 0; i < PrivateWeights.TokensBefore; i++)
            copies.Decoded();
        Assert.Equal(0, copies.Bytes);
        for (var i = 0; i < PrivateWeights.TokensOfCopying; i++)
            copies.Decoded();
        Assert.Equal(copies.TotalBytes, copies.Bytes);
    }

    [Fact]
    public void where_memory_is_short_the_rest_stays_mapped()
    {
        using var model = GemmaModel.Load(Demo, new() { Storage = WeightStorage.Mapped });
        var want = Generate(model);
        var free = long.MaxValue;
        using var copies = new PrivateWeights(model.Weights, room: 2, free: () => free);
        copies.Copy(1 << 20);
        free = copies.TotalBytes;
        copies.Copy(long.MaxValue);
        Assert.True(copies.Ended);
        Assert.InRange(copies.Bytes, 1, copies.TotalBytes - 1);
        Assert.Equal(want, Generate(model));
    }

    [Fact]
    public void what_must_be_in_memory_and_has_no_room_is_refused()
    {
        using var model = GemmaModel.Load(Demo, new() { Storage = WeightStorage.Mapped });
        using var copies = new PrivateWeights(model.Weights, room: 1, free: () => 1000);
        var problem = Assert.Throws<GemmaScopeException>(() => copies.CopyAll(CancellationToken.None));
        Assert.Equal([new Setting("Storage", "mapped")], problem.Remedy!.Settings);
    }

    [Fact]
    public void a_load_that_is_stopped_leaves_nothing_open()
    {
        using var stopped = new CancellationTokenSource();
        stopped.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() =>
            GemmaModel.Load(Demo, new() { Storage = WeightStorage.Private }, cancellationToken: stopped.Token)
        );
    }

    [Fact]
    public void copies_that_are_disposed_while_another_thread_copies_wait_for_it()
    {
        for (var round = 0; round < 20; round++)
        {
            using var model = GemmaModel.Load(Demo, new() { Storage = WeightStorage.Mapped });
            var copies = new PrivateWeights(model.Weights, room: 1);
            using var started = new ManualResetEventSlim();
            var thread = new Thread(() =>
            {
                started.Set();
                while (!copies.Ended)
                    copies.Copy(1);
            });
            thread.Start();
            started.Wait(TestContext.Current.CancellationToken);
            copies.Dispose();
            Assert.True(copies.Ended);
            copies.Copy(1);
            thread.Join();
            copies.Dispose();
        }
    }

    [Fact]
    public void a_copy_without_a_direction_outlives_the_change_to_memory()
    {
        using var model = GemmaModel.Load(Demo, new() { Storage = WeightStorage.Mapped });
        var direction = new float[model.Config.Width];
        direction[3] = 1;
        using var edited = model.Orthogonalised(direction, alsoUnembedding: false);
        var want = Generate(edited);
        using var copies = new PrivateWeights(model.Weights, room: 1);
        copies.CopyAll(CancellationToken.None);
        Assert.Equal(want, Generate(edited));
        using var later = model.Orthogonalised(direction, alsoUnembedding: false);
        Assert.Equal(want, Generate(later));
    }

    private static int[] Generate(GemmaModel model) =>
        [
            .. model.Generate(
                Prompt,
                new()
                {
                    MaxNewTokens = 6,
                    Temperature = 0,
                    StopTokens = [],
                }
            ),
        ];
}
