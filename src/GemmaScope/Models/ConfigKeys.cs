using System.Text.RegularExpressions;
using GemmaScope.Files;

namespace GemmaScope.Models;

/// <summary>The keys of a config.json that describe no shape or constant of the text part's network.</summary>
internal static partial class ConfigKeys
{
    /// <summary>Bookkeeping, training, generation, the image part.</summary>
    private const string Harmless =
        "_name_or_path architectures auto_map model_type transformers_version tokenizer_class task_specific_params problem_type "
        + "torch_dtype dtype use_bfloat16 torchscript _attn_implementation attn_implementation _attn_implementation_autoset "
        + "_commit_hash custom_pipelines finetuning_task id2label label2id num_labels return_dict return_dict_in_generate "
        + "output_attentions output_hidden_states output_scores output_past use_cache cache_implementation chunk_size_feed_forward "
        + "attention_dropout hidden_dropout hidden_dropout_prob classifier_dropout initializer_range initializer_factor "
        + "bos_token_id pad_token_id eos_token_id sep_token_id decoder_start_token_id forced_bos_token_id forced_eos_token_id "
        + "tie_encoder_decoder tie_weights_keys pretraining_tp gradient_checkpointing unsloth_version unsloth_fixed use_sliding_window "
        + "vision_config audio_config image_token_index image_token_id boi_token_index boi_token_id eoi_token_index eoi_token_id "
        + "mm_tokens_per_image image_seq_length projection_dim audio_token_id video_token_id boa_token_id boa_token_index eoa_token_id "
        + "eoa_token_index vision_soft_tokens_per_image audio_soft_tokens_per_image "
        + "max_length min_length do_sample early_stopping num_beams num_beam_groups diversity_penalty temperature top_k top_p "
        + "typical_p repetition_penalty length_penalty no_repeat_ngram_size encoder_no_repeat_ngram_size bad_words_ids "
        + "num_return_sequences remove_invalid_values exponential_decay_length_penalty suppress_tokens begin_suppress_tokens prefix";

    private const string OnlyOff =
        "attention_bias mlp_bias use_bidirectional_attention is_encoder_decoder is_decoder add_cross_attention "
        + "cross_attention_hidden_size pruned_heads";

    private const string Bidirectional = "use_bidirectional_attention";

    private static readonly KeyAudit Audit = new(Harmless, OnlyOff, Arithmetic());

    /// <summary>Obeys nothing, but lets nothing pass that would have to be obeyed: see <see cref="KeyAudit"/>.</summary>
    /// <param name="root">The whole file, watched.</param>
    /// <param name="text">Its text part; the same where the file is flat.</param>
    /// <param name="form">The form of that part.</param>
    public static IReadOnlyList<string> Check(JsonSection root, JsonSection text, ConfigForm form)
    {
        if (text.Flag("use_sliding_window") is false)
            throw text.Bad("use_sliding_window", "is false; Gemma has sliding layers");
        // Between the parts of an image alone: text is causal.
        if (form.Family == GemmaFamily.Gemma4 && text.Text(Bidirectional) is { } parts and not "vision")
            throw text.Bad(Bidirectional, $"is '{parts}'; text is run causally here");
        return Audit.Check(root, text);
    }

    /// <summary>Parts of names that in the field's configurations stand for what a network computes.</summary>
    [GeneratedRegex(
        "rope|rotary|theta|freq|scal|window|sliding|cap|norm|head|bias|attn|attention|layer|mlp|ffn|expert|moe|rout|activation|hidden|"
            + "altup|laurel|resid|quant|lora|adapter|embed|softmax|logit|sink|tie|pattern|multiplier|size|factor|position",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex Arithmetic();
}
