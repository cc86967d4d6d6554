using System.Text.Json.Nodes;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Models;

/// <summary>Whatever a config.json says is obeyed, harmless or refused by name; nothing that may change a number is dropped in silence.</summary>
public class ConfigKeysTests
{
    private const string Two = "gemma2-f32-smallcaps",
        Three = "gemma3-text",
        Multimodal = "gemma3-multimodal-v5-prefix";

    /// <summary>All configurations of real forms that lie in the repository.</summary>
    public static TheoryData<string> Configurations() =>
        [
            .. new[] { Fixtures.Path("host"), Fixtures.Path("shieldgemma"), Path.Combine(Fixtures.Repository, "models") }
                .Where(Directory.Exists)
                .SelectMany(folder => Directory.EnumerateFiles(folder, "config*.json", SearchOption.AllDirectories))
                .Where(file => JsonFile.Read(file) is var config && (config.Has("model_type") || config.Has("text_config")))
                .Order(StringComparer.Ordinal),
        ];

    [Theory]
    [MemberData(nameof(Configurations))]
    public void every_key_of_a_real_configuration_is_read_or_known_to_be_harmless(string file) =>
        Assert.Empty(GemmaConfig.Load(Path.GetDirectoryName(file)!, file).Warnings);

    [Theory]
    // Another key than the one that is read.
    [InlineData(Two, "rope_local_base_freq", "10000.0", "rope_local_base_freq")]
    [InlineData(Two, "rope_theta_local", "50000.0", "rope_theta_local")]
    [InlineData(Two, "attention_multiplier", "0.5", "attention_multiplier")]
    [InlineData(Two, "sliding_window_size", "7", "sliding_window_size")]
    [InlineData(Two, "sliding_window_pattern", "3", "sliding_window_pattern")]
    [InlineData(Two, "query_pre_attn_scalar", "null", "query_pre_attn_scalar")]
    [InlineData(Two, "sliding_window", "null", "sliding_window")]
    [InlineData(Two, "num_key_value_heads", "null", "num_key_value_heads")]
    [InlineData(Two, "rms_norm_eps", "null", "rms_norm_eps")]
    [InlineData(Two, "use_sliding_window", "false", "use_sliding_window")]
    [InlineData(Two, "tie_word_embeddings", "false", "tie_word_embeddings")]
    [InlineData(Two, "mlp_bias", "true", "mlp_bias")]
    [InlineData(Two, "is_decoder", "true", "is_decoder")]
    [InlineData(Two, "pruned_heads", "{\"0\": [1]}", "pruned_heads")]
    [InlineData(Two, "quantization_config", "{\"quant_method\": \"gptq\", \"bits\": 4}", "gptq")]
    [InlineData(Two, "architectures", "[\"PaliGemmaForConditionalGeneration\"]", "PaliGemma")]
    [InlineData(Three, "num_hidden_layers", "6", "layers.6.")]
    [InlineData(Three, "sliding_window", "null", "sliding_window")]
    [InlineData(Three, "num_experts", "8", "num_experts")]
    // RoPE in spellings that say something else than what is computed.
    [InlineData(Two, "rope_scaling", "{\"rope_type\": \"linear\"}", "factor")]
    [InlineData(Two, "rope_scaling", "{\"factor\": 8.0}", "rope_type")]
    [InlineData(Two, "rope_scaling", "{\"rope_type\": \"default\", \"factor\": 8.0}", "factor")]
    [InlineData(Two, "rope_scaling", "{\"rope_type\": \"linear\", \"type\": \"default\", \"factor\": 8.0}", "rope_type")]
    [InlineData(Two, "rope_scaling", "{\"rope_type\": \"linear\", \"factor\": 8.0, \"rope_theta\": 5000.0}", "rope_theta")]
    [InlineData(Two, "rope_scaling", "{\"rope_type\": \"linear\", \"factor\": 8.0, \"attention_factor\": 2.0}", "attention_factor")]
    [InlineData(Two, "rope_scaling", "{\"rope_type\": \"yarn\", \"factor\": 8.0}", "yarn")]
    [InlineData(Two, "rope_parameters", "{\"rope_type\": \"default\", \"rope_theta\": 5000.0}", "rope_theta")]
    [InlineData(Two, "rope_parameters", "{\"sliding_attention\": {\"rope_type\": \"default\"}}", "sliding_attention")]
    [InlineData(Two, "rope_parameters", "{\"rope_type\": \"default\", \"partial_rotary_factor\": 0.5}", "partial_rotary_factor")]
    [InlineData(Three, "rope_parameters", "{\"rope_type\": \"linear\", \"factor\": 8.0, \"rope_theta\": 1000000.0}", "rope_parameters")]
    [InlineData(Three, "rope_parameters", "{\"full_attention\": {\"rope_type\": \"default\", \"rope_theta\": 5.0}}", "rope_theta")]
    public void a_setting_that_is_not_computed_is_refused_by_name(string fixture, string key, string value, string named) =>
        Assert.Contains(named, Refusal(fixture, config => config[key] = JsonNode.Parse(value)), StringComparison.Ordinal);

