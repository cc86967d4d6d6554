using GemmaScope.Circuits;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>
/// Rows of attribution graphs on layers of the 2B shape with random transcoders of 16,384 features, of which about 20 fire on a token: rows a
/// second, and their arithmetic against our own product of the same kind; and the memory of a whole graph.
/// </summary>
internal sealed class CircuitBenchmark() : Benchmark("circuit", "rows of attribution graphs (two layers of the 2B shape)")
{
    // Of products of normal numbers, one in 819 exceeds it: 20 of 16,384.
    private const float Threshold = 3.03f;

    private const int Rows = 32;

    private const double MiB = 1 << 20;

    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        var (features, lengths) = setup.Options.Quick ? (256, new[] { 12 }) : (16384, new[] { 64, 256, 1024 });
        using var model = setup.Load(setup.Options.Quick ? ModelShape.Tiny : ModelShape.TwoLayers);
        using var set = TranscoderSet.Of(
            [.. Enumerable.Range(0, model.Config.Layers).Select(layer => Transcoder(setup, layer, model.Config.Width, features))],
            model.Config
        );
        using var product = setup.NewProduct(DType.BF16);
        foreach (var length in lengths)
        {
            using var replacement = ReplacementModel.Of(model, set, BenchSetup.Tokens(model.Config, length));
            using var backward = new FrozenBackward(replacement, new AttributionOptions().WorkingBytes);
            RowTarget[] targets =
            [
                .. Enumerable.Range(3, Math.Min(Rows, backward.BatchSize)).Select(token => CircuitTarget.Logit(token).Resolve(replacement)),
            ];
            var rates = setup.Race(
                product.With(Compute.Kernels, Arithmetic.Exact),
                new(Work(replacement, targets), () => backward.Rows(targets, setup.Cancellation)),
                new(targets.Length, () => backward.Rows(targets, setup.Cancellation))
            );
            yield return Figure.Against(
                $"rows of {length} tokens, through two layers",
                rates[1],
                GigaFlops,
                1e9,
                "GEMM exact, bf16 weights",
                rates[0],
                0.6
            );
            yield return Figure.Of($"rows of {length} tokens", rates[2], "rows/s");
            if (length == lengths[^1])
                foreach (var figure in Memory(setup, replacement))
                    yield return figure;
        }
    }

    /// <summary>What a graph of a hundred features takes beside weights and prompt, though as many features fire as there are.</summary>
    private static IEnumerable<Figure> Memory(BenchSetup setup, ReplacementModel replacement)
    {
        AttributionOptions options = new() { MaxFeatures = 100, Queue = 50 };
        var peak = AnonymousMemory.PeakOf(() =>
        {
            using var graph = AttributionGraph.Compute(
                replacement,
                [CircuitTarget.Logit(5)],
                options,
                cancellationToken: setup.Cancellation
            );
            graph.Prune(cancellationToken: setup.Cancellation);
        });
        yield return new Figure("features that fire", replacement.Features.Count, "features");
        if (peak is { } bytes)
            yield return Figure.Below(
                "memory of a graph of 100 of them",
                [bytes / MiB],
                "MiB",
                "twice what a batch may take",
                2 * options.WorkingBytes / MiB
            );
    }

    /// <summary>Operations of the products, of attention's values and of the inner products with what was written.</summary>
    private static double Work(ReplacementModel model, RowTarget[] targets)
    {
        var (config, plan) = (model.Model.Config, RowLayout.Plan(model, targets));
        double work = 0;
        for (var layer = 0; layer < config.Layers; layer++)
        {
            var (above, below) = (plan[layer + 1], plan[layer]);
            work += WorkCount.Product(above.Rows, config.Width, config.Heads * config.Shapes[layer].HeadSize);
            work += WorkCount.Product(below.Rows, config.Shapes[layer].KeyValueWidth, config.Width);
            for (var target = 0; target < targets.Length; target++)
            for (var position = above.First(target); position < above.End(target); position++)
            {
                var keys = position + 1 - model.Frozen.Pattern(layer).FirstKey(position);
                var (start, end) = model.FeaturesAt(layer, position);
                work += 2.0 * config.Heads * config.Shapes[layer].HeadSize * keys + 2.0 * config.Width * (end - start + 2);
            }
        }
        return work;
    }

    private static SparseDictionary Transcoder(BenchSetup setup, int layer, int width, int features) =>
        new DictionaryParameters
        {
            Activation = ActivationFunction.JumpRelu,
            Encoder = setup.Weights.Matrix(DType.F32, width, features, 1 / Math.Sqrt(width), 20 + 2 * layer),
            Decoder = setup.Weights.Matrix(DType.F32, features, width, 1 / Math.Sqrt(width), 21 + 2 * layer),
            DecoderBias = new float[width],
            EncoderBias = new float[features],
            Threshold = [.. Enumerable.Repeat(Threshold, features)],
        }.ToDictionary($"layer {layer}", new Site(SiteKind.Ln2Normalized, layer), Site.MlpOut(layer), owns: true);
}
