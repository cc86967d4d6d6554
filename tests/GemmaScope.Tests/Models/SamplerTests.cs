using GemmaScope.Models;
using Xunit;

namespace GemmaScope.Tests.Models;

/// <summary>Candidates are found without sorting the vocabulary; what is drawn is what a sort of all of it would give.</summary>
public class SamplerTests
{
    private const int Draws = 40;

    [Fact]
    public void the_tokens_are_those_of_a_full_sort()
    {
        var random = new Random(11);
        for (var round = 0; round < 400; round++)
        {
            var size = random.Next(1, round % 10 == 0 ? 20_000 : 600);
            var options = new GenerationOptions
            {
                Temperature = random.Next(2) == 0 ? 1 : 0.1 + 2 * random.NextDouble(),
                TopK = random.Next(3) == 0 ? 0 : random.Next(1, size + 10),
                TopP = random.Next(3) == 0 ? 1 : 0.01 + 0.98 * random.NextDouble(),
                Seed = round,
            };
            var (sampler, full) = (new Sampler(options, size), new FullSort(options));
            for (var draw = 0; draw < Draws; draw++)
            {
                var logits = Logits(random, size, kind: round % 4);
                Assert.Equal(full.Choose(logits), sampler.Choose(logits));
            }
        }
    }

    [Fact]
    public void the_largest_come_first_and_of_equal_ones_the_lower_id()
    {
        float[] logits = [0f, -0f, 3, float.NaN, 3, float.NegativeInfinity, -1, float.PositiveInfinity];
        var top = new TopTokens();
        int[] order = [7, 2, 4, 0, 1, 6, 3, 5];
        for (var most = 1; most <= logits.Length; most++)
            Assert.Equal(order[..most], Ids(top.Select(logits, most)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(40)]
    [InlineData(5_000)]
    public void rising_logits_fill_the_buffer_again_and_again(int most)
    {
        float[] logits = [.. Enumerable.Range(0, 20_000).Select(id => (float)(id / 3))];
        Assert.Equal(
            Enumerable.Range(0, logits.Length).OrderByDescending(id => logits[id]).Take(most),
            Ids(new TopTokens().Select(logits, most))
        );
    }

    [Theory]
    [InlineData(0, 1.0)]
    [InlineData(0, 0.95)]
    [InlineData(64, 1.0)]
    [InlineData(64, 0.95)]
    public void a_token_allocates_nothing_once_the_buffers_are_there(int topK, double topP)
    {
        var random = new Random(3);
        var logits = Logits(random, 30_000, kind: 0);
        var options = new GenerationOptions
        {
            TopK = topK,
            TopP = topP,
            FrequencyPenalty = 0.1,
            Seed = 5,
        };
        var sampler = new Sampler(options, logits.Length);
        int[] seen = [1, 2, 3];
        for (var warm = 0; warm < 3; warm++)
            Step();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var token = 0; token < 20; token++)
            Step();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Step()
        {
            sampler.Choose(logits);
            sampler.Saw(seen);
        }
    }

    private static int[] Ids(ReadOnlySpan<ulong> keys)
    {
        var ids = new int[keys.Length];
        for (var i = 0; i < ids.Length; i++)
            ids[i] = TopTokens.Id(keys[i]);
        return ids;
    }

    /// <summary>As models give them, with many equal ones, with few likely ones, and all alike.</summary>
    private static float[] Logits(Random random, int size, int kind) =>
        [
            .. Enumerable
                .Range(0, size)
                .Select(_ =>
                    kind switch
                    {
                        0 => (float)(3 * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())),
                        1 => random.Next(-3, 4),
                        2 => random.Next(50) == 0 ? 20 + random.NextSingle() : random.NextSingle(),
                        _ => -7f,
                    }
                ),
        ];

    /// <summary>The plain way: everything in order, then what is kept, then the draw.</summary>
    private sealed class FullSort(GenerationOptions options)
    {
        private readonly Random _random = new(options.Seed!.Value);

        public int Choose(float[] logits)
        {
            var isCut = options.TopP < 1 || (options.TopK > 0 && options.TopK < logits.Length);
            var order = Enumerable.Range(0, logits.Length);
            int[] candidates = isCut ? [.. order.OrderByDescending(id => logits[id])] : [.. order];
            if (options.TopK > 0 && options.TopK < logits.Length)
                candidates = candidates[..options.TopK];
            double largest = logits.Max();
            double[] weights = [.. candidates.Select(id => Math.Exp((logits[id] - largest) / options.Temperature))];
            var total = weights.Sum();
            var count = candidates.Length;
            if (options.TopP < 1)
            {
                double reached = 0;
                for (count = 0; count < candidates.Length && reached < options.TopP * total; count++)
                    reached += weights[count];
                total = reached;
            }
            var draw = _random.NextDouble() * total;
            for (var c = 0; c < count - 1; c++)
            {
                draw -= weights[c];
                if (draw < 0)
                    return candidates[c];
            }
            return candidates[count - 1];
        }
    }
}
