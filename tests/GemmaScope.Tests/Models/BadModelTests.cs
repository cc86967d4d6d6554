using GemmaScope.Models;
using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Models;

public class BadModelTests
{
    private static string Refusal(ModelFolder folder)
    {
        using (folder)
        {
            var error = Assert.Throws<FileFormatException>(() => GemmaModel.Load(folder.Path));
            Assert.StartsWith(folder.Path, error.Location);
            return error.Message;
        }
    }

    [Theory]
    [InlineData("\"gemma2\"", "\"llama\"", "model_type")]
    [InlineData("\"num_attention_heads\": 4", "\"num_attention_heads\": 3", "num_attention_heads")]
    [InlineData("\"num_attention_heads\": 4", "\"num_attention_heads\": \"four\"", "num_attention_heads")]
    [InlineData("\"hidden_size\": 48", "\"hidden_size\": -48", "hidden_size")]
    [InlineData("\"hidden_size\": 48", "\"hidden_size\": 50", "embed_tokens.weight")]
    [InlineData("\"vocab_size\": 320", "\"vocab_size\": 321", "[321, 48]")]
    [InlineData("\"head_dim\": 16", "\"head_dim\": 15", "head_dim")]
    [InlineData("\"num_hidden_layers\": 4", "\"num_hidden_layers\": 5", "layers.4.")]
    [InlineData("\"hidden_activation\": \"gelu_pytorch_tanh\"", "\"hidden_activation\": \"silu\"", "silu")]
    [InlineData("\"attention_bias\": false", "\"attention_bias\": true", "attention_bias")]
    [InlineData("\"rope_theta\": 10000.0", "\"rope_theta\": 0", "rope_theta")]
    [InlineData("\"rope_theta\": 10000.0", "\"rope_scaling\": {\"rope_type\": \"yarn\"}", "yarn")]
    public void a_config_that_cannot_be_run_names_its_key(string from, string to, string named) =>
        Assert.Contains(named, Refusal(new ModelFolder("gemma2-f32-smallcaps").Config(from, to)), StringComparison.Ordinal);

    [Fact]
    public void a_missing_tensor_is_named() =>
        Assert.Contains(
            "model.layers.2.mlp.up_proj.weight",
            Refusal(new ModelFolder("gemma2-f32-smallcaps").Weights(t => t.Remove("model.layers.2.mlp.up_proj.weight"))),
            StringComparison.Ordinal
        );

    [Fact]
    public void weights_without_an_embedding_say_which_names_were_tried() =>
        Assert.Contains(
            "model.language_model.",
            Refusal(new ModelFolder("gemma2-f32-smallcaps").Weights(t => t.Remove("model.embed_tokens.weight"))),
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void a_weight_that_is_not_finite_names_its_tensor(float value)
    {
        using var bad = Tensor.Zeros(48, 112);
        bad.Row(7)[3] = value;
        Assert.Contains(
            "model.layers.1.mlp.down_proj.weight",
            Refusal(new ModelFolder("gemma2-f32-smallcaps").Weights(t => t["model.layers.1.mlp.down_proj.weight"] = bad)),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void a_head_that_is_not_tied_is_refused()
    {
        using var other = Tensor.Zeros(320, 48);
        Assert.Contains(
            "lm_head.weight",
            Refusal(new ModelFolder("gemma2-f32-smallcaps").Weights(t => t["lm_head.weight"] = other)),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void a_missing_folder_and_missing_weights_say_what_is_needed()
    {
        Assert.Contains(
            "no such folder",
            Assert.Throws<ArgumentProblemException>(() => GemmaModel.Load("/does/not/exist")).Message,
            StringComparison.Ordinal
        );
        using var folder = new ModelFolder("gemma2-f32-smallcaps");
        File.Delete(Path.Combine(folder.Path, "model.safetensors"));
        Assert.Contains(
            "model.safetensors",
            Assert.Throws<FileFormatException>(() => GemmaModel.Load(folder.Path)).Message,
            StringComparison.Ordinal
        );
    }
}
