using System.Text.Json;
using System.Text.RegularExpressions;
using GemmaScope.Files;
using GemmaScope.Models;

namespace GemmaScope.Dictionaries;

/// <summary>
/// A cfg.json of SAELens of any version. The same thing has stood under many keys, and one overrides another: a dictionary of architecture
/// "standard" whose activation_fn_str is topk is a top-k dictionary. Every key that changes what is computed is obeyed here or refused by
/// name, also inside <c>metadata</c>; the rest is known to be harmless, or told.
/// </summary>
internal sealed partial class SaeLensConfig
{
    /// <summary>The version from which the architecture alone says how features follow.</summary>
    private const int ArchitectureAlone = 6;

    /// <summary>How it was trained and where it comes from.</summary>
    private const string Harmless =
        "dtype device model_name model_class_name hook_layer hook_layer_out hook_point_layer prepend_bos context_size dataset_path "
        + "dataset_trust_remote_code sae_lens_version sae_lens_training_version neuronpedia_id model_from_pretrained_kwargs model_kwargs "
        + "seqpos_slice exclude_special_tokens sequence_separator_token disable_concat_sequences hook_eval tokens_per_buffer "
        + "activations_mixing_fraction use_error_term uses_scaling_factor release sae_id hf_hub_name training_tokens "
        // Of training: nothing of it is left in the weights' use. Early versions wrote all settings of a run.
        + "mse_loss_normalization lp_norm l1_coefficient l1_warm_up_steps l0_coefficient l0_warm_up_steps l0_lambda pre_act_loss_coefficient "
        + "normalize_sae_decoder scale_sparsity_penalty_by_decoder_norm decoder_orthogonal_init decoder_heuristic_init decoder_init_norm "
        + "init_encoder_as_decoder_transpose decoder_heuristic_init_norm noise_scale use_ghost_grads "
        + "b_dec_init_method apply_b_dec_init expansion_factor jumprelu_init_threshold jumprelu_bandwidth jumprelu_sparsity_loss_mode "
        + "jumprelu_tanh_scale topk_threshold_lr aux_loss_coefficient matryoshka_widths use_sparse_activations k_aux "
        + "feature_sampling_window dead_feature_window dead_feature_threshold dead_feature_estimation_method resample_batches "
        + "feature_reinit_scale feature_resampling_method finetuning_method finetuning_tokens hook_point_eval "
        + "act_store_device adam_beta1 adam_beta2 autocast autocast_lm begin_batch_token begin_sequence_token buffer_size_gb "
        + "cached_activations_path new_cached_activations_path use_cached_activations log_activations_store_to_wandb checkpoint_path "
        + "column_name compile_llm compile_sae data_dir data_files dataset_name eval_batch_size_prompts eval_every_n_wandb_logs "
        + "from_pretrained_path hf_is_private_repo hf_num_shards hf_repo_id hf_revision is_dataset_tokenized llm_compilation_mode "
        + "log_optimizer_state_to_wandb log_to_wandb logger lr lr_decay_steps lr_end lr_scheduler_name lr_warm_up_steps model_batch_size "
        + "n_batches_in_buffer n_checkpoints n_eval_batches n_restart_cycles n_training_steps output_path resume resume_from_checkpoint "
        + "run_name sae_compilation_mode save_final_checkpoint save_path seed shuffle split store_batch_size store_batch_size_prompts "
        + "streaming tokenizer_name total_training_samples total_training_tokens train_batch_size train_batch_size_samples "
        + "train_batch_size_tokens verbose wandb_entity wandb_id wandb_log_frequency wandb_project";

    private static readonly KeyAudit Audit = new(Harmless, "hook_head_index hook_point_head_index hook_head_index_out", Arithmetic());

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

    private readonly JsonSection _json;
    private readonly JsonSection? _metadata;