    [Fact]
    public void the_older_name_of_the_activation_counts_where_the_newer_is_absent() =>
        Assert.Contains(
            "hidden_act",
            Refusal(
                Two,
                config =>
                {
                    config.Remove("hidden_activation");
                    config["hidden_act"] = "silu";
                }
            ),
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData("model_type", "\"shieldgemma2\"", "model_type")]
    [InlineData("model_type", "\"paligemma\"", "model_type")]
    [InlineData("model_type", "\"gemma3n\"", "model_type")]
    [InlineData("architectures", "[\"ShieldGemma2ForImageClassification\"]", "ShieldGemma2")]
    [InlineData("sliding_window", "3", "sliding_window")]
    [InlineData("final_logit_softcapping", "20.0", "final_logit_softcapping")]
    [InlineData("rope_scaling", "{\"rope_type\": \"linear\", \"factor\": 4.0}", "rope_scaling")]
    public void what_stands_around_a_text_part_and_changes_it_is_refused(string key, string value, string named) =>
        Assert.Contains(named, Refusal(Multimodal, config => config[key] = JsonNode.Parse(value)), StringComparison.Ordinal);

    [Fact]
    public void a_text_part_may_lie_in_a_file_that_names_no_outer_model() =>
        Assert.Equal(GemmaFamily.Gemma3, Loaded(Multimodal, config => config.Remove("model_type")).Family);

    [Fact]
    public void a_key_that_nobody_knows_and_that_does_not_look_like_arithmetic_is_told() =>
        Assert.Contains("'my_note'", Assert.Single(Loaded(Two, config => config["my_note"] = "hello").Warnings), StringComparison.Ordinal);

    [Fact]
    public void the_two_spellings_of_a_linear_scaling_are_the_same_angles()
    {
        var older = Loaded(Three, config => config["rope_scaling"] = JsonNode.Parse("{\"type\": \"linear\", \"factor\": 8.0}"));
        var newer = Loaded(
            Three,
            config =>
            {
                config.Remove("rope_scaling");
                config["rope_parameters"] = JsonNode.Parse(
                    "{\"full_attention\": {\"rope_type\": \"linear\", \"factor\": 8.0}, \"sliding_attention\": {\"rope_type\": \"default\"}}"
                );
            }
        );
        Assert.Equal(new RopeSettings(1_000_000, 8), older.GlobalRope);
        Assert.Equal((older.GlobalRope, older.LocalRope), (newer.GlobalRope, newer.LocalRope));
    }

    [Fact]
    public void a_byte_order_mark_in_front_of_the_settings_means_nothing()
    {
        using var folder = new ModelFolder(Two);
        var file = Path.Combine(folder.Path, "config.json");
        File.WriteAllBytes(file, [0xEF, 0xBB, 0xBF, .. File.ReadAllBytes(file)]);
        Assert.Equal(GemmaFamily.Gemma2, GemmaConfig.Load(folder.Path).Family);
    }

