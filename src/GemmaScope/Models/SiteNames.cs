using System.Globalization;
using System.Text.RegularExpressions;

namespace GemmaScope.Models;

/// <summary>
/// The site names of three dialects, one row a kind. <c>#</c> stands for the layer. TransformerLens and Hugging Face columns list
/// every accepted spelling, the printed one first; a kind without a counterpart has none. Where TransformerLens applies the causal mask
/// before <c>hook_attn_scores</c>, ours is the unmasked matrix. (METHODS §1.4 no. 6, §2.1, §3.2)
/// </summary>
internal static partial class SiteNames
{
    private sealed record Row(SiteKind Kind, string Short, string[] TransformerLens, string[] HuggingFace);

    private static readonly Row[] Table =
    [
        new(SiteKind.Embed, "embed", ["hook_embed"], ["model.embed_tokens.output"]),
        new(SiteKind.PleToken, "ple_token", [], ["model.embed_tokens_per_layer.output"]),
        new(SiteKind.PleProjectionRaw, "ple_projection_raw", [], ["model.per_layer_projection_norm.input"]),
        new(SiteKind.PleProjection, "ple_projection", [], ["model.per_layer_projection_norm.output"]),
        new(SiteKind.PleInputs, "ple_inputs", [], []),
        new(SiteKind.ResidPre, "resid_pre", ["blocks.#.hook_resid_pre"], ["model.layers.#.input", "model.layers.#.input_layernorm.input"]),
        new(SiteKind.Ln1Normalized, "ln1_normalized", ["blocks.#.ln1.hook_normalized"], []),
        new(
            SiteKind.AttnIn,
            "attn_in",
            [],
            [
                "model.layers.#.input_layernorm.output",
                "model.layers.#.self_attn.input",
                "model.layers.#.self_attn.q_proj.input",
                "model.layers.#.self_attn.k_proj.input",
                "model.layers.#.self_attn.v_proj.input",
            ]
        ),
        new(SiteKind.Q, "q", ["blocks.#.attn.hook_q"], ["model.layers.#.self_attn.q_proj.output"]),
        new(SiteKind.K, "k", ["blocks.#.attn.hook_k"], ["model.layers.#.self_attn.k_proj.output"]),
        new(SiteKind.V, "v", ["blocks.#.attn.hook_v"], ["model.layers.#.self_attn.v_proj.output", "model.layers.#.self_attn.v_norm.input"]),
        new(SiteKind.QNormed, "q_normed", [], ["model.layers.#.self_attn.q_norm.output"]),
        new(SiteKind.KNormed, "k_normed", [], ["model.layers.#.self_attn.k_norm.output"]),
        new(SiteKind.VNormed, "v_normed", [], ["model.layers.#.self_attn.v_norm.output"]),
        new(SiteKind.QRope, "q_rope", ["blocks.#.attn.hook_rot_q"], []),
        new(SiteKind.KRope, "k_rope", ["blocks.#.attn.hook_rot_k"], []),
        new(SiteKind.AttnScoresRaw, "attn_scores_raw", [], []),
        new(SiteKind.AttnScoresSoftcapped, "attn_scores_softcapped", ["blocks.#.attn.hook_attn_scores"], []),
        new(SiteKind.AttnPattern, "attn_pattern", ["blocks.#.attn.hook_pattern"], []),
        new(SiteKind.Z, "z", ["blocks.#.attn.hook_z"], ["model.layers.#.self_attn.o_proj.input"]),
        new(
            SiteKind.AttnOutRaw,
            "attn_out_raw",
            [],
            ["model.layers.#.self_attn.output", "model.layers.#.self_attn.o_proj.output", "model.layers.#.post_attention_layernorm.input"]
        ),
        new(SiteKind.AttnOut, "attn_out", ["blocks.#.hook_attn_out"], ["model.layers.#.post_attention_layernorm.output"]),
        new(SiteKind.ResidMid, "resid_mid", ["blocks.#.hook_resid_mid"], ["model.layers.#.pre_feedforward_layernorm.input"]),
        new(SiteKind.Ln2Normalized, "ln2_normalized", ["blocks.#.ln2.hook_normalized"], []),
        new(
            SiteKind.MlpIn,
            "mlp_in",
            [],
            [
                "model.layers.#.pre_feedforward_layernorm.output",
                "model.layers.#.mlp.input",
                "model.layers.#.mlp.gate_proj.input",
                "model.layers.#.mlp.up_proj.input",
            ]
        ),
        new(SiteKind.MlpGatePre, "mlp_gate_pre", ["blocks.#.mlp.hook_pre"], ["model.layers.#.mlp.gate_proj.output"]),
        new(SiteKind.MlpUp, "mlp_up", ["blocks.#.mlp.hook_pre_linear"], ["model.layers.#.mlp.up_proj.output"]),
        new(SiteKind.MlpActProduct, "mlp_act_product", ["blocks.#.mlp.hook_post"], ["model.layers.#.mlp.down_proj.input"]),
        new(
            SiteKind.MlpOutRaw,
            "mlp_out_raw",
            [],
            ["model.layers.#.mlp.output", "model.layers.#.mlp.down_proj.output", "model.layers.#.post_feedforward_layernorm.input"]
        ),
        new(SiteKind.DenseOut, "dense_out", [], ["model.layers.#.post_feedforward_layernorm_1.output"]),
        new(SiteKind.RouterIn, "router_in", [], ["model.layers.#.router.proj.input"]),
        new(SiteKind.RouterLogits, "router_logits", [], ["model.layers.#.router.proj.output"]),
        new(SiteKind.RouterProbs, "router_probs", [], []),
        new(SiteKind.RouterTopK, "router_top_k", ["blocks.#.mlp.hook_expert_indices"], []),
        new(SiteKind.RouterWeights, "router_weights", ["blocks.#.mlp.hook_expert_weights"], []),
        new(SiteKind.ExpertsIn, "experts_in", [], ["model.layers.#.pre_feedforward_layernorm_2.output", "model.layers.#.experts.input"]),
        new(SiteKind.ExpertGatePre, "expert_gate_pre", [], []),
        new(SiteKind.ExpertUp, "expert_up", [], []),
        new(SiteKind.ExpertActProduct, "expert_act_product", [], []),
        new(SiteKind.ExpertOut, "expert_out", [], []),
        new(
            SiteKind.ExpertsOutRaw,
            "experts_out_raw",
            [],
            ["model.layers.#.experts.output", "model.layers.#.post_feedforward_layernorm_2.input"]
        ),
        new(SiteKind.ExpertsOut, "experts_out", [], ["model.layers.#.post_feedforward_layernorm_2.output"]),
        new(SiteKind.FfnCombined, "ffn_combined", [], []),
        new(SiteKind.MlpOut, "mlp_out", ["blocks.#.hook_mlp_out"], ["model.layers.#.post_feedforward_layernorm.output"]),
        new(SiteKind.ResidAfterMlp, "resid_after_mlp", [], ["model.layers.#.per_layer_input_gate.input"]),
        new(SiteKind.PleGatePre, "ple_gate_pre", [], ["model.layers.#.per_layer_input_gate.output"]),
        new(SiteKind.PleActProduct, "ple_act_product", [], ["model.layers.#.per_layer_projection.input"]),
        new(
            SiteKind.PleOutRaw,
            "ple_out_raw",
            [],
            ["model.layers.#.per_layer_projection.output", "model.layers.#.post_per_layer_input_norm.input"]
        ),
        new(SiteKind.PleOut, "ple_out", [], ["model.layers.#.post_per_layer_input_norm.output"]),
        new(SiteKind.ResidBeforeScalar, "resid_before_scalar", [], []),
        new(SiteKind.ResidPost, "resid_post", ["blocks.#.hook_resid_post"], ["model.layers.#.output"]),
        new(SiteKind.LnFinalNormalized, "ln_final_normalized", ["ln_final.hook_normalized"], []),
        new(SiteKind.FinalNormOut, "final_norm_out", [], ["model.norm.output", "lm_head.input"]),
        new(SiteKind.LogitsRaw, "logits_raw", [], ["lm_head.output"]),
        new(SiteKind.Logits, "logits", [], []),
    ];

