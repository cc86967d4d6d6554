using System.Text.RegularExpressions;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>The tensors of a model in a GGUF file, which has names of its own and stores the gains of Gemma 2 and 3 with the 1 added.</summary>
internal sealed partial class GgufModel(GgufFile file) : ModelTensors
{
    private const string Head = "output.weight";

    private static readonly Dictionary<string, string> Outer = new(StringComparer.Ordinal)
    {
        ["embed_tokens.weight"] = "token_embd.weight",
        ["norm.weight"] = "output_norm.weight",
        ["embed_tokens_per_layer.weight"] = "per_layer_token_embd.weight",
        ["per_layer_model_projection.weight"] = "per_layer_model_proj.weight",
        ["per_layer_projection_norm.weight"] = "per_layer_proj_norm.weight",
    };

    private static readonly Dictionary<string, string> Inner = new(StringComparer.Ordinal)
    {
        ["input_layernorm.weight"] = "attn_norm.weight",
        ["self_attn.q_proj.weight"] = "attn_q.weight",
        ["self_attn.k_proj.weight"] = "attn_k.weight",
        ["self_attn.v_proj.weight"] = "attn_v.weight",
        ["self_attn.o_proj.weight"] = "attn_output.weight",
        ["self_attn.q_norm.weight"] = "attn_q_norm.weight",
        ["self_attn.k_norm.weight"] = "attn_k_norm.weight",
        ["post_attention_layernorm.weight"] = "post_attention_norm.weight",
        ["pre_feedforward_layernorm.weight"] = "ffn_norm.weight",
        ["mlp.gate_proj.weight"] = "ffn_gate.weight",
        ["mlp.up_proj.weight"] = "ffn_up.weight",
        ["mlp.down_proj.weight"] = "ffn_down.weight",
        ["post_feedforward_layernorm.weight"] = "post_ffw_norm.weight",
        // Gemma 4.
        ["layer_scalar"] = "layer_output_scale.weight",
        ["per_layer_input_gate.weight"] = "inp_gate.weight",
        ["per_layer_projection.weight"] = "proj.weight",
        ["post_per_layer_input_norm.weight"] = "post_norm.weight",
        ["router.proj.weight"] = "ffn_gate_inp.weight",
        ["router.scale"] = "ffn_gate_inp.scale",
        ["router.per_expert_scale"] = "ffn_down_exps.scale",
        ["experts.gate_up_proj"] = "ffn_gate_up_exps.weight",
        ["experts.down_proj"] = "ffn_down_exps.weight",
        ["post_feedforward_layernorm_1.weight"] = "post_ffw_norm_1.weight",
        ["pre_feedforward_layernorm_2.weight"] = "pre_ffw_norm_2.weight",
        ["post_feedforward_layernorm_2.weight"] = "post_ffw_norm_2.weight",
    };

    private readonly HashSet<string> _used = new(StringComparer.Ordinal),
        _ignored = new(StringComparer.Ordinal);

    public override string Path => file.Path;

    public override float GainOffset(GemmaConfig config) => 0;

    public override string Sizes => "its metadata";

    public override IEnumerable<string> Heads => file.Names.Where(name => name == Head);

    public override IEnumerable<string> All => file.Names.Where(_used.Contains);

    /// <summary>The name of a tensor in GGUF files.</summary>
    public static string NameOf(string name)
    {
        if (Outer.TryGetValue(name, out var outer))
            return outer;
        var match = Layer().Match(name);
        return match.Success && Inner.TryGetValue(match.Groups["rest"].Value, out var inner)
            ? $"blk.{match.Groups["layer"].Value}.{inner}"
            : throw new ArgumentException($"GGUF files have no name for {name}");
    }

    public override string Stored(string name)
    {
        var stored = NameOf(name);
        _used.Add(stored);
        return stored;
    }

    public override void Ignore(string name) => _ignored.Add(NameOf(name));

    public override Tensor Get(string stored) => file[stored];

    public override string FileOf(string stored) => file.FileOf(stored);

    public override bool Takes(DType type) => type.IsMatrixType();

    public override void RequireAllUsed(GemmaConfig config)
    {
        foreach (var name in file.Names)
            if (name.StartsWith("blk.", StringComparison.Ordinal) && !_used.Contains(name) && !_ignored.Contains(name))
                throw new FileFormatException(
                    $"the tensor '{name}' is not used: a {config.ModelType} of {config.Layers} layers, as the metadata describes it, has no such "
                        + "weight; the file is of another model, or damaged",
                    file.FileOf(name)
                );
    }

    public override void RequireWhole() => file.RequireWhole();

    public override void Dispose() => file.Dispose();

    [GeneratedRegex(@"^layers\.(?<layer>\d+)\.(?<rest>.+)$")]
    private static partial Regex Layer();
}
