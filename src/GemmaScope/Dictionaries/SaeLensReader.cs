using System.Text.Json;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>
/// Reads SAELens folders (cfg.json with sae_weights.safetensors): scale x, subtract b_dec where the configuration says so, encode,
/// decode, undo the scale. Older configurations, from before version 6, have other keys for the same.
/// </summary>
internal static class SaeLensReader
{
    public const string Family = "SAELens",
        WeightsFile = "sae_weights.safetensors",
        ConfigFile = "cfg.json";

    private const string ScalerFile = "activation_scaler.json";

    private static readonly Dictionary<string, (ActivationFunction Function, DictionaryKind Kind)> Architectures = new(
        StringComparer.Ordinal
    )
    {
        ["standard"] = (ActivationFunction.Relu, DictionaryKind.Sae),
        ["gated"] = (ActivationFunction.Gated, DictionaryKind.Sae),
        ["topk"] = (ActivationFunction.TopK, DictionaryKind.Sae),
        ["jumprelu"] = (ActivationFunction.JumpRelu, DictionaryKind.Sae),
        ["transcoder"] = (ActivationFunction.Relu, DictionaryKind.Transcoder),
        ["skip_transcoder"] = (ActivationFunction.Relu, DictionaryKind.SkipTranscoder),
        ["jumprelu_transcoder"] = (ActivationFunction.JumpRelu, DictionaryKind.Transcoder),
        ["jumprelu_skip_transcoder"] = (ActivationFunction.JumpRelu, DictionaryKind.SkipTranscoder),
    };

    public static SparseDictionary Load(string folder, DictionaryLoadOptions options)
    {
        string In(string name) => Path.Combine(folder, name);
        if (!File.Exists(In(ConfigFile)))
            throw new FileFormatException($"{ConfigFile} is missing next to {WeightsFile}", folder);
        if (!File.Exists(In(WeightsFile)))
            throw new FileFormatException($"{WeightsFile} is missing next to {ConfigFile}", folder);
        var config = JsonFile.Read(In(ConfigFile));
        var tensors = DictionaryTensors.Open(In(WeightsFile), DictionaryLoader.Checks(options, In(WeightsFile)));
        try
        {
            return new Reading(folder, config, tensors, options).Result();
        }
        catch
        {
            tensors.Dispose();
            throw;
        }
    }

    /// <summary>One folder being read.</summary>
    private sealed class Reading(string folder, JsonSection config, DictionaryTensors tensors, DictionaryLoadOptions options)
    {
        private readonly List<string> _warnings = [];

        public LayerDictionary Result()
        {
            var architecture = config.Text("architecture") ?? LegacyArchitecture();
            if (!Architectures.TryGetValue(architecture, out var form))
                throw new FileFormatException(
                    $"architecture '{architecture}' is not supported; known are {string.Join(", ", Architectures.Keys)}",
                    config.File
                );
            var (width, input) = (Dimension("d_sae"), Dimension("d_in"));
            var output = form.Kind == DictionaryKind.Sae ? input : config.Integer("d_out") ?? input;
            RequireSizes(form.Function, width, architecture);
            var weights = Weights(form.Function, form.Kind, width, input, output);
            var (kind, sites) = Sites(form.Kind);
            var origin = new DictionaryOrigin
            {
                Path = folder,
                Model = Metadata("model_name"),
                Layers = sites is [{ Layer: { } layer }, _] ? [layer] : [],
                Architecture = architecture,
                Affine = weights.Skip is not null,
                HasConfig = true,
                Type = tensors.TypeOf("W_enc"),
            };
            var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(folder));
            return new LayerDictionary(
                new(name, Family, kind, [.. sites.Take(1)], [.. sites.Skip(1)], origin, _warnings, tensors),
                weights
            );
        }

        private DictionaryWeights Weights(ActivationFunction function, DictionaryKind kind, int width, int input, int output)
        {
            var encoder = tensors.Matrix("W_enc", [input, width], "by cfg.json");
            var decoder = new DecoderRows(tensors.Matrix("W_dec", [width, output], "by cfg.json"), 0, output, output);
            var rescale =
                function == ActivationFunction.TopK && (config.Flag("rescale_acts_by_decoder_norm") ?? false) ? decoder.Norms(width) : null;
            var scale = rescale is null ? FinetuningScale(width) : [.. rescale.Select(norm => 1 / norm)];
            var skip =
                kind == DictionaryKind.SkipTranscoder
                    // Stored [out, in] and applied transposed, the opposite of Gemma Scope's affine_skip_connection (METHODS §3.2).
                    ? WeightView.Of(tensors.Matrix("W_skip", [output, input], "by cfg.json"), WeightLayout.OutIn)
                    : (WeightView?)null;
            return new DictionaryWeights(
                new FeatureEncoder(WeightView.Of(encoder, WeightLayout.InOut), Selector(function, width, rescale)),
                scale is null ? decoder : decoder.ScaledBy(scale),
                tensors.Vector("b_dec", output),
                SubtractsBias: kind == DictionaryKind.Sae && (config.Flag("apply_b_dec_to_input") ?? true),
                Scaling(),
                skip
            );
        }

