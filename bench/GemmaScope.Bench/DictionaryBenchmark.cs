using GemmaScope.Dictionaries;
using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>Encoding with an SAE against the product that it consists of, and decoding against what a dense decoder would cost.</summary>
internal sealed class DictionaryBenchmark() : Benchmark("sae", "SAE of 16,384 features on 512 tokens")
{
    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        var (tokens, width, features) = setup.Options.Quick ? (40, 128, 1024) : (512, 2304, 16384);
        using var dictionary = SparseDictionary.Load(RandomDictionary.Make(width, features, setup.Options.Folder, setup.Cancellation));
        using var x = setup.Weights.Matrix(DType.F32, tokens, width, 1, 2);
        using var product = setup.NewProduct(DType.F32);
        var active = dictionary.Encode(x.AsMatrix(), setup.Cancellation);
        using var dense = Dense(active);
        using var decoder = setup.Weights.Matrix(DType.F32, features, width, 1, 3);
        using var y = Tensor.Uninitialized(tokens, width);

        var work = WorkCount.Product(tokens, width, features);
        var rates = setup.Race(
            product.With(Compute.Kernels, Arithmetic.Exact),
            new(work, () => dictionary.Encode(x.AsMatrix(), setup.Cancellation)),
            new(1, () => Compute.Kernels.Multiply(dense.AsMatrix(), WeightView.Of(decoder, WeightLayout.InOut), y.AsMatrix(), Arithmetic.Exact)),
            new(1, () => dictionary.Decode(active).Dispose()));
        yield return Figure.Against("SAE encode", rates[1], GigaFlops, 1e9, "GEMM exact, f32 weights", rates[0], 0.80);
        yield return Figure.Against("SAE decode, sparse", rates[3], "runs/s", 1, "dense decode", rates[2]);
        yield return new Figure("SAE features per token", (double)active.Count / tokens, "L0");
    }

    private static Tensor Dense(SparseActivations active)
    {
        var dense = Tensor.Zeros(active.Rows, active.Width);
        for (var row = 0; row < active.Rows; row++)
            for (var i = 0; i < active.Indices(row).Length; i++) dense.Row(row)[active.Indices(row)[i]] = active.Values(row)[i];
        return dense;
    }
}
