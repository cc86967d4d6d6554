using GemmaScope.Files;
using GemmaScope.Verification;
using Xunit;

namespace GemmaScope.Tests.Models;

[Trait("Category", "Golden")]
public class HostGoldenTests
{
    public static TheoryData<string> Folders() =>
        [.. Directory.GetDirectories(Fixtures.Path("host")).Select(f => Path.GetFileName(f)!).Order()];

    [Theory]
    [MemberData(nameof(Folders))]
    public void every_site_logit_generation_and_edit_matches_the_reference(string folder)
    {
        var checks = new HostVerifier().Verify(Fixtures.Path("host", folder), VerifyOptions.Default).ToList();
        Assert.NotEmpty(checks);
        Assert.All(checks, check => Assert.True(check.Outcome == Outcome.Passed, check.ToString()));
    }

    [Fact]
    public void a_multimodal_model_under_its_older_names_with_the_settings_that_are_left_out_matches_too()
    {
        using var folder = new TemporaryFolder();
        var newer = Fixtures.Path("host", "gemma3-multimodal-v5-prefix");
        foreach (var file in (string[])["expected.json", "expected.safetensors", "generation_config.json"])
            File.Copy(Path.Combine(newer, file), folder.File(file));
        using (var shards = ShardedSafetensors.Open(newer))
            SafetensorsWriter.Write(
                folder.File("model.safetensors"),
                shards.Names.Select(name =>
                    KeyValuePair.Create(
                        name.Replace("model.language_model.", "language_model.model.")
                            .Replace("model.vision_tower.", "vision_tower.")
                            .Replace("model.multi_modal_projector.", "multi_modal_projector."),
                        shards[name]
                    )
                )
            );
        File.WriteAllText(
            folder.File("config.json"),
            """
            {
              "architectures": ["Gemma3ForConditionalGeneration"], "eos_token_id": [1, 106], "model_type": "gemma3", "torch_dtype": "bfloat16", "mm_tokens_per_image": 4,
              "boi_token_index": 254, "eoi_token_index": 255, "image_token_index": 256,
              "text_config": {
                "hidden_size": 40, "intermediate_size": 96, "num_hidden_layers": 7, "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 16, "vocab_size": 320,
                "sliding_window": 8, "query_pre_attn_scalar": 24, "model_type": "gemma3_text", "rope_scaling": { "factor": 8.0, "rope_type": "linear" }
              },
              "vision_config": { "hidden_size": 16, "model_type": "siglip_vision_model", "num_hidden_layers": 1 }
            }
            """
        );
        var checks = new HostVerifier().Verify(folder.Path, VerifyOptions.Default).ToList();
        Assert.Contains(checks, check => check.Name.Contains("logits", StringComparison.Ordinal));
        Assert.All(checks, check => Assert.True(check.Outcome == Outcome.Passed, check.ToString()));
    }
}
