using System.Text.Json;
using GemmaScope.Files;

namespace GemmaScope.Models;

/// <summary>
/// Reads the config spellings of METHODS §1.3: flat Gemma 2 and Gemma 3 text files, sparse multimodal files with a
/// <c>text_config</c>, and the newer ones with <c>layer_types</c> and <c>rope_parameters</c>. Absent keys take the family's defaults.
/// </summary>
internal sealed class GemmaConfigReader
{
    private readonly JsonSection _root;
    private readonly JsonSection _text;
    private readonly GemmaFamily _family;

    private GemmaConfigReader(JsonSection root)
    {
        var text = root.Section("text_config");
        (_root, _text) = (root, text ?? root);
        _family = (_text.Text("model_type") ?? (text is null ? "" : "gemma3_text")) switch
        {
            "gemma2" => GemmaFamily.Gemma2,
            "gemma3_text" or "gemma3" => GemmaFamily.Gemma3,
            var type => throw _text.Bad(
                "model_type",
                $"is '{type}'; supported are gemma2, gemma3_text and gemma3 (the text part of Gemma 2 and Gemma 3)"
            ),
        };
    }

    private bool IsGemma3 => _family == GemmaFamily.Gemma3;

    public static GemmaConfig Read(string folder, string file) => new GemmaConfigReader(JsonFile.Read(file)).Build(folder);

    private GemmaConfig Build(string folder)
    {
        var (local, global) = IsGemma3 ? Gemma3Rope() : Gemma2Rope();
        var (layers, rows) = (Size("num_hidden_layers", 26), Size("vocab_size", IsGemma3 ? 262208 : 256000));
        var config = new GemmaConfig
        {
            Family = _family,
            Width = Size("hidden_size", 2304),
            MlpWidth = Size("intermediate_size", 9216),
            Layers = layers,
            Heads = Size("num_attention_heads", 8),
            KeyValueHeads = Size("num_key_value_heads", 4),
            HeadSize = Size("head_dim", 256),
            VocabularyRows = rows,
            RealVocabulary = RealVocabulary(rows),
            MaxPositions = Size("max_position_embeddings", IsGemma3 ? 131072 : 8192),
            Window = Size("sliding_window", 4096),
            QueryPreAttentionScalar = Positive(_text, "query_pre_attn_scalar") ?? 256,
            AttentionCap = Cap("attn_logit_softcapping", 50),
            FinalCap = Cap("final_logit_softcapping", 30),
            NormEpsilon = (float)(Positive(_text, "rms_norm_eps") ?? 1e-6),
            LocalRope = local,
            GlobalRope = global,
            Sliding = LayerKinds(layers),
            BosId = _text.Integer("bos_token_id") ?? 2,
            EosIds = EosIds(folder),
        };
        Check(config);
        return config;
    }

    private void Check(GemmaConfig config)
    {
        if (config.Heads % config.KeyValueHeads != 0)
            throw _text.Bad("num_attention_heads", $"is {config.Heads}, no multiple of num_key_value_heads {config.KeyValueHeads}");
        if (config.HeadSize % 2 != 0)
            throw _text.Bad("head_dim", $"is {config.HeadSize}, an odd number; RoPE turns pairs");
        // hidden_act holds stale values in some published files; hidden_activation is what counts.
        if (_text.Text("hidden_activation") is { } activation and not "gelu_pytorch_tanh")
            throw _text.Bad("hidden_activation", $"is '{activation}'; only gelu_pytorch_tanh is supported");
        if (_text.Flag("attention_bias") is true)
            throw _text.Bad("attention_bias", "is true; Gemma 2 and 3 have no biases");
        if (_text.Flag("use_bidirectional_attention") is true)
            throw _text.Bad("use_bidirectional_attention", "is true; only causal models are supported");
    }