    private SaeLensConfig(JsonSection json)
    {
        _json = json.Watched();
        _metadata = _json.Section("metadata");
        Architecture = EffectiveArchitecture();
        if (!Architectures.TryGetValue(Architecture, out var form))
            throw new FileFormatException(
                $"architecture '{Architecture}' is not supported; known are {string.Join(", ", Architectures.Keys)}",
                File
            );
        (Function, Kind) = form;
        (Width, InputWidth) = (Dimension("d_sae"), Dimension("d_in"));
        var output = _json.Integer("d_out");
        if (Kind == DictionaryKind.Sae && output is not null && output != InputWidth)
            throw _json.Bad("d_out", $"is {output} and d_in {InputWidth}, but architecture '{Architecture}' reconstructs what it reads");
        OutputWidth = output ?? InputWidth;
        SubtractsBias = Subtraction();
        RescalesByNorm = Rescaling();
        HasScalingFactor = _json.Flag("finetuning_scaling_factor") ?? false;
        Normalisation = NormalisationName();
        K = Function == ActivationFunction.TopK ? FeatureCount() : null;
        Hook = Metadata("hook_name") ?? _json.Text("hook_point");
        OutputHook = Metadata("hook_name_out");
        ReshapesHeads = Reshape();
        Warnings = [.. Audit.Check(_json, _json), .. Bos()];
    }

    public string File => _json.File;

    /// <summary>The architecture after all keys that override it.</summary>
    public string Architecture { get; }

    public ActivationFunction Function { get; }

    public DictionaryKind Kind { get; }

    public int Width { get; }

    public int InputWidth { get; }

    public int OutputWidth { get; }

    /// <summary>Whether b_dec is subtracted from the input first.</summary>
    public bool SubtractsBias { get; }

    /// <summary>Whether top-k chooses by z · ‖W_dec,i‖.</summary>
    public bool RescalesByNorm { get; }

    /// <summary>Whether features are multiplied by a stored scaling_factor before decoding.</summary>
    public bool HasScalingFactor { get; }

    /// <summary>none, expected_average_only_in, constant_norm_rescale or layer_norm.</summary>
    public string Normalisation { get; }

    /// <summary>Features of a row, for top-k.</summary>
    public int? K { get; }

    public string? Hook { get; }

    public string? OutputHook { get; }

    /// <summary>Whether it reads all heads of z as one vector.</summary>
    public bool ReshapesHeads { get; }

    public string? Model => Metadata("model_name");

    /// <summary>What the user should know: keys nobody knows.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <exception cref="FileFormatException">A key or value is not understood.</exception>
    public static SaeLensConfig Read(string file) => new(JsonFile.Read(file));

    /// <summary>Before version 6 the activation function had a key of its own, which counted; from then on only the architecture
    /// does.</summary>
    private string EffectiveArchitecture()
    {
        var (told, key) = (_json.Text("architecture"), _json.Has("activation_fn_str") ? "activation_fn_str" : "activation_fn");
        var (former, later) = (_json.Text("activation_fn_str"), _json.Text("activation_fn"));
        if (former is not null && later is not null && former != later)
            throw _json.Bad("activation_fn", $"is '{later}' while activation_fn_str is '{former}'; keep the one it was trained with");
        var architecture = Overridden(told, former ?? later, key);
        RequireArguments(_json.Section("activation_fn_kwargs"), former ?? later);
        return architecture;
    }

    private string Overridden(string? told, string? function, string key)
    {
        switch (function)
        {
            case null:
                return told ?? "standard";
            case "relu" when told is not "topk":
                return told ?? "standard";
            case "topk" when told is null or "topk" || (told is "standard" && Version() < ArchitectureAlone):
                return "topk";
            case "relu" or "topk":
                throw _json.Bad(key, $"is '{function}' while architecture is '{told}'; keep the one it was trained with");
            case var other:
                throw _json.Bad(key, $"is '{other}', which is not supported; known are relu and topk");
        }
    }

