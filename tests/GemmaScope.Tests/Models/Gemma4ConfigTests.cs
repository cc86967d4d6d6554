using System.Text.Json.Nodes;
using GemmaScope.Files;
using GemmaScope.Models;
using Xunit;

namespace GemmaScope.Tests.Models;

/// <summary>Gemma 4's config.json in its forms: sizes that differ from layer to layer, defaults, and what is refused.</summary>
public class Gemma4ConfigTests
{
    private const string E = "gemma4-e",
        Experts = "gemma4-moe",
        Multimodal = "gemma4-e-multimodal",
        Unified = "gemma4-unified-prefix";

    /// <summary>What the published E2B says of its text part, as far as it decides about the network.</summary>
    internal static string PublishedE2B { get; } =
        """
            {
              "model_type": "gemma4_text", "hidden_size": 1536, "num_hidden_layers": 35, "num_attention_heads": 8, "num_key_value_heads": 1,
              "head_dim": 256, "global_head_dim": 512, "intermediate_size": 6144, "use_double_wide_mlp": true, "num_kv_shared_layers": 20,
              "sliding_window": 512, "hidden_size_per_layer_input": 256, "final_logit_softcapping": 30.0, "vocab_size": 262144,
              "layer_types": [PATTERN]
            }
            """.Replace(
            "PATTERN",
            string.Join(", ", Enumerable.Range(1, 35).Select(i => i % 5 == 0 ? "\"full_attention\"" : "\"sliding_attention\"")),
            StringComparison.Ordinal
        );

    [Fact]
    public void the_published_e2b_has_layers_that_read_the_keys_of_layers_13_and_14_and_twice_as_wide_mlps()
    {
        var config = Read(PublishedE2B);
        Assert.Equal(new PerLayerShape(262144, 256), config.PerLayer);
        Assert.Equal(15, config.Shapes.Count(shape => shape.KeyValueSource is null));
        Assert.All(
            config.Shapes.Index().Skip(15),
            one => Assert.Equal((one.Item.Sliding ? 13 : 14, 12288), (one.Item.KeyValueSource, one.Item.MlpWidth))
        );
        Assert.All(config.Shapes, shape => Assert.Equal(shape.Sliding ? 256 : 512, shape.HeadSize));
        Assert.Equal((new RopeSettings(10_000, 1), new RopeSettings(1_000_000, 1, 0.25)), (config.LocalRope, config.GlobalRope));
        // 12 sliding layers with 512 tokens each and 3 others with all 1,000, f32 keys and values.
        Assert.Equal((12L * 512 * 256 + 3L * 1000 * 512) * 2 * sizeof(float), config.CacheBytes(1000));
        Assert.False(config.LayersStandAlone);
    }

    [Fact]
    public void keys_that_are_left_out_have_the_defaults_of_the_published_classes()
    {
        var text = Read("{\"model_type\": \"gemma4_text\"}");
        Assert.Equal((2304, 30, 8, 512, 262144, 131072), Sizes(text));
        Assert.Equal(new PerLayerShape(262144, 256), text.PerLayer);
        Assert.Null(text.FinalCap);
        Assert.Equal(5, text.Shapes.Count(shape => !shape.Sliding));
        Assert.Equal(
            new LayerShape
            {
                Sliding = true,
                HeadSize = 256,
                KeyValueHeads = 4,
                MlpWidth = 9216,
            },
            text.Shapes[0]
        );
        var unified = Read("{\"model_type\": \"gemma4_unified\", \"text_config\": {}}");
        Assert.Equal((2304, 30, 8, 1024, 262144, 262144), Sizes(unified));
        Assert.Null(unified.PerLayer);

        static (int, int, int, int, int, int) Sizes(GemmaConfig config) =>
            (config.Width, config.Layers, config.Heads, config.Window, config.VocabularyRows, config.MaxPositions);
    }

    [Fact]
    public void the_last_layer_sees_all_whatever_the_file_says() =>
        Assert.Equal(
            [true, true, false],
            Read(
                "{\"model_type\": \"gemma4_text\", \"num_hidden_layers\": 3, "
                    + "\"layer_types\": [\"sliding_attention\", \"sliding_attention\", \"sliding_attention\"]}"
            )
                .Shapes.Select(shape => shape.Sliding)
        );

