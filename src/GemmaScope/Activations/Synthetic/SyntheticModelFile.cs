using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Activations;

/// <summary>
/// Keeps a synthetic model in a safetensors file: <c>directions</c> [features, width], <c>bias</c> [width], <c>factors</c> [features, rank]
/// and <c>stds</c> [features] as f32, and the config as YAML in the metadata under <c>synthetic_config</c>.
/// </summary>
public static class SyntheticModelFile
{
    private const string ConfigKey = "synthetic_config",
        Directions = "directions",
        Bias = "bias",
        Factors = "factors",
        Stds = "stds";

    /// <summary>Reads a config.</summary>
    /// <param name="file">A YAML file, or null: the published benchmark's.</param>
    /// <param name="values">Values that win over the file's, by their keys.</param>
    /// <exception cref="GemmaScopeException">A key is unknown, or a value cannot be used.</exception>
    public static SyntheticConfig Config(string? file, IEnumerable<(string Key, System.Text.Json.Nodes.JsonNode? Value)>? values = null)
    {
        var config = Settings.Read(YamlFile.ReadWith(file, values ?? []), new SyntheticConfig());
        config.Check();
        return config;
    }

    /// <summary>A config as YAML; <see cref="Config"/> gives it back.</summary>
    public static string ToYaml(SyntheticConfig config) => Settings.ToYaml(config);

    /// <summary>Writes a model.</summary>
    /// <param name="path">The file.</param>
    /// <param name="model">The model.</param>
    /// <param name="overwrite">Whether an existing file may be replaced.</param>
    /// <exception cref="GemmaScopeException">The file exists, or cannot be written.</exception>
    public static void Write(string path, SyntheticModel model, bool overwrite = false)
    {
        var config = model.Config;
        using Tensor bias = Tensor.From(model.Bias, config.Width),
            factors = Tensor.From(model.CommonFactors, config.Features, config.CorrelationRank),
            stds = Tensor.From([.. model.Stds.Select(std => (float)std)], config.Features);
        SafetensorsWriter.Write(
            path,
            new Dictionary<string, Tensor>
            {
                [Directions] = model.Directions,
                [Bias] = bias,
                [Factors] = factors,
                [Stds] = stds,
            },
            new Dictionary<string, string> { [ConfigKey] = ToYaml(config) },
            overwrite
        );
    }

    /// <summary>Reads a model.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="GemmaScopeException">It is no synthetic model, or damaged.</exception>
    public static SyntheticModel Read(string path)
    {
        using var file = SafetensorsFile.Open(path);
        if (!file.Metadata.TryGetValue(ConfigKey, out var yaml))
            throw new FileFormatException("is no synthetic model: its metadata have no synthetic_config", path);
        SyntheticConfig config;
        try
        {
            config = Settings.Read(YamlFile.Parse(yaml, path), new SyntheticConfig());
            config.Check();
        }
        catch (ArgumentProblemException problem)
        {
            throw new FileFormatException($"has a config that makes no model: {problem.Message}", path);
        }
        return new SyntheticModel(
            config,
            Tensor(Directions, config.Features, config.Width),
            Values(Bias, config.Width),
            Values(Factors, config.Features, config.CorrelationRank),
            Values(Stds, config.Features)
        );

        Tensor Tensor(string name, params ReadOnlySpan<long> shape)
        {
            if (!file.Tensors.TryGetValue(name, out var tensor))
                throw new FileFormatException($"has no tensor '{name}'", path);
            if (tensor.Type != DType.F32 || !tensor.Shape.SequenceEqual(shape))
                throw new FileFormatException(
                    $"the tensor '{name}' is {tensor}, and the config asks for F32[{string.Join(", ", shape.ToArray())}]",
                    path
                );
            TensorChecks.RequireFinite(tensor, name, path);
            return tensor.ToF32();
        }

        float[] Values(string name, params ReadOnlySpan<long> shape)
        {
            using var tensor = Tensor(name, shape);
            return tensor.AsSpan().ToArray();
        }
    }
}
