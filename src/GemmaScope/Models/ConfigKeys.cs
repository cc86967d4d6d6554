using System.Text.Json;
using System.Text.RegularExpressions;
using GemmaScope.Files;

namespace GemmaScope.Models;

/// <summary>
/// What is done with the keys of a config.json that describe no shape or constant of the network. Each is obeyed, known to be harmless, or
/// refused by name; nothing that might change a number is dropped in silence.
/// </summary>
internal static partial class ConfigKeys
{
    /// <summary>Of no consequence for what the text part computes: bookkeeping, training, generation, the image part.</summary>
    private static readonly HashSet<string> Harmless = new(
        [
            .. Words(
                "_name_or_path architectures auto_map model_type transformers_version tokenizer_class task_specific_params problem_type"
            ),
            .. Words("torch_dtype dtype use_bfloat16 torchscript _attn_implementation attn_implementation _attn_implementation_autoset"),
            .. Words("_commit_hash custom_pipelines finetuning_task id2label label2id num_labels return_dict return_dict_in_generate"),
            .. Words(
                "output_attentions output_hidden_states output_scores output_past use_cache cache_implementation chunk_size_feed_forward"
            ),
            .. Words("attention_dropout hidden_dropout hidden_dropout_prob classifier_dropout initializer_range initializer_factor"),
            .. Words("bos_token_id pad_token_id eos_token_id sep_token_id decoder_start_token_id forced_bos_token_id forced_eos_token_id"),
            .. Words("tie_encoder_decoder tie_weights_keys pretraining_tp gradient_checkpointing unsloth_version unsloth_fixed"),
            .. Words(
                "vision_config audio_config image_token_index image_token_id boi_token_index boi_token_id eoi_token_index eoi_token_id"
            ),
            .. Words("mm_tokens_per_image image_seq_length projection_dim"),
            .. Words("max_length min_length do_sample early_stopping num_beams num_beam_groups diversity_penalty temperature top_k top_p"),
            .. Words("typical_p repetition_penalty length_penalty no_repeat_ngram_size encoder_no_repeat_ngram_size bad_words_ids"),
            .. Words(
                "num_return_sequences remove_invalid_values exponential_decay_length_penalty suppress_tokens begin_suppress_tokens prefix"
            ),
        ],
        StringComparer.Ordinal
    );

    /// <summary>Of no consequence while they are off; on, they ask for code that is not here.</summary>
    private static readonly HashSet<string> OnlyOff = new(
        Words(
            "attention_bias mlp_bias use_bidirectional_attention is_encoder_decoder is_decoder add_cross_attention cross_attention_hidden_size "
                + "pruned_heads"
        ),
        StringComparer.Ordinal
    );

    private static readonly HashSet<string> OnlyOn = new(Words("use_sliding_window"), StringComparer.Ordinal);

    /// <summary>Goes over what the reader has not asked for.</summary>
    /// <param name="root">The whole file, watched.</param>
    /// <param name="text">Its text part; the same where the file is flat.</param>
    /// <returns>What the user should know: keys nobody knows, whose names do not look like arithmetic.</returns>
    /// <exception cref="FileFormatException">A key asks for something that is not computed here.</exception>
    public static IReadOnlyList<string> Check(JsonSection root, JsonSection text)
    {
        List<string> warnings = [];
        foreach (var (section, key, value) in root.Unread().ToList())
        {
            if (OnlyOff.Contains(key) && !IsOff(value))
                throw section.Bad(key, $"is {Short(value)}; Gemma 2 and 3 have no such thing, and this program does not compute it");
            if (OnlyOn.Contains(key) && value.ValueKind == JsonValueKind.False)
                throw section.Bad(key, "is false; Gemma 2 and 3 have sliding layers");
            if (Harmless.Contains(key) || OnlyOff.Contains(key) || OnlyOn.Contains(key) || IsOff(value))
                continue;
            // Some writers repeat a setting of the text part beside it.
            if (ReferenceEquals(section, root) && !ReferenceEquals(root, text) && text.Element.TryGetProperty(key, out var inner))
            {
                if (JsonElement.DeepEquals(inner, value))
                    continue;
                throw section.Bad(key, $"is {Short(value)} here and {Short(inner)} in text_config; correct one of them");
            }
            if (Arithmetic().IsMatch(key))
                throw section.Bad(
                    key,
                    $"is {Short(value)}, a setting that this program does not know and whose name speaks of arithmetic; "
                        + "remove it if the model computes the same without it"
                );
            warnings.Add(
                $"{section.File}: '{section.FullName(key)}' is not known; if it changes how the model computes, the numbers here are not its own"
            );
        }
        // One empty list for all, so that configurations compare as equal.
        return warnings is [] ? Array.Empty<string>() : warnings;
    }

    private static bool IsOff(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.Null or JsonValueKind.False => true,
            JsonValueKind.Object => !value.EnumerateObject().Any(),
            JsonValueKind.Array => value.GetArrayLength() == 0,
            _ => false,
        };

    private static string Short(JsonElement value) => value.GetRawText() is { Length: <= 60 } text ? text : value.GetRawText()[..60] + " …";

    private static string[] Words(string text) => text.Split(' ');

    /// <summary>Parts of names that in the field's configurations stand for what a network computes.</summary>
    [GeneratedRegex(
        "rope|rotary|theta|freq|scal|window|sliding|cap|norm|head|bias|attn|attention|layer|mlp|ffn|expert|moe|rout|activation|hidden|"
            + "altup|laurel|resid|quant|lora|adapter|embed|softmax|logit|sink|tie|pattern|multiplier|size|factor|position",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex Arithmetic();
}