    /// <summary>The id of the image soft token is the first row that is no token (METHODS §1.4 no. 7).</summary>
    private int RealVocabulary(int rows)
    {
        if ((_root.Integer("image_token_index") ?? _root.Integer("image_token_id")) is int image && image > 0 && image < rows)
            return image;
        return IsGemma3 && rows == 262208 ? 262144 : rows;
    }

    private bool[] LayerKinds(int layers)
    {
        if (_text.Texts("layer_types") is not { } kinds)
        {
            // Every n-th layer is global: METHODS §1.1.
            var pattern = IsGemma3 ? Size("sliding_window_pattern", Size("_sliding_window_pattern", 6)) : 2;
            return [.. Enumerable.Range(0, layers).Select(i => (i + 1) % pattern != 0)];
        }
        if (kinds.Count != layers)
            throw _text.Bad("layer_types", $"lists {kinds.Count} layers, num_hidden_layers says {layers}");
        return
        [
            .. kinds.Select(kind =>
                kind switch
                {
                    "sliding_attention" => true,
                    "full_attention" => false,
                    _ => throw _text.Bad("layer_types", $"holds '{kind}'; known are sliding_attention and full_attention"),
                }
            ),
        ];
    }

    private (RopeSettings Local, RopeSettings Global) Gemma2Rope()
    {
        var rope = _text.Section("rope_parameters") is { } newer ? Rope(newer, 10_000) : OlderRope(10_000);
        return (rope, rope);
    }

    private (RopeSettings Local, RopeSettings Global) Gemma3Rope()
    {
        if (_text.Section("rope_parameters") is not { } newer)
            return (new(Positive(_text, "rope_local_base_freq") ?? 10_000, 1), OlderRope(1_000_000));
        return (
            newer.Section("sliding_attention") is { } sliding ? Rope(sliding, 10_000) : new(10_000, 1),
            newer.Section("full_attention") is { } full ? Rope(full, 1_000_000) : new(1_000_000, 1)
        );
    }

    /// <summary>The older spelling: theta beside, position scaling of the global layers in <c>rope_scaling</c>.</summary>
    private RopeSettings OlderRope(double theta)
    {
        theta = Positive(_text, "rope_theta") ?? theta;
        return _text.Section("rope_scaling") is { } scaling ? Rope(scaling, theta) with { Theta = theta } : new(theta, 1);
    }

    private static RopeSettings Rope(JsonSection parameters, double theta) =>
        (parameters.Text("rope_type") ?? parameters.Text("type") ?? "default") switch
        {
            "default" => new(Positive(parameters, "rope_theta") ?? theta, 1),
            "linear" => new(Positive(parameters, "rope_theta") ?? theta, Positive(parameters, "factor") ?? 1),
            var type => throw parameters.Bad("rope_type", $"is '{type}'; supported are default and linear"),
        };

    /// <summary>generation_config.json counts before config.json: only it lists the end of a turn.</summary>
    private IReadOnlyList<int> EosIds(string folder)
    {
        var generation = Path.Combine(folder, "generation_config.json");
        return (File.Exists(generation) ? JsonFile.Read(generation).Integers("eos_token_id") : null)
            ?? _root.Integers("eos_token_id")
            ?? _text.Integers("eos_token_id")
            ?? [1];
    }

    private int Size(string key, int fallback)
    {
        var size = _text.Integer(key) ?? fallback;
        // The upper bound keeps the product of two sizes inside 64 bits.
        return size is > 0 and <= 1 << 28 ? size : throw _text.Bad(key, $"is {size}; it must be above 0");
    }

    /// <summary>A cap that is absent has Gemma 2's value in Gemma 2; one that is null is off.</summary>
    private float? Cap(string key, float gemma2) => (float?)Positive(_text, key) ?? (IsGemma3 || IsNull(key) ? null : gemma2);

    private bool IsNull(string key) => _text.Element.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.Null;

    private static double? Positive(JsonSection section, string key) =>
        section.Number(key) is not { } number ? null
        : number > 0 && double.IsFinite(number) ? number
        : throw section.Bad(key, $"is {number}; it must be above 0");
}
