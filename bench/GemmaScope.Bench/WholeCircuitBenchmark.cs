using System.Diagnostics;
using GemmaScope.Circuits;

namespace GemmaScope.Bench;

/// <summary>
/// Attribution graphs through all 26 layers of the 2B shape, with transcoders of 16,384 features on disk: seconds and memory beside the
/// weights, of a short prompt and of one for which other programs need more memory than a card of 80 GB has. It takes minutes and 9 GB of
/// disk, so that it must be asked for.
/// </summary>
internal sealed class WholeCircuitBenchmark()
    : Benchmark("circuit-layers", "attribution graphs through all layers of the 2B shape (with --full)")
{
    private const double MiB = 1 << 20,
        MostMemory = 4096;

    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        if (!setup.Options.Full && !setup.Options.Quick)
            yield break;
        var (features, prompts) = setup.Options.Quick ? (256, new[] { (12, 4) }) : (16384, new[] { (64, 200), (2300, 20) });
        using var model = setup.Load(setup.MainModel);
        setup.Report("transcoders");
        using var set = TranscoderSet.Load(
            [RandomTranscoders.Make(model.Config.Layers, model.Config.Width, features, setup.Options.Folder, setup.Cancellation)],
            model.Config
        );
        foreach (var (tokens, budget) in prompts)
        {
            double encoding = 0,
                tracing = 0;
            int rows = 0,
                fire = 0;
            var peak = AnonymousMemory.PeakOf(() =>
            {
                var begun = Stopwatch.GetTimestamp();
                using var prompt = ReplacementModel.Of(
                    model,
                    set,
                    BenchSetup.Tokens(model.Config, tokens),
                    workFolder: setup.Options.Folder,
                    cancellationToken: setup.Cancellation
                );
                encoding = Stopwatch.GetElapsedTime(begun).TotalSeconds;
                fire = prompt.Features.Count;
                setup.Report($"{tokens} tokens: {fire} features fire, {encoding:0.0} s");
                begun = Stopwatch.GetTimestamp();
                using var graph = AttributionGraph.Compute(
                    prompt,
                    [CircuitTarget.Logit(5)],
                    new() { MaxFeatures = budget, WorkFolder = setup.Options.Folder },
                    new Rows(setup, begun),
                    setup.Cancellation
                );
                graph.Prune(cancellationToken: setup.Cancellation);
                tracing = Stopwatch.GetElapsedTime(begun).TotalSeconds;
                rows = graph.FeatureCount + graph.Targets.Count;
            });
            yield return new Figure($"features of {tokens} tokens, all layers", fire, "features");
            yield return new Figure($"encoding {tokens} tokens, all layers", encoding, "s");
            yield return new Figure($"rows of {tokens} tokens, all layers", rows / tracing, "rows/s");
            yield return new Figure($"a graph of {tokens} tokens and {rows} rows", tracing, "s");
            if (peak is { } bytes)
                yield return Figure.Below(
                    $"memory of a graph of {tokens} tokens beside the weights",
                    [bytes / MiB],
                    "MiB",
                    "4 GiB",
                    MostMemory
                );
        }
    }

    private sealed class Rows(BenchSetup setup, long begun) : IProgress<AttributionProgress>
    {
        public void Report(AttributionProgress value) =>
            setup.Report($"{value.Rows} of {value.Total} rows, {value.Rows / Stopwatch.GetElapsedTime(begun).TotalSeconds:0.00} rows/s");
    }
}
