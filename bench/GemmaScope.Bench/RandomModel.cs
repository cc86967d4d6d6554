using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>
/// Model folders of true shapes with random bf16 weights: what a run costs does not depend on what the weights say. Their
/// scales keep activations finite: matrices have deviation inputs^−½, so that a normed input gives outputs of about 1.
/// </summary>
public static class RandomModel
{
    private const int Seed = 20240805;
    private const double GainDeviation = 0.02;

    /// <summary>The folder for random models where none is named.</summary>
    public static string DefaultFolder { get; } = Path.Combine(Path.GetTempPath(), "gemmascope-bench");

    /// <summary>Makes a model below a folder, or finds the one made before.</summary>
    /// <param name="shape">Which model.</param>
    /// <param name="folder">The folder for random models.</param>
    /// <param name="cancellationToken">Stops the writing; nothing is left behind.</param>
    /// <returns>The model's own folder.</returns>
    /// <exception cref="GemmaScopeException">The disk has too little room or cannot be written.</exception>
    public static string Make(ModelShape shape, string folder, CancellationToken cancellationToken = default)
    {
        var target = Path.Combine(folder, shape.Name);
        if (IsComplete(shape, target))
            return target;
        var partial = $"{target}.{Guid.NewGuid():N}.partial";
        try
        {
            Directory.CreateDirectory(partial);
            File.WriteAllText(Path.Combine(partial, "config.json"), shape.Config);
            var tensors = Tensors(GemmaConfig.Load(partial)).ToArray();
            CheckRoom(partial, tensors.Sum(tensor => tensor.ByteLength));
            SafetensorsWriter.Write(Path.Combine(partial, "model.safetensors"), tensors, cancellationToken: cancellationToken);
            if (Directory.Exists(target))
                Directory.Delete(target, recursive: true);
            Directory.Move(partial, target);
            return target;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new GemmaScopeException(
                $"the random model cannot be written: {problem.Message}; name another folder with --dir",
                target,
                problem
            );
        }
        finally
        {
            if (Directory.Exists(partial))
                Directory.Delete(partial, recursive: true);
        }
    }

    /// <summary>A folder gets its name only when it is whole; its config tells whether it is still the shape we want.</summary>
    private static bool IsComplete(ModelShape shape, string target)
    {
        var config = Path.Combine(target, "config.json");
        return File.Exists(Path.Combine(target, "model.safetensors")) && File.Exists(config) && File.ReadAllText(config) == shape.Config;
    }

    private static void CheckRoom(string folder, long bytes)
    {
        var free = new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;
        if (free < bytes)
            throw new GemmaScopeException(
                $"the random model needs {bytes / 1e9:F1} GB of disk, {free / 1e9:F1} GB are free; name another folder with --dir",
                folder
            );
    }

    /// <summary>The tensors of a checkpoint of this shape.</summary>
    internal static IEnumerable<TensorSource> Tensors(GemmaConfig config)
    {
        var weights = new NormalWeights(Seed);
        var number = 0;
        yield return Matrix("embed_tokens", config.VocabularyRows, config.Width);
        yield return Gain("norm", config.Width);
        if (config.PerLayer is { } table)
        {
            yield return Matrix("embed_tokens_per_layer", table.Rows, config.Layers * table.Width);
            yield return Matrix("per_layer_model_projection", config.Layers * table.Width, config.Width);
            yield return Gain("per_layer_projection_norm", table.Width);
        }
        for (var layer = 0; layer < config.Layers; layer++)
        {
            foreach (
                var norm in new[]
                {
                    "input_layernorm",
                    "post_attention_layernorm",
                    "pre_feedforward_layernorm",
                    "post_feedforward_layernorm",
                }
            )
                yield return Gain($"layers.{layer}.{norm}", config.Width);
            var shape = config.Shapes[layer];
            var query = config.Heads * shape.HeadSize;
            yield return Matrix($"layers.{layer}.self_attn.q_proj", query, config.Width);
            if (shape.KeyValueSource is null)
                yield return Matrix($"layers.{layer}.self_attn.k_proj", shape.KeyValueWidth, config.Width);
            if (shape is { KeyValueSource: null, ValuesAreKeys: false })
                yield return Matrix($"layers.{layer}.self_attn.v_proj", shape.KeyValueWidth, config.Width);
            yield return Matrix($"layers.{layer}.self_attn.o_proj", config.Width, query);
            if (config.HasQueryKeyNorm)
                yield return Gain($"layers.{layer}.self_attn.q_norm", shape.HeadSize);
            if (config.HasQueryKeyNorm && shape.KeyValueSource is null)
                yield return Gain($"layers.{layer}.self_attn.k_norm", shape.HeadSize);
            yield return Matrix($"layers.{layer}.mlp.gate_proj", shape.MlpWidth, config.Width);
            yield return Matrix($"layers.{layer}.mlp.up_proj", shape.MlpWidth, config.Width);
            yield return Matrix($"layers.{layer}.mlp.down_proj", config.Width, shape.MlpWidth);
            if (config.PerLayer is { } perLayer)
            {
                yield return Matrix($"layers.{layer}.per_layer_input_gate", perLayer.Width, config.Width);
                yield return Matrix($"layers.{layer}.per_layer_projection", config.Width, perLayer.Width);
                yield return Gain($"layers.{layer}.post_per_layer_input_norm", config.Width);
            }
            if (config.Experts is { } experts)
            {
                yield return Matrix($"layers.{layer}.router.proj", experts.Count, config.Width);
                yield return Named($"layers.{layer}.router.scale", [config.Width], 1);
                yield return Named($"layers.{layer}.router.per_expert_scale", [experts.Count], 1);
                yield return Named(
                    $"layers.{layer}.experts.gate_up_proj",
                    [experts.Count, 2 * experts.Width, config.Width],
                    1 / Math.Sqrt(config.Width)
                );
                yield return Named(
                    $"layers.{layer}.experts.down_proj",
                    [experts.Count, config.Width, experts.Width],
                    1 / Math.Sqrt(experts.Width)
                );
                foreach (
                    var norm in new[] { "post_feedforward_layernorm_1", "pre_feedforward_layernorm_2", "post_feedforward_layernorm_2" }
                )
                    yield return Gain($"layers.{layer}.{norm}", config.Width);
            }
            if (config.HasLayerScalar)
                yield return Named($"layers.{layer}.layer_scalar", [1], 1);
        }

        TensorSource Matrix(string name, int outputs, int inputs) => Make(name, [outputs, inputs], 1 / Math.Sqrt(inputs));
        // Gains that are stored whole are about 1, as far as their sign: what a run costs does not depend on it.
        TensorSource Gain(string name, int width) => Make(name, [width], config.HasLayerScalar ? 1 : GainDeviation);
        TensorSource Make(string name, long[] shape, double deviation) => Named($"{name}.weight", shape, deviation);
        TensorSource Named(string name, long[] shape, double deviation) =>
            weights.Source($"model.{name}", DType.BF16, shape, deviation, number++);
    }
}