    [Theory]
    [InlineData(Experts, "num_global_key_value_heads", "null", "num_global_key_value_heads")]
    [InlineData(Experts, "num_global_key_value_heads", "3", "num_global_key_value_heads")]
    [InlineData(Experts, "num_experts", "null", "num_experts")]
    [InlineData(Experts, "top_k_experts", "7", "top_k_experts")]
    [InlineData(Experts, "moe_intermediate_size", "0", "moe_intermediate_size")]
    [InlineData(Experts, "enable_moe_block", "false", "experts")]
    [InlineData(E, "num_kv_shared_layers", "8", "num_kv_shared_layers")]
    [InlineData(E, "num_kv_shared_layers", "7", "num_kv_shared_layers")]
    [InlineData(E, "num_kv_shared_layers", "-1", "num_kv_shared_layers")]
    [InlineData(E, "num_kv_shared_layers", "0", "layers.5.")]
    [InlineData(E, "use_double_wide_mlp", "false", "[48, 38]")]
    [InlineData(E, "global_head_dim", "21", "head_dim")]
    [InlineData(E, "global_head_dim", "10", "[10]")]
    [InlineData(E, "hidden_size_per_layer_input", "0", "per_layer")]
    [InlineData(E, "hidden_size_per_layer_input", "-3", "hidden_size_per_layer_input")]
    [InlineData(E, "vocab_size_per_layer_input", "100", "vocab_size_per_layer_input")]
    [InlineData(E, "use_bidirectional_attention", "\"all\"", "use_bidirectional_attention")]
    [InlineData(E, "query_pre_attn_scalar", "256", "query_pre_attn_scalar")]
    [InlineData(E, "attn_logit_softcapping", "50.0", "attn_logit_softcapping")]
    [InlineData(E, "architectures", "[\"Gemma3ForCausalLM\"]", "mixes")]
    [InlineData(E, "architectures", "[\"Gemma4AssistantForCausalLM\"]", "Assistant")]
    [InlineData(E, "model_type", "\"gemma4_assistant\"", "model_type")]
    [InlineData(E, "model_type", "\"gemma3_text\"", "Gemma4ForCausalLM")]
    [InlineData(E, "rope_parameters", "{\"full_attention\": {\"rope_type\": \"default\"}}", "proportional")]
    [InlineData(E, "rope_parameters", "{\"full_attention\": {\"rope_type\": \"linear\", \"factor\": 8.0}}", "proportional")]
    [InlineData(E, "rope_parameters", "{\"full_attention\": {\"rope_type\": \"proportional\", \"partial_rotary_factor\": 1.5}}", "1.5")]
    [InlineData(E, "rope_parameters", "{\"sliding_attention\": {\"rope_type\": \"proportional\"}}", "proportional")]
    [InlineData(E, "rope_parameters", "{\"sliding_attention\": {\"rope_type\": \"default\", \"partial_rotary_factor\": 0.5}}", "0.5")]
    [InlineData(Multimodal, "model_type", "\"gemma3\"", "inside a gemma3")]
    [InlineData(Unified, "model_type", "\"gemma4\"", "inside a gemma4")]
    public void a_setting_that_does_not_fit_is_refused_by_name(string fixture, string key, string value, string named)
    {
        using var folder = Changed(fixture, config => config[key] = JsonNode.Parse(value));
        var error = Assert.Throws<FileFormatException>(() => GemmaModel.Load(folder.Path));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    /// <summary>A file that lies about anything is read as something, or refused with its name; never does a reader fall over it.</summary>
    [Theory]
    [InlineData(E)]
    [InlineData(Experts)]
    [InlineData(Multimodal)]
    public void any_value_of_any_key_is_read_or_refused(string fixture)
    {
        var file = Fixtures.Path("host", fixture, "config.json");
        using var folder = new TemporaryFolder();
        var refused = 0;
        foreach (var key in Text(JsonNode.Parse(File.ReadAllText(file))!).Select(pair => pair.Key).ToArray())
        foreach (
            var value in (string[])["null", "-1", "0", "1", "7", "2147483647", "1e300", "0.3", "true", "false", "\"x\"", "[]", "[1]", "{}"]
        )
        {
            var config = JsonNode.Parse(File.ReadAllText(file))!;
            Text(config)[key] = JsonNode.Parse(value);
            File.WriteAllText(folder.File("config.json"), config.ToJsonString());
            try
            {
                var read = GemmaConfig.Load(folder.Path);
                Assert.All(read.Sites(), site => Assert.True(read.Has(site)));
            }
            catch (FileFormatException problem)
            {
                Assert.NotEmpty(problem.Message);
                refused++;
            }
        }
        Assert.True(refused > 100);
    }

    private static JsonObject Text(JsonNode config) => (config["text_config"] ?? config).AsObject();

    private static GemmaConfig Read(string config)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("config.json"), config);
        return GemmaConfig.Load(folder.Path);
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
