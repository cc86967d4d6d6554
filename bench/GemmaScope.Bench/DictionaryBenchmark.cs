using GemmaScope.Dictionaries;
using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>Encoding with an SAE against the product that it consists of, and decoding against what a dense decoder would cost.</summary>
internal sealed class DictionaryBenchmark() : Benchmark("sae", "SAE of 16,384 features on 512 tokens")
{
    // Features of trained dictionaries fire with very different densities: here from 4 % down to 0.0004 %, evenly on a logarithmic scale.
    private const double Densest = 0.04,
        Decades = 4;

    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        var (tokens, width, features) = setup.Options.Quick ? (40, 128, 1024) : (512, 2304, 16384);
        using var dictionary = SparseDictionary.Load(RandomDictionary.Make(width, features, setup.Options.Folder, setup.Cancellation));
        using var x = setup.Weights.Matrix(DType.F32, tokens, width, 1, 2);
        using var product = setup.NewProduct(DType.F32);
        var active = dictionary.Encode(x.AsMatrix(), setup.Cancellation);
        var uneven = Uneven(tokens, features);
        using var dense = Dense(active);
        using Tensor decoder = setup.Weights.Matrix(DType.F32, features, width, 1, 3),
            half = setup.Weights.Matrix(DType.BF16, features, width, 1, 3);
        using Tensor y = Tensor.Uninitialized(tokens, width),
            gradient = Tensor.Uninitialized(features, width);
        var sampled = new float[active.Count];
        using var memory = setup.MemoryRead(hugePages: true);

        var rates = setup.Race(
            product.With(Compute.Kernels, Arithmetic.Exact),
            new(WorkCount.Product(tokens, width, features), () => dictionary.Encode(x.AsMatrix(), setup.Cancellation)),
            new(
                1,
                () => Compute.Kernels.Multiply(dense.AsMatrix(), WeightView.Of(decoder, WeightLayout.InOut), y.AsMatrix(), Arithmetic.Exact)
            ),
            new(1, () => dictionary.Decode(active).Dispose()),
            new(1, () => SparseKernels.Multiply(active, half, y.AsMatrix())),
            new(1, () => SparseKernels.Multiply(uneven, decoder, y.AsMatrix())),
            new(1, () => SparseKernels.TransposedMultiply(active, x.AsMatrix(), gradient.AsMatrix())),
            new(1, () => SparseKernels.Sampled(active, x.AsMatrix(), decoder, sampled)),
            memory.Contestant()
        );
        yield return Figure.Against("SAE encode", rates[1], GigaFlops, 1e9, "GEMM exact, f32 weights", rates[0], 0.80);
        yield return Sparse("SAE decode, sparse", 3, 50);
        yield return Sparse("SAE decode, sparse, bf16 weights", 4, 50);
        yield return Sparse("SAE decode, sparse, uneven densities", 5, 50);
        // Each decoder vector that fires anywhere is read once: no decode can take less time than that.
        yield return Read("SAE decode, sparse, decoder vectors read", 3, active, sizeof(float));
        yield return Read("SAE decode, sparse, bf16 weights, decoder vectors read", 4, active, 2);
        yield return Read("SAE decode, sparse, uneven densities, decoder vectors read", 5, uneven, sizeof(float));
        yield return Sparse("gradient of W_dec, sparse", 6, null);
        yield return Sparse("gradient of features, sparse", 7, null);
        yield return new Figure("SAE features per token", (double)active.Count / tokens, "L0");
        yield return new Figure("SAE features per token, uneven densities", (double)uneven.Count / tokens, "L0");

        Figure Sparse(string name, int contestant, double? target) =>
            Figure.Against(name, rates[contestant], "runs/s", 1, "dense decode", rates[2], target);

        Figure Read(string name, int contestant, SparseActivations of, int bytes)
        {
            var fired = Enumerable.Range(0, of.Rows).SelectMany(row => of.Indices(row).ToArray()).Distinct().Count();
            double[] read = [.. rates[contestant].Select(rate => rate * fired * width * bytes)];
            return Figure.Against(name, read, GigaBytes, 1e9, "read of memory, huge pages", rates[8]);
        }
    }

    private static SparseActivations Uneven(int tokens, int features)
    {
        var random = new Random(11);
        double[] densities = [.. Enumerable.Range(0, features).Select(_ => Densest * Math.Pow(10, -Decades * random.NextDouble()))];
        List<int> starts = [0],
            indices = [];
        for (var row = 0; row < tokens; row++)
        {
            indices.AddRange(Enumerable.Range(0, features).Where(i => random.NextDouble() < densities[i]));
            starts.Add(indices.Count);
        }
        return new SparseActivations(features, [.. starts], [.. indices], [.. indices.Select(_ => 1 + random.NextSingle())]);
    }

    private static Tensor Dense(SparseActivations active)
    {
        var dense = Tensor.Zeros(active.Rows, active.Width);
        for (var row = 0; row < active.Rows; row++)
        for (var i = 0; i < active.Indices(row).Length; i++)
            dense.Row(row)[active.Indices(row)[i]] = active.Values(row)[i];
        return dense;
    }
}
