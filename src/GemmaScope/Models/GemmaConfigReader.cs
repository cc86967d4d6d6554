using System.Text.Json;
using System.Text.RegularExpressions;
using GemmaScope.Files;

namespace GemmaScope.Models;

/// <summary>
/// Reads the config spellings of METHODS §1.3: flat text files, sparse multimodal files with a <c>text_config</c>, and the newer ones with
/// <c>layer_types</c> and <c>rope_parameters</c>. Absent keys take the defaults of the <see cref="ConfigForm"/>; what Gemma 4 has for single
/// layers <see cref="LayerShapeReader"/> reads.
/// </summary>
internal sealed partial class GemmaConfigReader
{
    private const string Supported =
        "gemma2, gemma3_text, gemma3, gemma4_text and gemma4_unified_text (the text parts of Gemma 2, 3 and 4)";

    private readonly JsonSection _root;
    private readonly JsonSection _text;
    private readonly ConfigForm _form;

    private GemmaConfigReader(JsonSection root)
    {
        _root = root.Watched();
        _text = _root.Section("text_config") ?? _root;
        _form = Nested ? Inner() : Flat();
        RequireArchitecture();
        RequireReadable(_root.Section(LightModel.ConfigKey));
    }

    /// <summary>Whether the text part is one of several of a multimodal model.</summary>
    private bool Nested => !ReferenceEquals(_root, _text);

    private bool IsGemma2 => _form.Family == GemmaFamily.Gemma2;

