using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Tests.Models;

/// <summary>A model of a GGUF file as a folder of safetensors: the same numbers in F32 under the published names.</summary>
internal static class WidenedModel
{
    private static readonly (string Stored, string Published)[] Names =
    [
        ("token_embd", "embed_tokens"),
        ("output_norm", "norm"),
        ("attn_norm", "input_layernorm"),
        ("attn_q_norm", "self_attn.q_norm"),
        ("attn_k_norm", "self_attn.k_norm"),
        ("attn_q", "self_attn.q_proj"),
        ("attn_k", "self_attn.k_proj"),
        ("attn_v", "self_attn.v_proj"),
        ("attn_output", "self_attn.o_proj"),
        ("post_attention_norm", "post_attention_layernorm"),
        ("ffn_norm", "pre_feedforward_layernorm"),
        ("ffn_gate", "mlp.gate_proj"),
        ("ffn_up", "mlp.up_proj"),
        ("ffn_down", "mlp.down_proj"),
        ("post_ffw_norm", "post_feedforward_layernorm"),
    ];

    public static void Write(string path, GemmaConfig config, string folder)
    {
        using var file = GgufFile.Open(Directory.GetFiles(path, "*.gguf").Order(StringComparer.Ordinal).First());
        var tensors = new Dictionary<string, Tensor>();
        foreach (var name in file.Names)
        {
            var wide = file[name].ToF32();
            if (wide.Shape.Length == 1)
                foreach (ref var gain in wide.AsSpan())
                    gain -= 1;
            tensors["model." + Published(name)] = wide;
        }
        SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), tensors);
        foreach (var tensor in tensors.Values)
            tensor.Dispose();
        File.WriteAllText(Path.Combine(folder, "config.json"), Settings(config).ToJsonString());
    }

    private static string Published(string name)
    {
        var match = Regex.Match(name, @"^(?:blk\.(\d+)\.)?(.+)\.weight$");
        var published = Names.First(pair => pair.Stored == match.Groups[2].Value).Published + ".weight";
        return match.Groups[1].Success ? $"layers.{match.Groups[1].Value}.{published}" : published;
    }

    private static JsonObject Settings(GemmaConfig config) =>
        new()
        {
            ["model_type"] = config.ModelType,
            ["hidden_size"] = config.Width,
            ["intermediate_size"] = config.Shapes[0].MlpWidth,
            ["num_hidden_layers"] = config.Layers,
            ["num_attention_heads"] = config.Heads,
            ["num_key_value_heads"] = config.Shapes[0].KeyValueHeads,
            ["head_dim"] = config.Shapes[0].HeadSize,
            ["vocab_size"] = config.VocabularyRows,
            ["max_position_embeddings"] = config.MaxPositions,
            ["sliding_window"] = config.Window,
            ["query_pre_attn_scalar"] = config.QueryPreAttentionScalar,
            ["attn_logit_softcapping"] = config.AttentionCap,
            ["final_logit_softcapping"] = config.FinalCap,
            ["rms_norm_eps"] = config.NormEpsilon,
            ["rope_theta"] = config.GlobalRope.Theta,
            ["rope_scaling"] =
                config.GlobalRope.Factor == 1 ? null : new JsonObject { ["rope_type"] = "linear", ["factor"] = config.GlobalRope.Factor },
        };
}