        private FeatureSelector Selector(ActivationFunction function, int width, float[]? rescale)
        {
            switch (function)
            {
                case ActivationFunction.Gated:
                    var scale = tensors.Vector("r_mag", width).Select(MathF.Exp).ToArray();
                    return new GatedSelector(tensors.Vector("b_gate", width), tensors.Vector("b_mag", width), scale);
                case ActivationFunction.TopK:
                    return new TopKSelector(tensors.Vector("b_enc", width), K(width), rescale);
                case ActivationFunction.JumpRelu:
                    return new ThresholdSelector(
                        function,
                        tensors.Vector("b_enc", width),
                        tensors.Vector("threshold", width),
                        keepNegative: false
                    );
                default:
                    return new ThresholdSelector(function, tensors.Vector("b_enc", width), new float[width], keepNegative: false);
            }
        }

        private int K(int width)
        {
            var k = config.Integer("k") ?? config.Section("activation_fn_kwargs")?.Integer("k") ?? throw config.Missing("k");
            if (k > width)
                throw config.Bad("k", $"cannot be used: k = {k} is larger than the {width} latents");
            return k > 0 ? k : throw config.Bad("k", $"must be above 0, found {k}");
        }

        private void RequireSizes(ActivationFunction function, int width, string architecture)
        {
            if (function == ActivationFunction.JumpRelu && !tensors.Has("threshold"))
                throw new FileFormatException($"architecture {architecture} needs the tensor 'threshold'", tensors.Path);
            if (tensors.Length(function == ActivationFunction.Gated ? "b_gate" : "b_enc") is var found && found != width)
                throw new FileFormatException($"cfg.json says d_sae {width}, the weights have {found}", folder);
        }

        private string LegacyArchitecture() =>
            (config.Text("activation_fn_str") ?? config.Text("activation_fn")) switch
            {
                null or "relu" => "standard",
                "topk" => "topk",
                var other => throw config.Bad("activation_fn_str", $"is '{other}', which is not supported; known are relu and topk"),
            };

        /// <summary>A number a feature that its activation is multiplied by before decoding; all ones mean nothing.</summary>
        private float[]? FinetuningScale(int width)
        {
            if (!tensors.Has("scaling_factor"))
                return null;
            var scale = tensors.Vector("scaling_factor", width);
            if (scale.All(s => s == 1))
                return null;
            return config.Flag("finetuning_scaling_factor") ?? false
                ? scale
                : throw new FileFormatException(
                    "a scaling_factor other than 1 is stored but finetuning_scaling_factor is false; correct one of them",
                    folder
                );
        }

        private InputScaling Scaling()
        {
            switch (Normalisation())
            {
                case "none":
                    return InputScaling.None;
                case "constant_norm_rescale":
                    return InputScaling.ConstantNorm;
                case "layer_norm":
                    return InputScaling.LayerNorm;
                case "expected_average_only_in":
                    return ExpectedAverage();
                case var other:
                    throw new FileFormatException(
                        $"normalize_activations '{other}' is not supported; known are none, expected_average_only_in, "
                            + "constant_norm_rescale, layer_norm",
                        config.File
                    );
            }
        }

        /// <summary>Before version 3 the value was true or false.</summary>
        private string Normalisation() =>
            config.Element.TryGetProperty("normalize_activations", out var value)
            && value.ValueKind is JsonValueKind.True or JsonValueKind.False
                ? value.ValueKind == JsonValueKind.True
                    ? "expected_average_only_in"
                    : "none"
                : config.Text("normalize_activations") ?? "none";

        private InputScaling ExpectedAverage()
        {
            var file = Path.Combine(folder, ScalerFile);
            if (File.Exists(file) && JsonFile.Read(file).Number("scaling_factor") is { } factor)
            {
                return factor > 0 && (float)factor is > 0 and < float.PositiveInfinity
                    ? InputScaling.By((float)factor)
                    : throw new FileFormatException($"'scaling_factor' must be above 0, found {factor}", file);
            }
            _warnings.Add(
                "normalize_activations is expected_average_only_in but no scaling factor is given; results will be on the wrong scale "
                    + $"(put {{\"scaling_factor\": …}} into {ScalerFile})"
            );
            return InputScaling.None;
        }

        private (DictionaryKind, IReadOnlyList<Site>) Sites(DictionaryKind kind)
        {
            if (options.Site is { } chosen)
                return ScopeReader.Chosen(chosen, options, kind == DictionaryKind.SkipTranscoder);
            var name = Metadata("hook_name") ?? config.Text("hook_point");
            if (name is null)
                return (kind, []);
            if (!Site.TryParse(name, out var input) || !Site.TryParse(Metadata("hook_name_out") ?? name, out var output))
            {
                _warnings.Add($"cfg.json names the hook '{name}', which is no site of Gemma; name a site to use the dictionary on a model");
                return (kind, []);
            }
            return (kind, [input, output]);
        }

        /// <summary>A value of the metadata section, or of the top where older configurations have it.</summary>
        private string? Metadata(string key) => config.Section("metadata")?.Text(key) ?? config.Text(key);

        private int Dimension(string key) =>
            config.Integer(key) is { } n
                ? n > 0
                    ? n
                    : throw config.Bad(key, $"must be above 0, found {n}")
                : throw config.Missing(key);
    }
}
