using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>A transcoder of each layer with random bf16 weights, in circuit-tracer's form: files that are mapped, as real ones are.</summary>
internal static class RandomTranscoders
{
    private const int Seed = 20260102;

    // Of products of normal numbers, one in 819 exceeds it: 20 of 16,384.
    private const float Threshold = 3.03f;

    /// <summary>Makes the set below a folder, or finds the one made before.</summary>
    /// <returns>The set's own folder.</returns>
    /// <exception cref="GemmaScopeException">It cannot be written.</exception>
    public static string Make(int layers, int width, int features, string folder, CancellationToken cancellationToken)
    {
        var target = Path.Combine(folder, $"transcoders-{layers}x{width}x{features}");
        Directory.CreateDirectory(target);
        File.WriteAllText(
            Path.Combine(target, "config.yaml"),
            "model_kind: transcoder_set\nfeature_input_hook: ln2.hook_normalized\nfeature_output_hook: hook_mlp_out\n"
        );
        var weights = new NormalWeights(Seed);
        using Tensor threshold = Tensor.Uninitialized(features),
            encoderBias = Tensor.Zeros(features),
            decoderBias = Tensor.Zeros(width);
        threshold.AsSpan().Fill(Threshold);
        for (var layer = 0; layer < layers; layer++)
        {
            var file = Path.Combine(target, $"layer_{layer}.safetensors");
            // A file gets its name only when it is whole.
            if (!File.Exists(file))
                SafetensorsWriter.Write(
                    file,
                    [
                        weights.Source("W_enc", DType.BF16, [features, width], 1 / Math.Sqrt(width), 2 * layer),
                        weights.Source("W_dec", DType.BF16, [features, width], 1 / Math.Sqrt(width), 2 * layer + 1),
                        new("b_enc", encoderBias),
                        new("b_dec", decoderBias),
                        new("activation_function.threshold", threshold),
                    ],
                    cancellationToken: cancellationToken
                );
        }
        return target;
    }
}