    private bool IsGemma4 => _form.Family == GemmaFamily.Gemma4;

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
        var (local, global) = new RopeReader(_text, _form).Read();
        var (layers, rows) = (Size("num_hidden_layers", _form.Layers), Size("vocab_size", _form.VocabularyRows));
        var heads = Size("num_attention_heads", 8);
        var kinds = LayerKinds(layers);
        var shapes = IsGemma4
            ? new LayerShapeReader(_text).Read(kinds, heads)
            : LayerShape.Alike(kinds, Size("head_dim", 256), Size("num_key_value_heads", 4), Size("intermediate_size", 9216));
        var config = new GemmaConfig
        {
            Family = _form.Family,
            Width = Size("hidden_size", 2304),
            Shapes = shapes,
            Heads = heads,
            VocabularyRows = rows,
            RealVocabulary = RealVocabulary(rows),
            MaxPositions = Size("max_position_embeddings", _form.MaxPositions),
            Window = Window(kinds.Contains(true)),
            // Gemma 4's scores are not scaled.
            QueryPreAttentionScalar = IsGemma4 ? 1 : PositiveOr("query_pre_attn_scalar", 256),
            AttentionCap = IsGemma4 ? null : Cap("attn_logit_softcapping", _form.AttentionCap),
            FinalCap = Cap("final_logit_softcapping", _form.FinalCap),
            NormEpsilon = (float)PositiveOr("rms_norm_eps", 1e-6),
            LocalRope = local,
            GlobalRope = global,
            PerLayer = IsGemma4 ? LayerShapeReader.PerLayer(_text, _form.PerLayerWidth, rows) : null,
            Experts = IsGemma4 ? LayerShapeReader.Experts(_text) : null,
            BosId = _text.Integer("bos_token_id") ?? _root.Integer("bos_token_id") ?? 2,
            EosIds = EosIds(folder),
            Tied = _root.Flag("tie_word_embeddings") is not false & _text.Flag("tie_word_embeddings") is not false,
        };
        Check(config);
        return config with { Warnings = ConfigKeys.Check(_root, _text, _form) };
    }

    private void Check(GemmaConfig config)
    {
        foreach (var shape in config.Shapes)
        {
            if (config.Heads % shape.KeyValueHeads != 0)
                throw _text.Bad("num_attention_heads", $"is {config.Heads}, no multiple of num_key_value_heads {shape.KeyValueHeads}");
            if (shape.HeadSize % 2 != 0)
                throw _text.Bad("head_dim", $"is {shape.HeadSize}, an odd number; RoPE turns pairs");
        }
        RequireActivation();
    }

    private ConfigForm Flat()
    {
        var type = _text.Text("model_type") ?? "";
        return ConfigForm.OfText(type) ?? throw _text.Bad("model_type", $"is '{type}'; supported are {Supported}");
    }

    /// <summary>Other models are built around a Gemma as their text part and run it in another way (PaliGemma sees its prompt in both
    /// directions).</summary>
    private ConfigForm Inner()
    {
        var (outer, inner) = (_root.Text("model_type"), _text.Text("model_type"));
        if (outer is not null && ConfigForm.InsideOf(outer) is null)
            throw _root.Bad(
                "model_type",
                $"is '{outer}'; of models with a text_config only gemma3, gemma4 and gemma4_unified are supported"
            );
        if (inner is not null && ConfigForm.OfText(inner) is null)
            throw _text.Bad("model_type", $"is '{inner}'; supported are {Supported}");
        // The first of these models had no more than the defaults of a Gemma 3 in their text part.
        var form = outer is not null ? ConfigForm.InsideOf(outer)! : ConfigForm.OfText(inner ?? "gemma3_text")!;
        return inner is null || outer is null || ConfigForm.OfText(inner) == form
            ? form
            : throw _text.Bad("model_type", $"is '{inner}' inside a {outer}");
    }

    private void RequireArchitecture()
    {
        foreach (var name in _root.Texts("architectures") ?? [])
        {
            if (OtherArchitecture().IsMatch(name))
                throw _root.Bad("architectures", $"names {name}; supported are the text models of Gemma 2, 3 and 4");
            if (
                ConfigForm.All.Any(form => name.StartsWith(form.Generation, StringComparison.Ordinal))
                && !name.StartsWith(_form.Generation, StringComparison.Ordinal)
            )
                throw _root.Bad("architectures", $"names {name}, and the text part is a {_form.ModelType}; the file mixes two models");
        }
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
        if (!needed && IsNull(_text, "sliding_window"))
            return Size("max_position_embeddings", 8192);
        var window = Size("sliding_window", _form.Window);
        return _text.Integer("sliding_window_size") is not { } second || second == window
            ? window
            : throw _text.Bad("sliding_window_size", $"is {second} while sliding_window is {window}; keep one of them");
    }

    /// <summary>The id of the image soft token is the first row that is no token (METHODS §1.4 no. 7).</summary>
    private int RealVocabulary(int rows)
    {
        // Gemma 4's marks of images and sounds are tokens like others.
        if (IsGemma4)
            return rows;
        if ((_root.Integer("image_token_index") ?? _root.Integer("image_token_id")) is int image && image > 0 && image < rows)
            return image;
        return !IsGemma2 && rows == 262208 ? 262144 : rows;
    }

    /// <summary>Counts only where layer_types does not stand.</summary>
    private int Pattern()
    {
        var (standard, current) = (_form.Pattern, _text.Integer("sliding_window_pattern"));
        var former = _text.Integer("_sliding_window_pattern");
        if (!_text.Has("layer_types") && current is not null && former is not null && current != former)
            throw _text.Bad("sliding_window_pattern", $"is {current} while _sliding_window_pattern is {former}; keep one of them");
        var pattern = current ?? former ?? standard;
        if (pattern <= 0 || (IsGemma2 && pattern != standard && !_text.Has("layer_types")))
            throw _text.Bad("sliding_window_pattern", $"is {pattern}; it must be {(IsGemma2 ? "2 in Gemma 2" : "above 0")}");
        return pattern;
    }

    private bool[] LayerKinds(int layers)
    {
        var kinds = ListedKinds(layers);
        // The published class does so whatever the file says.
        if (IsGemma4)
            kinds[^1] = false;
        return kinds;
    }

    private bool[] ListedKinds(int layers)
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

    private int Size(string key, int fallback) => Size(_text, key, fallback);

    /// <summary>A cap that is absent has the form's value; one that is null is off.</summary>
    private float? Cap(string key, float? standard) => (float?)Positive(_text, key) ?? (IsNull(_text, key) ? null : standard);

    private double PositiveOr(string key, double fallback)
    {
        RequireNotNull(_text, key);
        return Positive(_text, key) ?? fallback;
    }

    /// <summary>A size, which must be above 0; where it is absent the family's.</summary>
    internal static int Size(JsonSection section, string key, int fallback)
    {
        RequireNotNull(section, key);
        var size = section.Integer(key) ?? fallback;
        // The upper bound keeps the product of two sizes inside 64 bits.
        return size is > 0 and <= 1 << 28 ? size : throw section.Bad(key, $"is {size}; it must be above 0");
    }

    /// <summary>Null is not the same as absent: whoever wrote it meant something that is not known here.</summary>
    private static void RequireNotNull(JsonSection section, string key)
    {
        if (IsNull(section, key))
            throw section.Bad(key, "is null; leave it out for the family's value, or write the model's");
    }

    /// <summary>Whether a key is there with the value null.</summary>
    internal static bool IsNull(JsonSection section, string key) =>
        section.Element.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.Null;

    /// <summary>The number, which must be above 0, or null.</summary>
    internal static double? Positive(JsonSection section, string key) =>
        section.Number(key) is not { } number ? null
        : number > 0 && double.IsFinite(number) ? number
        : throw section.Bad(key, $"is {number}; it must be above 0");

    /// <summary>Relatives of Gemma that compute otherwise.</summary>
    [GeneratedRegex(
        "^(PaliGemma|ColPali|ShieldGemma2|T5Gemma|RecurrentGemma|Gemma3n|Gemma4.*Assistant|Gemma[5-9]|GemmaFor|GemmaModel|DataGemma)"
    )]
    private static partial Regex OtherArchitecture();
}
