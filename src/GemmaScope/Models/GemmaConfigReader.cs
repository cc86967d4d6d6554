using System.Text.Json;
using System.Text.RegularExpressions;
using GemmaScope.Files;

namespace GemmaScope.Models;

/// <summary>
/// Reads the config spellings of METHODS §1.3: flat Gemma 2 and Gemma 3 text files, sparse multimodal files with a
/// <c>text_config</c>, and the newer ones with <c>layer_types</c> and <c>rope_parameters</c>. Absent keys take the family's defaults.
/// </summary>
internal sealed partial class GemmaConfigReader
{
    private readonly JsonSection _root;
    private readonly JsonSection _text;
    private readonly GemmaFamily _family;

    private GemmaConfigReader(JsonSection root)
    {
        _root = root.Watched();
        _text = _root.Section("text_config") ?? _root;
        if (Nested)
            RequireOuter();
        RequireArchitecture();
        _family = (_text.Text("model_type") ?? (Nested ? "gemma3_text" : "")) switch
        {
            "gemma2" => GemmaFamily.Gemma2,
            "gemma3_text" or "gemma3" => GemmaFamily.Gemma3,
            var type => throw _text.Bad(
                "model_type",
                $"is '{type}'; supported are gemma2, gemma3_text and gemma3 (the text part of Gemma 2 and Gemma 3)"
            ),
        };
        RequireReadable(_root.Section(LightModel.ConfigKey));
    }

    /// <summary>Whether the text part is one of several of a multimodal model.</summary>
    private bool Nested => !ReferenceEquals(_root, _text);

    private bool IsGemma3 => _family == GemmaFamily.Gemma3;

    public static GemmaConfig Read(string folder, string file) =>
        !File.Exists(file) && FolderForms.Describe(folder) is { } form
            ? throw new FileFormatException(form, folder)
            : new GemmaConfigReader(JsonFile.Read(file)).Build(folder);

    /// <summary>Refuses weights quantised in a form of others. What the own one says beside its name the weights' files say themselves.
    /// </summary>
    private void RequireReadable(JsonSection? quantised)
    {
        if (quantised is not null && quantised.Text("quant_method") is var method and not LightModel.Method)
            throw _root.Bad(LightModel.ConfigKey, QuantisedWeights.Named(method));
        foreach (var key in LightModel.ConfigWords)
            quantised?.Text(key);
    }

