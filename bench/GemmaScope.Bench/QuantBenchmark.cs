using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>Quantised weights against bf16: products of one token, bound by reading the weights, and of a prompt, bound by
/// arithmetic.</summary>
internal sealed class QuantBenchmark() : Benchmark("quant", "products of quantised weights, in the shapes of Gemma 2 2B")
{
    private static readonly DType[] Types = [DType.BF16, DType.Q8_0, DType.IQ4_NL, DType.Q4_0, DType.Q4_K, DType.Q5_K, DType.Q6_K];

    /// <summary>What the rate of weights in the two light forms has to be, against that of bf16.</summary>
    private static readonly Dictionary<DType, double> Targets = new() { [DType.Q8_0] = 1.7, [DType.IQ4_NL] = 2.5 };

    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        using var memory = setup.MemoryRead();
        RepeatedLayers[] layers = [.. Types.Select(type => new RepeatedLayers(type, setup.Options.Quick))];
        try
        {
            foreach (var figure in Decode(setup, memory, layers).Concat(Prefill(setup, layers)))
                yield return figure;
        }
        finally
        {
            foreach (var layer in layers)
                layer.Dispose();
        }
    }

    private static IEnumerable<Figure> Decode(BenchSetup setup, MemoryRead memory, RepeatedLayers[] layers)
    {
        var rates = setup.Race([memory.Contestant(), .. layers.Select(layer => layer.OneToken())]);
        yield return Figure.Of("memory read, all threads", rates[0], GigaBytes, 1e9);
        for (var i = 0; i < layers.Length; i++)
        {
            var bytes = layers[i].Bytes / layers[i].Weights;
            double[] read = [.. rates[i + 1].Select(rate => rate * bytes)];
            double? target = Targets.ContainsKey(layers[i].Type) ? 0.80 : null;
            yield return Figure.Against($"one token, {layers[i].Type}", read, GigaBytes, 1e9, "memory read", rates[0], target);
            if (i > 0)
                yield return Figure.Against(
                    $"one token, weights in {layers[i].Type}",
                    rates[i + 1],
                    "G weights/s",
                    1e9,
                    "BF16",
                    rates[1],
                    Targets.TryGetValue(layers[i].Type, out var times) ? times : null
                );
        }
    }

    private static IEnumerable<Figure> Prefill(BenchSetup setup, RepeatedLayers[] layers)
    {
        var rates = setup.Race([.. layers.Select(layer => layer.Prompt(setup.PrefillTokens))]);
        for (var i = 1; i < layers.Length; i++)
            yield return Figure.Against(
                $"{setup.PrefillTokens} rows, {layers[i].Type}",
                rates[i],
                GigaFlops,
                1e9,
                "BF16",
                rates[0],
                Targets.ContainsKey(layers[i].Type) ? 1 : null
            );
    }
}