    [Theory]
    [InlineData("lm_head.weight")]
    [InlineData("model.lm_head.weight")]
    [InlineData("language_model.lm_head.weight")]
    [InlineData("model.language_model.lm_head.weight")]
    [InlineData("_orig_mod.lm_head.weight")]
    [InlineData("base_model.model.lm_head.weight")]
    public void a_head_of_its_own_is_refused_whatever_its_prefix(string name)
    {
        using var other = Tensor.Zeros(320, 48);
        using var folder = new ModelFolder(Two).Weights(tensors => tensors[name] = other);
        Assert.Contains(name, Assert.Throws<FileFormatException>(() => GemmaModel.Load(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("_orig_mod.model.")]
    [InlineData("base_model.model.model.")]
    [InlineData("language_model.model.")]
    [InlineData("model.language_model.")]
    public void a_checkpoint_is_read_under_every_prefix_that_programs_write(string prefix)
    {
        int[] prompt = [2, 7, 11];
        using var original = new ModelFolder(Two);
        using var renamed = new ModelFolder(Two).Weights(tensors =>
        {
            foreach (var (name, tensor) in tensors.ToList())
            {
                tensors.Remove(name);
                tensors[prefix + name["model.".Length..]] = tensor;
            }
        });
        Assert.Equal(Logits(original), Logits(renamed));

        float[] Logits(ModelFolder folder)
        {
            using var model = GemmaModel.Load(folder.Path);
            using var run = model.Run(prompt, logits: LogitRows.All);
            return run.Logits!.AsSpan().ToArray();
        }
    }

    [Theory]
    [InlineData("model.layers.1.self_attn.q_proj.bias", "q_proj.bias")]
    [InlineData("model.layers.1.self_attn.q_norm.weight", "q_norm.weight")]
    [InlineData("model.layers.0.self_attn.q_proj.lora_A.weight", "LoRA")]
    [InlineData("model.layers.0.self_attn.q_proj.qweight", "GPTQ")]
    [InlineData("model.layers.0.self_attn.q_proj.weight.absmax", "bitsandbytes")]
    [InlineData("model.layers.0.self_attn.q_proj.weight_scale_inv", "fp8")]
    public void a_tensor_of_a_layer_that_would_be_left_out_is_named(string name, string named)
    {
        using var more = Tensor.Zeros(4, 4);
        using var folder = new ModelFolder(Two).Weights(tensors => tensors[name] = more);
        Assert.Contains(named, Assert.Throws<FileFormatException>(() => GemmaModel.Load(folder.Path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 135\n", "git lfs pull")]
    [InlineData("<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>", "web page")]
    [InlineData("\n <html lang=\"en\">", "web page")]
    public void what_stands_in_for_weights_or_settings_is_named(string text, string named)
    {
        using var folder = new ModelFolder(Two);
        foreach (var name in (string[])["model.safetensors", "config.json"])
        {
            File.WriteAllText(Path.Combine(folder.Path, name), text);
            var error = Assert.Throws<FileFormatException>(() => GemmaModel.Load(folder.Path));
            Assert.Contains(named, error.Message, StringComparison.Ordinal);
            Assert.EndsWith(name, error.Location, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("adapter_config.json", "{\"base_model_name_or_path\": \"google/gemma-2-2b-it\"}", "a LoRA adapter of google/gemma-2-2b-it")]
    [InlineData("model-Q4_K_M.gguf", "GGUF", "cut off")]
    [InlineData("pytorch_model.bin", "x", "pickle")]
    public void a_folder_of_another_form_is_named(string file, string content, string named)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(Path.Combine(folder.Path, file), content);
        Assert.Contains(named, Assert.Throws<FileFormatException>(() => GemmaModel.Load(folder.Path)).Message, StringComparison.Ordinal);
    }

    private static GemmaConfig Loaded(string fixture, Action<JsonObject> change)
    {
        using var folder = Changed(fixture, change);
        return GemmaConfig.Load(folder.Path);
    }

    private static string Refusal(string fixture, Action<JsonObject> change)
    {
        using var folder = Changed(fixture, change);
        var error = Assert.Throws<FileFormatException>(() => GemmaModel.Load(folder.Path));
        Assert.StartsWith(folder.Path, error.Location);
        return error.Message;
    }

    private static ModelFolder Changed(string fixture, Action<JsonObject> change)
    {
        var folder = new ModelFolder(fixture);
        var file = Path.Combine(folder.Path, "config.json");
        var config = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
        change(config);
        File.WriteAllText(file, config.ToJsonString());
        return folder;
    }
}