    private GemmaConfig Build(string folder)
    {
        var (local, global) = new RopeReader(_text, IsGemma3).Read();
        var (layers, rows) = (Size("num_hidden_layers", 26), Size("vocab_size", IsGemma3 ? 262208 : 256000));
        var sliding = LayerKinds(layers);
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
            Window = Window(sliding.Contains(true)),
            QueryPreAttentionScalar = PositiveOr("query_pre_attn_scalar", 256),
            AttentionCap = Cap("attn_logit_softcapping", 50),
            FinalCap = Cap("final_logit_softcapping", 30),
            NormEpsilon = (float)PositiveOr("rms_norm_eps", 1e-6),
            LocalRope = local,
            GlobalRope = global,
            Sliding = sliding,
            BosId = _text.Integer("bos_token_id") ?? _root.Integer("bos_token_id") ?? 2,
            EosIds = EosIds(folder),
            Tied = _root.Flag("tie_word_embeddings") is not false & _text.Flag("tie_word_embeddings") is not false,
        };
        Check(config);
        return config with { Warnings = ConfigKeys.Check(_root, _text) };
    }

    private void Check(GemmaConfig config)
    {
        if (config.Heads % config.KeyValueHeads != 0)
            throw _text.Bad("num_attention_heads", $"is {config.Heads}, no multiple of num_key_value_heads {config.KeyValueHeads}");
        if (config.HeadSize % 2 != 0)
            throw _text.Bad("head_dim", $"is {config.HeadSize}, an odd number; RoPE turns pairs");
        RequireActivation();
    }

    /// <summary>Other models are built around a Gemma as their text part and run it in another way (PaliGemma sees its prompt in both
    /// directions).</summary>
    private void RequireOuter()
    {
        if (_root.Text("model_type") is { } outer and not "gemma3")
            throw _root.Bad("model_type", $"is '{outer}'; of models with a text_config only gemma3 is supported");
        if (_root.Text("model_type") is not null && _text.Text("model_type") is "gemma2")
            throw _text.Bad("model_type", "is 'gemma2' inside a gemma3");
    }

    private void RequireArchitecture()
    {
        foreach (var name in _root.Texts("architectures") ?? [])
            if (OtherArchitecture().IsMatch(name))
                throw _root.Bad("architectures", $"names {name}; supported are the text models of Gemma 2 and Gemma 3");
    }

    /// <summary>hidden_act holds stale values in some published files; where hidden_activation stands it alone counts.</summary>
    private void RequireActivation()
    {
        var key = _text.Has("hidden_activation") ? "hidden_activation" : "hidden_act";
        var former = _text.Text("hidden_act");
        if ((_text.Text("hidden_activation") ?? former) is { } activation and not "gelu_pytorch_tanh")
            throw _text.Bad(key, $"is '{activation}'; only gelu_pytorch_tanh is supported");
    }

    /// <summary>How far a sliding layer sees. Null would mean that nothing slides, which contradicts the kinds of the layers.</summary>
    private int Window(bool needed)
    {
        if (!needed && IsNull("sliding_window"))
            return Size("max_position_embeddings", 8192);
        var window = Size("sliding_window", 4096);
        return _text.Integer("sliding_window_size") is not { } second || second == window
            ? window
            : throw _text.Bad("sliding_window_size", $"is {second} while sliding_window is {window}; keep one of them");
    }

    /// <summary>The id of the image soft token is the first row that is no token (METHODS §1.4 no. 7).</summary>
    private int RealVocabulary(int rows)
    {
        if ((_root.Integer("image_token_index") ?? _root.Integer("image_token_id")) is int image && image > 0 && image < rows)
            return image;
        return IsGemma3 && rows == 262208 ? 262144 : rows;
    }

    /// <summary>Counts only where layer_types does not stand.</summary>
    private int Pattern()
    {
        var (standard, current) = (IsGemma3 ? 6 : 2, _text.Integer("sliding_window_pattern"));
        var former = _text.Integer("_sliding_window_pattern");
        if (!_text.Has("layer_types") && current is not null && former is not null && current != former)
            throw _text.Bad("sliding_window_pattern", $"is {current} while _sliding_window_pattern is {former}; keep one of them");
        var pattern = current ?? former ?? standard;
        if (pattern <= 0 || (!IsGemma3 && pattern != standard && !_text.Has("layer_types")))
            throw _text.Bad("sliding_window_pattern", $"is {pattern}; it must be {(IsGemma3 ? "above 0" : "2 in Gemma 2")}");
        return pattern;
    }

    private bool[] LayerKinds(int layers)
    {
        var pattern = Pattern();
        if (_text.Texts("layer_types") is not { } kinds)
        {
            // Every n-th layer is global: METHODS §1.1.
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
        RequireNotNull(key);
        var size = _text.Integer(key) ?? fallback;
        // The upper bound keeps the product of two sizes inside 64 bits.
        return size is > 0 and <= 1 << 28 ? size : throw _text.Bad(key, $"is {size}; it must be above 0");
    }

    /// <summary>A cap that is absent has Gemma 2's value in Gemma 2; one that is null is off.</summary>
    private float? Cap(string key, float gemma2) => (float?)Positive(_text, key) ?? (IsGemma3 || IsNull(key) ? null : gemma2);

    private double PositiveOr(string key, double fallback)
    {
        RequireNotNull(key);
        return Positive(_text, key) ?? fallback;
    }

    /// <summary>Null is not the same as absent: whoever wrote it meant something that is not known here.</summary>
    private void RequireNotNull(string key)
    {
        if (IsNull(key))
            throw _text.Bad(key, "is null; leave it out for the family's value, or write the model's");
    }

    private bool IsNull(string key) => _text.Element.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.Null;

    /// <summary>The number, which must be above 0, or null.</summary>
    internal static double? Positive(JsonSection section, string key) =>
        section.Number(key) is not { } number ? null
        : number > 0 && double.IsFinite(number) ? number
        : throw section.Bad(key, $"is {number}; it must be above 0");

    /// <summary>Relatives of Gemma that compute otherwise.</summary>
    [GeneratedRegex("^(PaliGemma|ColPali|ShieldGemma2|T5Gemma|RecurrentGemma|Gemma3n|Gemma[4-9]|GemmaFor|GemmaModel|DataGemma)")]
    private static partial Regex OtherArchitecture();
}
