using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>A whole model in its light forms against the same in bf16: decode, loading, and the conversion.</summary>
internal sealed class LightBenchmark() : Benchmark("light", "models with 8 and 4 bits a weight: decode and loading against bf16")
{
    private const int LoadingsPerRound = 4;

    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        var source = setup.Folder(setup.MainModel);
        foreach (var weights in new[] { LightWeights.Int8, LightWeights.Int4 })
        foreach (var figure in Measure(setup, source, weights))
            yield return figure;
    }

    private static IEnumerable<Figure> Measure(BenchSetup setup, string source, LightWeights weights)
    {
        var form = weights == LightWeights.Int8 ? "int8" : "int4";
        var target = $"{source}-{form}-{Guid.NewGuid():N}";
        try
        {
            setup.Report($"{form} form of {source}");
            var clock = System.Diagnostics.Stopwatch.StartNew();
            var written = LightModel.Write(source, target, weights, cancellationToken: setup.Cancellation);
            yield return new($"{form}: conversion, bf16 weights read", written.BytesBefore / clock.Elapsed.TotalSeconds / 1e9, GigaBytes);

            var loads = setup.Race(Loading(source), Loading(target));
            yield return Figure.Against($"{form}: loading, mapped", loads[1], "a second", 1, "bf16", loads[0]);

            using var bf16 = Load(source);
            using var light = Load(target);
            using var memory = setup.MemoryRead(hugePages: true);
            var rates = setup.Race(
                memory.Contestant(),
                DecodeBenchmark.Decode(bf16, Arithmetic.Exact, bytes: 1),
                DecodeBenchmark.Decode(light, Arithmetic.Exact, bytes: 1)
            );
            double[] bytes = [.. rates[2].Select(rate => rate * light.WeightBytes)];
            yield return Figure.Against($"{form}: decode, in memory", rates[2], "tokens/s", 1, "bf16", rates[1]);
            yield return Figure.Against(
                $"{form}: decode, bytes of weights",
                bytes,
                GigaBytes,
                1e9,
                "read of memory, huge pages",
                rates[0],
                target: 0.80
            );
        }
        finally
        {
            if (Directory.Exists(target))
                Directory.Delete(target, recursive: true);
        }
    }

    private static GemmaModel Load(string folder) =>
        GemmaModel.Load(folder, new ModelLoadOptions { Storage = WeightStorage.Private, CheckFinite = false });

    private static Contestant Loading(string folder) =>
        new(
            LoadingsPerRound,
            () =>
            {
                for (var i = 0; i < LoadingsPerRound; i++)
                    GemmaModel.Load(folder, new ModelLoadOptions { Storage = WeightStorage.Mapped }).Dispose();
            }
        );
}
