using System.Text.RegularExpressions;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>
/// Reads folders of saprmarks' dictionary_learning: config.json, whose <c>trainer.dict_class</c> says how features follow, and ae.pt. The
/// classes differ in the names and orientation of their tensors and in which bias is subtracted from the input.
/// </summary>
internal static partial class DictionaryLearningReader
{
    public const string Family = "dictionary_learning",
        WeightsFile = "ae.pt",
        ConfigFile = "config.json";

    /// <summary>How it was trained; nothing of it is left in the weights' use.</summary>
    private const string Harmless =
        "wandb_name device seed lr steps warmup_steps decay_start resample_steps sparsity_warmup_steps l1_penalty auxk_alpha "
        + "top_k_aux threshold_beta threshold_start_step group_fractions group_weights group_sizes bandwidth sparsity_penalty target_l0 "
        + "sparsity_function p_start p_end anneal_start anneal_end sparsity_queue_length n_sparsity_updates trainer_class autocast_dtype "
        + "k_anneal_steps initial_k submodule_name lm_name layer dict_class activation_dim dict_size compile ghost_threshold "
        + "use_wandb save_dir "
        // Of the buffer.
        + "d_submodule io n_ctxs ctx_len refresh_batch_size out_batch_size remove_bos add_special_tokens max_activation_norm_multiple "
        + "remove_high_norm";

    private static readonly KeyAudit Audit = new(Harmless, "", Arithmetic());

    /// <summary>Whether a folder has this form.</summary>
    public static bool IsIn(string folder) =>
        File.Exists(Path.Combine(folder, WeightsFile)) && File.Exists(Path.Combine(folder, ConfigFile));

    public static SparseDictionary Load(string folder, DictionaryLoadOptions options)
    {
        var config = JsonFile.Read(Path.Combine(folder, ConfigFile)).Watched();
        var trainer = config.Section("trainer") ?? throw config.Missing("trainer");
        var file = Path.Combine(folder, WeightsFile);
        var tensors = DictionaryTensors.Open(file, DictionaryLoader.Checks(options, file));
        try
        {
            return new Reading(folder, config, trainer, tensors).Result(options);
        }
        catch
        {
            tensors.Dispose();
            throw;
        }
    }

    /// <summary>One folder being read.</summary>
    private sealed class Reading(string folder, JsonSection config, JsonSection trainer, DictionaryTensors tensors)
    {
        /// <summary>Layers that are nn.Linear store [out, in]; plain parameters have the orientation of the formulas.</summary>
        private readonly bool _linear = tensors.Has("encoder.weight");

        private readonly string _class = trainer.Text("dict_class") ?? throw trainer.Missing("dict_class");

        public LayerDictionary Result(DictionaryLoadOptions options)
        {
            var (bias, subtracts) = _class switch
            {
                "AutoEncoder" => ("bias", true),
                "AutoEncoderNew" => ("decoder.bias", false),
                "GatedAutoEncoder" => ("decoder_bias", true),
                "JumpReluAutoEncoder" => ("b_dec", false),
                "AutoEncoderTopK" or "BatchTopKSAE" or "MatryoshkaBatchTopKSAE" => ("b_dec", true),
                _ => throw trainer.Bad(
                    "dict_class",
                    $"is '{_class}', which is not supported; known are AutoEncoder, AutoEncoderNew, GatedAutoEncoder, JumpReluAutoEncoder, "
                        + "AutoEncoderTopK, BatchTopKSAE and MatryoshkaBatchTopKSAE"
                ),
            };
            var model = tensors.Length(bias);
            var width = Size(tensors.Shape(_linear ? "encoder.weight" : "W_enc"));
            trainer.RequireSize("activation_dim", model);
            trainer.RequireSize("dict_size", width);
            var encoder = _linear
                ? WeightView.Of(tensors.Matrix("encoder.weight", [width, model], "by the biases"), WeightLayout.OutIn)
                : WeightView.Of(tensors.Matrix("W_enc", [model, width], "by the biases"), WeightLayout.InOut);
            var decoder = _linear
                ? tensors.Transposed("decoder.weight", [model, width], "by the biases")
                : tensors.Matrix("W_dec", [width, model], "by the biases");
            var (selector, rows) = (Selector(width), new DecoderRows(decoder, 0, model, model));
            if (_class == "AutoEncoder" && rows.Norms(width) is var norms && norms.Any(norm => Math.Abs(norm - 1) > 1e-5))
                (encoder, selector, rows) = Normed(norms, selector, rows);
            var weights = new DictionaryWeights(
                new FeatureEncoder(encoder, selector),
                rows,
                tensors.Vector(bias, model),
                subtracts,
                InputScaling.None,
                null
            );
            tensors.RequireAllUsed($"a dictionary of class {_class}");
            var sites = Sites(options);
            var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
            var origin = new DictionaryOrigin
            {
                Path = folder,
                Repository = RepositoryName.Of(folder),
                Model = trainer.Text("lm_name"),
                Layers = sites is [{ Layer: { } layer }, _] ? [layer] : [],
                Architecture = _class,
                HasConfig = true,
                Type = decoder.Type,
            };
            IReadOnlyList<string> unknown =
                sites.Length > 0 ? [] : ["config.json names no site of Gemma that is known; name a site to use the dictionary on a model"];
            return new(
                new(
                    name,
                    Family,
                    DictionaryKind.Sae,
                    [.. sites.Take(1)],
                    [.. sites.Skip(1)],
                    origin,
                    [.. Audit.Check(config, trainer), .. unknown],
                    tensors
                ),
                weights
            );
        }

