using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>
/// Encoding with the widest SAE of Gemma Scope, its f32 W_enc of 2.4 GB mapped from a file that is deleted afterwards, and the memory that
/// encoding takes beside weights, input and result.
/// </summary>
internal sealed class WideDictionaryBenchmark()
    : Benchmark("wide", "SAE of 262,144 features on 512 tokens (2.4 GB of disk for the time of the run)")
{
    // Of products of normal numbers, one in 3,745 exceeds it: 70 of 262,144.
    private const float Threshold = 3.46f;

    private const double MiB = 1 << 20;

    public override IEnumerable<Figure> Measure(BenchSetup setup)
    {
        var (tokens, width, features) = setup.Options.Quick ? (40, 128, 4096) : (512, 2304, 262144);
        var file = Path.Combine(setup.Options.Folder, $"encoder-{width}x{features}.safetensors");
        try
        {
            SafetensorsWriter.Write(
                file,
                [setup.Weights.Source("W_enc", DType.F32, [width, features], 1 / Math.Sqrt(width), 4)],
                overwrite: true,
                cancellationToken: setup.Cancellation
            );
            using var weights = SafetensorsFile.Open(file);
            using var x = setup.Weights.Matrix(DType.F32, tokens, width, 1, 2);
            using var product = setup.NewProduct(DType.F32);
            using var decoder = weights["W_enc"].Reshape(features, width);
            using var dictionary = Dictionary(weights["W_enc"], decoder);

            var active = dictionary.Encode(x.AsMatrix(), setup.Cancellation);
            var peak = AnonymousMemory.PeakOf(() => dictionary.Encode(x.AsMatrix(), setup.Cancellation));
            var rates = setup.Race(
                product.With(Compute.Kernels, Arithmetic.Exact),
                new(WorkCount.Product(tokens, width, features), () => dictionary.Encode(x.AsMatrix(), setup.Cancellation))
            );
            yield return Figure.Against(
                "SAE encode, 262,144 features",
                rates[1],
                GigaFlops,
                1e9,
                "GEMM exact, f32 weights",
                rates[0],
                0.80
            );
            var result = active.Count * (sizeof(int) + sizeof(float));
            if (peak is { } bytes)
                yield return Figure.Below(
                    "memory of an encode beside its result",
                    [Math.Max(0.01, (bytes - result) / MiB)],
                    "MiB",
                    "allowed",
                    64
                );
            yield return new Figure("SAE features per token, 262,144 features", (double)active.Count / tokens, "L0");
        }
        finally
        {
            File.Delete(file);
        }
    }

    // Nothing decodes here: W_dec lies where W_enc does.
    private static SparseDictionary Dictionary(Tensor encoder, Tensor decoder)
    {
        var thresholds = new float[encoder.Columns];
        Array.Fill(thresholds, Threshold);
        return new DictionaryParameters
        {
            Activation = ActivationFunction.JumpRelu,
            Encoder = encoder,
            Decoder = decoder,
            DecoderBias = new float[decoder.Columns],
            EncoderBias = new float[encoder.Columns],
            Threshold = thresholds,
        }.ToDictionary("wide");
    }
}
