using GemmaScope.Behaviour;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>What a monitor costs a decode: a direction after each layer, and features of one dictionary.</summary>
internal sealed class MonitorBenchmark() : Benchmark("monitor", "decode of 8 tokens with and without a monitor")
{
    private const int Features = 16;

    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        using var model = setup.Load(setup.MainModel);
        var config = model.Config;
        using var dictionary = SparseDictionary.Load(
            RandomDictionary.Make(config.Width, setup.Options.Quick ? 256 : 16384, setup.Options.Folder, setup.Cancellation),
            new DictionaryLoadOptions { Site = Site.ResidPost(config.Layers / 2) }
        );
        using var directions = setup.Weights.Matrix(DType.F32, config.Layers, config.Width, 1, 0);
        Watch[] watches =
        [
            .. Enumerable
                .Range(0, config.Layers)
                .Select(layer => Watch.Direction($"direction {layer}", Site.ResidPost(layer), directions.Row(layer).ToArray())),
            .. Enumerable.Range(0, Features).Select(feature => Watch.OfFeature($"feature {feature}", dictionary, feature)),
        ];
        var largest = float.MinValue;
        var monitor = new ActivationMonitor(
            config,
            [.. watches.Select(watch => watch with { StopAbove = float.MaxValue })],
            reading => largest = Math.Max(largest, reading.Values[0])
        );
        // Of a few percent, whatever else the machine does would be most.
        var rates = setup.RaceBy(
            processorTime: true,
            DecodeBenchmark.Decode(model, Arithmetic.Exact),
            DecodeBenchmark.Decode(model, Arithmetic.Exact, observer: monitor),
            DecodeBenchmark.Decode(model, Arithmetic.Fast),
            DecodeBenchmark.Decode(model, Arithmetic.Fast, observer: monitor)
        );
        yield return Cost($"{watches.Length} watched, extra time, exact", rates[0], rates[1]);
        yield return Cost($"{watches.Length} watched, extra time, fast", rates[2], rates[3]);
    }

    private static Figure Cost(string name, double[] plain, double[] watched) =>
        Figure.Below(name, [.. plain.Zip(watched, (without, with) => 100 * (without / with - 1))], "%", "of the decode", 5);
}