    private static void RequireArguments(JsonSection? settings, string? function)
    {
        foreach (var key in settings?.Keys ?? [])
            if (!(key == "k" && function is null or "topk") && !KeyAudit.IsOff(settings!.Element.GetProperty(key)))
                throw settings!.Bad(key, $"changes the activation function {function ?? "in a way"} and is not supported");
    }

    /// <summary>The main version that wrote the file; 0 where it does not say so.</summary>
    private int Version()
    {
        var text = Metadata("sae_lens_version") ?? Metadata("sae_lens_training_version") ?? "";
        return int.TryParse(text.Split('.')[0], out var main) ? main : 0;
    }

    private int FeatureCount()
    {
        var (own, former) = (_json.Integer("k"), _json.Section("activation_fn_kwargs")?.Integer("k"));
        if (own is not null && former is not null && own != former)
            throw _json.Bad("k", $"is {own} while activation_fn_kwargs.k is {former}; keep the one it was trained with");
        var k = own ?? former ?? throw _json.Missing("k");
        if (k > Width)
            throw _json.Bad("k", $"cannot be used: k = {k} is larger than the {Width} latents");
        return k > 0 ? k : throw _json.Bad("k", $"must be above 0, found {k}");
    }

    private bool Subtraction()
    {
        var told = _json.Flag("apply_b_dec_to_input");
        if (Kind == DictionaryKind.Sae)
            return told ?? true;
        return told is not true
            ? false
            : throw _json.Bad(
                "apply_b_dec_to_input",
                "is true, but the b_dec of a transcoder belongs to what it writes, not to what it reads"
            );
    }

    private bool Rescaling() =>
        _json.Flag("rescale_acts_by_decoder_norm") is true
        && (
            Function == ActivationFunction.TopK
                ? true
                : throw _json.Bad("rescale_acts_by_decoder_norm", $"is true, which is known of topk only and not of '{Architecture}'")
        );

    /// <summary>Before version 3 the value was true or false.</summary>
    private string NormalisationName()
    {
        const string key = "normalize_activations";
        var name =
            _json.Names(key) && _json.Element.GetProperty(key).ValueKind is JsonValueKind.True or JsonValueKind.False
                ? _json.Flag(key) is true
                    ? "expected_average_only_in"
                    : "none"
                : _json.Text(key) ?? "none";
        return name is "none" or "expected_average_only_in" or "constant_norm_rescale" or "layer_norm"
            ? name
            : throw new FileFormatException(
                $"normalize_activations '{name}' is not supported; known are none, expected_average_only_in, constant_norm_rescale, "
                    + "layer_norm",
                File
            );
    }

    private bool Reshape() =>
        _json.Text("reshape_activations") switch
        {
            null or "none" => false,
            "hook_z" => true,
            var other => throw _json.Bad("reshape_activations", $"is '{other}', which is not supported; known are none and hook_z"),
        };

    private IEnumerable<string> Bos()
    {
        if ((_metadata?.Flag("prepend_bos") ?? _json.Flag("prepend_bos")) is false)
            yield return "it was trained on texts without a BOS, and is shown texts that begin with one";
    }

    /// <summary>A value of the metadata section, or of the top where older configurations have it.</summary>
    private string? Metadata(string key) => _metadata?.Text(key) ?? _json.Text(key);

    private int Dimension(string key) =>
        _json.Integer(key) is { } n
            ? n > 0
                ? n
                : throw _json.Bad(key, $"must be above 0, found {n}")
            : throw _json.Missing(key);

    /// <summary>Parts of names that in such configurations stand for what is computed.</summary>
    [GeneratedRegex(
        "activation|act_fn|acts|normali|scal|shape|bias|b_dec|b_enc|threshold|architecture|gate|skip|jump|head|mean|center|whiten|"
            + "encoder|decoder|hook|input|output|group|^k$|top_?k|temporal|signed|d_in|d_out|d_sae",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex Arithmetic();
}
