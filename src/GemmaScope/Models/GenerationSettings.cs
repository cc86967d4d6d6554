using System.Collections.Frozen;
using System.Text.Json;
using GemmaScope.Files;

namespace GemmaScope.Models;

/// <summary>What <c>generation_config.json</c> asks for beside the ids that end a text, which the model's configuration reads.</summary>
internal static class GenerationSettings
{
    /// <summary>Settings that say nothing of which tokens are chosen, or what options of each generation say here.</summary>
    public static FrozenSet<string> Harmless { get; } =
        FrozenSet.Create(
            // Read with the configuration.
            "bos_token_id",
            "eos_token_id",
            "pad_token_id",
            // Options of a generation, with defaults of their own.
            "do_sample",
            "temperature",
            "top_k",
            "top_p",
            "min_p",
            "max_length",
            "max_new_tokens",
            "max_time",
            "num_return_sequences",
            // How it is computed and what is given back.
            "_from_model_config",
            "transformers_version",
            "cache_implementation",
            "cache_config",
            "use_cache",
            "output_attentions",
            "output_hidden_states",
            "output_scores",
            "output_logits",
            "return_dict_in_generate",
            "disable_compile",
            "compile_config",
            "prefill_chunk_size",
            "trust_remote_code",
            "return_legacy_cache",
            "token_healing"
        );

    /// <summary>Settings that choose other tokens, with the values that change nothing.</summary>
    public static FrozenDictionary<string, string[]> Neutral { get; } =
        new Dictionary<string, string[]>
        {
            ["repetition_penalty"] = ["1", "1.0"],
            ["encoder_repetition_penalty"] = ["1", "1.0"],
            ["length_penalty"] = ["1", "1.0"],
            ["diversity_penalty"] = ["0", "0.0"],
            ["typical_p"] = ["1", "1.0"],
            ["epsilon_cutoff"] = ["0", "0.0"],
            ["eta_cutoff"] = ["0", "0.0"],
            ["top_h"] = [],
            ["num_beams"] = ["1"],
            ["num_beam_groups"] = ["1"],
            ["early_stopping"] = ["false"],
            ["penalty_alpha"] = ["0", "0.0"],
            ["min_length"] = ["0"],
            ["min_new_tokens"] = ["0"],
            ["no_repeat_ngram_size"] = ["0"],
            ["encoder_no_repeat_ngram_size"] = ["0"],
            ["guidance_scale"] = ["1", "1.0"],
            ["low_memory"] = ["false"],
            ["remove_invalid_values"] = ["false"],
            ["renormalize_logits"] = ["false", "true"],
            ["suppress_tokens"] = ["[]"],
            ["begin_suppress_tokens"] = ["[]"],
            ["bad_words_ids"] = ["[]"],
            ["force_words_ids"] = ["[]"],
            ["constraints"] = ["[]"],
            ["forced_bos_token_id"] = [],
            ["forced_eos_token_id"] = [],
            ["forced_decoder_ids"] = ["[]"],
            ["decoder_start_token_id"] = [],
            ["sequence_bias"] = ["{}", "[]"],
            ["exponential_decay_length_penalty"] = [],
            ["stop_strings"] = ["[]"],
            ["watermarking_config"] = [],
            ["dola_layers"] = [],
            ["prompt_lookup_num_tokens"] = [],
        }.ToFrozenDictionary();

    /// <summary>What is asked for and not done, in one sentence; none if nothing is.</summary>
    /// <exception cref="FileFormatException">The file is damaged.</exception>
    public static IEnumerable<string> Notes(string folder)
    {
        var file = Path.Combine(folder, "generation_config.json");
        if (!File.Exists(file))
            yield break;
        string[] unheeded =
        [
            .. JsonFile
                .Read(file)
                .Element.EnumerateObject()
                .Where(setting => setting.Value.ValueKind != JsonValueKind.Null)
                .Where(setting => Neutral.TryGetValue(setting.Name, out var neutral) && !neutral.Contains(Short(setting.Value)))
                .Select(setting => setting.Name),
        ];
        if (unheeded.Length > 0)
            yield return $"{file} sets {string.Join(", ", unheeded)}, which generations here do not heed.";
    }

    private static string Short(JsonElement value) => string.Concat(value.GetRawText().Where(c => !char.IsWhiteSpace(c)));
}