    private static readonly Dictionary<string, SiteKind> Kinds = MakeKinds();

    public static IEnumerable<string> ShortNames => Table.Select(row => row.Short);

    public static string Short(Site site) =>
        site.Layer is int layer ? $"{Table[(int)site.Kind].Short}.{layer}" : Table[(int)site.Kind].Short;

    public static string? TransformerLens(Site site) => Fill(Table[(int)site.Kind].TransformerLens, site);

    public static string? HuggingFace(Site site) => Fill(Table[(int)site.Kind].HuggingFace, site);

    public static bool TryParse(string text, out Site site)
    {
        site = default;
        var name = text.Trim();
        // Hugging Face's modules, whatever the checkpoint is wrapped in; sparsify leaves the prefix out.
        if (ModulePrefix().Match(name) is { Success: true } prefix)
            name = "model." + name[prefix.Length..];

        // Exactly one number may stand between dots: the layer.
        var layer = -1;
        if (LayerNumber().Match(name) is { Success: true } number)
        {
            if (!int.TryParse(number.ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out layer))
                return false;
            name = string.Concat(name.AsSpan(0, number.Index), "#", name.AsSpan(number.Index + number.Length));
        }
        // A module alone stands for what it gives out, as for whoever hooks it.
        if (!Kinds.TryGetValue(name, out var kind) && !(IsModule(name) && Kinds.TryGetValue(name + ".output", out kind)))
            return false;
        if (Site.IsGlobal(kind) != layer < 0)
            return false;
        site = new Site(kind, Math.Max(layer, 0));
        return true;
    }

    private static bool IsModule(string name) => name.StartsWith("model.", StringComparison.Ordinal) || name == "lm_head";

    private static string? Fill(string[] names, Site site) =>
        names.Length == 0 ? null : names[0].Replace("#", site.Layer?.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);

    private static Dictionary<string, SiteKind> MakeKinds()
    {
        var kinds = new Dictionary<string, SiteKind>(StringComparer.Ordinal);
        foreach (var row in Table)
        {
            if (Table[(int)row.Kind] != row)
                throw new InvalidOperationException("the table of site names is out of order");
            var own = Site.IsGlobal(row.Kind) ? row.Short : row.Short + ".#";
            foreach (var name in (string[])[own, .. row.TransformerLens, .. row.HuggingFace])
                kinds.Add(name, row.Kind);
        }
        return kinds;
    }

    [GeneratedRegex(
        @"^(_orig_mod\.|base_model\.model\.|language_model\.|model\.)*(?=(layers|embed_tokens|norm|embed_tokens_per_layer|per_layer_projection_norm)(\.|$))"
    )]
    private static partial Regex ModulePrefix();

    [GeneratedRegex(@"(?<=\.)\d+(?=\.|$)")]
    private static partial Regex LayerNumber();
}
