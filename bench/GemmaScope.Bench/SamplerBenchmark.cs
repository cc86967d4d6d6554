using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>The choice of the next token among a vocabulary, against a sort of the whole of it.</summary>
internal sealed class SamplerBenchmark() : Benchmark("sampler", "choosing a token among 256,000")
{
    private const string Unit = "tokens/s",
        FullSort = "sort of the whole vocabulary";
    private const double LeastGain = 2;

    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        var logits = Logits(setup.Options.Quick ? 8192 : 256_000);
        var rates = setup.Race(
            Sorting(logits),
            Sampling(logits, new() { TopK = 64 }),
            Sampling(logits, new() { TopP = 0.95 }),
            Sampling(logits, new() { TopK = 64, TopP = 0.95 }),
            Sampling(logits, new())
        );
        foreach (var (name, values) in ((string[])["top-k 64", "top-p 0.95", "top-k 64, top-p 0.95"]).Zip(rates.Skip(1)))
            yield return Figure.Against($"sampling, {name}", values, Unit, 1, FullSort, rates[0], LeastGain);
        yield return Figure.Of("sampling, whole soft max", rates[4], Unit);
    }

    private static Contestant Sampling(float[] logits, GenerationOptions options)
    {
        var sampler = new Sampler(options with { Seed = 7 }, logits.Length);
        return new(1, () => sampler.Choose(logits));
    }

    /// <summary>What it takes to put all tokens in order and weigh them.</summary>
    private static Contestant Sorting(float[] logits)
    {
        var (keys, ids) = (new float[logits.Length], new int[logits.Length]);
        return new(
            1,
            () =>
            {
                double total = 0;
                for (var id = 0; id < ids.Length; id++)
                    (ids[id], keys[id]) = (id, -logits[id]);
                Array.Sort(keys, ids);
                foreach (var key in keys)
                    total += Math.Exp(keys[0] - key);
                GC.KeepAlive(total);
            }
        );
    }

    /// <summary>Normal, with a few that stand out, as after a text.</summary>
    private static float[] Logits(int size)
    {
        var random = new Random(7);
        float[] logits = [.. Enumerable.Range(0, size).Select(_ => 3 * (float)NormalDistribution.Draw(random))];
        for (var rank = 0; rank < 100; rank++)
            logits[random.Next(size)] = 24 - 0.1f * rank;
        return logits;
    }
}
