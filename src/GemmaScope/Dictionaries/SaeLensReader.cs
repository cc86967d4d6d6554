using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>
/// Reads SAELens folders (cfg.json with sae_weights.safetensors): scale x, subtract b_dec where the configuration says so, encode,
/// decode, undo the scale. What the configuration says is read by <see cref="SaeLensConfig"/>.
/// </summary>
internal static class SaeLensReader
{
    public const string Family = "SAELens",
        WeightsFile = "sae_weights.safetensors",
        ConfigFile = "cfg.json";

    private const string ScalerFile = "activation_scaler.json";

    public static SparseDictionary Load(string folder, DictionaryLoadOptions options)
    {
        string In(string name) => Path.Combine(folder, name);
        if (!File.Exists(In(ConfigFile)))
            throw new FileFormatException($"{ConfigFile} is missing next to {WeightsFile}", folder);
        if (!File.Exists(In(WeightsFile)))
            throw new FileFormatException($"{WeightsFile} is missing next to {ConfigFile}", folder);
        var config = SaeLensConfig.Read(In(ConfigFile));
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
    private sealed class Reading(string folder, SaeLensConfig config, DictionaryTensors tensors, DictionaryLoadOptions options)
    {
        private readonly List<string> _warnings = [.. config.Warnings];
        private string? _notWritable;

        public LayerDictionary Result()
        {
            RequireSizes();
            var weights = Weights();
            tensors.RequireAllUsed($"a dictionary of architecture '{config.Architecture}'");
            var (kind, sites) = Sites();
            var origin = new DictionaryOrigin
            {
                Path = folder,
                Model = config.Model,
                Layers = sites is [{ Layer: { } layer }, _] ? [layer] : [],
                Architecture = config.Architecture,
                Affine = weights.Skip is not null,
                HasConfig = true,
                Type = tensors.TypeOf("W_enc"),
            };
            var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(folder));
            return new LayerDictionary(
                new(name, Family, kind, [.. sites.Take(1)], [.. sites.Skip(1)], origin, _warnings, tensors) { NotWritable = _notWritable },
                weights
            );
        }

        private DictionaryWeights Weights()
        {
            var (width, input, output) = (config.Width, config.InputWidth, config.OutputWidth);
            var encoder = tensors.Matrix("W_enc", [input, width], "by cfg.json");
            var decoder = new DecoderRows(tensors.Matrix("W_dec", [width, output], "by cfg.json"), 0, output, output);
            var rescale = config.RescalesByNorm ? decoder.Norms(width) : null;
            var scale = rescale is null ? FinetuningScale(width) : [.. rescale.Select(norm => 1 / norm)];
            var skip =
                config.Kind == DictionaryKind.SkipTranscoder
                    // Stored [out, in] and applied transposed, the opposite of Gemma Scope's affine_skip_connection (METHODS §3.2).
                    ? WeightView.Of(tensors.Matrix("W_skip", [output, input], "by cfg.json"), WeightLayout.OutIn)
                    : (WeightView?)null;
            return new DictionaryWeights(
                new FeatureEncoder(WeightView.Of(encoder, WeightLayout.InOut), Selector(width, rescale)),
                scale is null ? decoder : decoder.ScaledBy(scale),
                tensors.Vector("b_dec", output),
                config.SubtractsBias,
                Scaling(),
                skip
            );
        }

        private FeatureSelector Selector(int width, float[]? rescale)
        {
            switch (config.Function)
            {
                case ActivationFunction.Gated:
                    var scale = tensors.Vector("r_mag", width).Select(MathF.Exp).ToArray();
                    return new GatedSelector(tensors.Vector("b_gate", width), tensors.Vector("b_mag", width), scale);
                case ActivationFunction.TopK:
                    return new TopKSelector(tensors.Vector("b_enc", width), config.K!.Value, rescale);
                case ActivationFunction.JumpRelu:
                    return new ThresholdSelector(
                        config.Function,
                        tensors.Vector("b_enc", width),
                        tensors.Vector("threshold", width),
                        keepNegative: false
                    );
                default:
                    return new ThresholdSelector(config.Function, tensors.Vector("b_enc", width), new float[width], keepNegative: false);
            }
        }

        private void RequireSizes()
        {
            if (config.Function == ActivationFunction.JumpRelu && !tensors.Has("threshold"))
                throw new FileFormatException($"architecture {config.Architecture} needs the tensor 'threshold'", tensors.Path);
            if (tensors.Length(config.Function == ActivationFunction.Gated ? "b_gate" : "b_enc") is var found && found != config.Width)
                throw new FileFormatException($"cfg.json says d_sae {config.Width}, the weights have {found}", folder);
        }

        /// <summary>A number a feature that its activation is multiplied by before decoding; all ones mean nothing.</summary>
        private float[]? FinetuningScale(int width)
        {
            if (!tensors.Has("scaling_factor"))
                return config.HasScalingFactor
                    ? throw new FileFormatException("finetuning_scaling_factor is true but the tensor 'scaling_factor' is missing", folder)
                    : null;
            var scale = tensors.Vector("scaling_factor", width);
            if (scale.All(s => s == 1))
                return null;
            return config.HasScalingFactor
                ? scale
                : throw new FileFormatException(
                    "a scaling_factor other than 1 is stored but finetuning_scaling_factor is false; correct one of them",
                    folder
                );
        }

        private InputScaling Scaling() =>
            config.Normalisation switch
            {
                "none" => InputScaling.None,
                "constant_norm_rescale" => InputScaling.ConstantNorm,
                "layer_norm" => InputScaling.LayerNorm,
                _ => ExpectedAverage(),
            };

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
            _notWritable = $"its normalize_activations is expected_average_only_in and the factor is not known (put it into {ScalerFile})";
            return InputScaling.None;
        }

        private (DictionaryKind, IReadOnlyList<Site>) Sites()
        {
            var (kind, sites) = options.Site is { } chosen
                ? ScopeReader.Chosen(chosen, options, config.Kind == DictionaryKind.SkipTranscoder)
                : (config.Kind, Told());
            if (config.ReshapesHeads && sites is [{ Kind: not SiteKind.Z } other, ..])
                throw new FileFormatException($"reshape_activations is hook_z, but the site is {other}, which has no heads", config.File);
            return (kind, sites);
        }

        private IReadOnlyList<Site> Told()
        {
            if (config.Hook is not { } name)
                return [];
            if (Site.TryParse(name, out var input) && Site.TryParse(config.OutputHook ?? name, out var output))
                return [input, output];
            _warnings.Add(
                $"cfg.json names the hook '{config.OutputHook ?? name}', which is no site of Gemma; name a site to use the dictionary on a model"
            );
            return [];
        }
    }
}