        /// <summary>Its program makes the decoder's vectors unit vectors when it loads this class, and scales activations to it.</summary>
        private (WeightView, FeatureSelector, DecoderRows) Normed(float[] norms, FeatureSelector selector, DecoderRows rows)
        {
            if (Array.FindIndex(norms, norm => norm == 0) is >= 0 and var dead)
                throw new FileFormatException($"the decoder vector of feature {dead} is 0, which no norm can be taken of", tensors.Path);
            var encoder = tensors.ScaledRows("encoder.weight", norms);
            var bias = ((ThresholdSelector)selector).Bias.Zip(norms, (one, norm) => one * norm).ToArray();
            return (
                WeightView.Of(encoder, WeightLayout.OutIn),
                new ThresholdSelector(ActivationFunction.Relu, bias, new float[norms.Length], keepNegative: false),
                rows.ScaledBy([.. norms.Select(norm => 1 / norm)])
            );
        }

        private int Size(long[] shape) =>
            shape.Length == 2 && shape[_linear ? 0 : 1] is > 0 and <= int.MaxValue
                ? (int)shape[_linear ? 0 : 1]
                : throw new FileFormatException($"the encoder has shape {FileChecks.Format(shape)}, a matrix is needed", tensors.Path);

        private FeatureSelector Selector(int width)
        {
            switch (_class)
            {
                case "GatedAutoEncoder":
                    return new GatedSelector(
                        tensors.Vector("gate_bias", width),
                        tensors.Vector("mag_bias", width),
                        [.. tensors.Vector("r_mag", width).Select(MathF.Exp)]
                    );
                case "JumpReluAutoEncoder":
                    return Threshold(ActivationFunction.JumpRelu, "b_enc", tensors.Vector("threshold", width));
                case "AutoEncoderTopK":
                    // The threshold beside it is for another way of encoding, which is not the default.
                    tensors.Ignore("threshold");
                    return new TopKSelector(tensors.Vector("encoder.bias", width), K(width), scale: null);
                case "BatchTopKSAE" or "MatryoshkaBatchTopKSAE":
                    // Trained with a top-k over the batch, used with the one threshold that training left; see the class's encode.
                    K(width);
                    tensors.Ignore("group_sizes");
                    var level = tensors.Scalar("threshold");
                    if (level < 0)
                        throw new FileFormatException(
                            "its threshold is below 0: training ended before one was estimated, and without it features depend on the batch",
                            tensors.Path
                        );
                    return Threshold(ActivationFunction.JumpRelu, _linear ? "encoder.bias" : "b_enc", [.. Enumerable.Repeat(level, width)]);
                default:
                    return Threshold(ActivationFunction.Relu, "encoder.bias", new float[width]);
            }

            ThresholdSelector Threshold(ActivationFunction function, string bias, float[] threshold) =>
                new(function, tensors.Vector(bias, width), threshold, keepNegative: false);
        }

        private int K(int width)
        {
            var (told, stored) = (trainer.Integer("k"), tensors.Has("k") ? (int?)tensors.Scalar("k") : null);
            if (told is not null && stored is not null && told != stored)
                throw trainer.Bad("k", $"is {told}, {WeightsFile} says {stored}");
            var k = stored ?? told ?? throw trainer.Missing("k");
            return k > 0 && k <= width ? k : throw trainer.Bad("k", $"is {k}; it must be between 1 and the {width} latents");
        }

        /// <summary>The trainer says the layer and, in words of its user, the module; the buffer which side of it was read.</summary>
        private Site[] Sites(DictionaryLoadOptions options)
        {
            if (options.Site is { } chosen)
                return [chosen, options.OutputSite ?? chosen];
            if (trainer.Integer("layer") is not { } layer || layer is < 0 or > 1024)
                return [];
            var (module, side) = (trainer.Text("submodule_name") ?? "", config.Section("buffer")?.Text("io") ?? "out");
            Site? site =
                module.StartsWith("resid_post", StringComparison.Ordinal) && side == "out" ? Site.ResidPost(layer)
                : module.StartsWith("mlp_out", StringComparison.Ordinal) ? Site.MlpOut(layer)
                : Site.TryParse(module + (side == "in" ? ".input" : ".output"), out var parsed) ? parsed
                : Site.TryParse(module, out parsed) && side == "out" ? parsed
                : null;
            return site is { } known ? [known, known] : [];
        }
    }

    [GeneratedRegex("activ|norm|scal|bias|thresh|k$|skip|group|rescale|apply|input|output", RegexOptions.IgnoreCase)]
    private static partial Regex Arithmetic();
}
