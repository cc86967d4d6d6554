using System.Text.Json;

namespace GemmaScope.Models;

/// <summary>
/// Reads the config spellings of METHODS §1.3: flat Gemma 2 and Gemma 3 text files, sparse multimodal files with a
/// <c>text_config</c>, and the newer ones with <c>layer_types</c> and <c>rope_parameters</c>. Absent keys take the family's defaults.
/// </summary>
internal sealed class GemmaConfigReader
{
    private readonly string _file;
    private readonly JsonElement _text;

    private GemmaConfigReader(string file, JsonElement text) => (_file, _text) = (file, text);

    public static GemmaConfig Read(string folder, string file)
    {
        using var json = Parse(file);
        var root = json.RootElement;
        var multimodal = root.TryGetProperty("text_config", out var text) && text.ValueKind == JsonValueKind.Object;
        var reader = new GemmaConfigReader(file, multimodal ? text : root);
        var type = reader.Text("model_type", multimodal ? "gemma3_text" : "");
        var family = type switch
        {
            "gemma2" => GemmaFamily.Gemma2,
            "gemma3_text" or "gemma3" => GemmaFamily.Gemma3,
            _ => throw new FileFormatException($"model_type is '{type}'; supported are gemma2, gemma3_text and gemma3 (Gemma 2 and Gemma 3, text part)", file),
        };
        var config = reader.Build(family, ImageToken(root));
        var eos = EosIds(folder, root, reader);
        return config with { EosIds = eos };
    }

    private GemmaConfig Build(GemmaFamily family, int? imageToken)
    {
        var gemma3 = family == GemmaFamily.Gemma3;
        var rows = Integer("vocab_size", gemma3 ? 262208 : 256000);
        var layers = Integer("num_hidden_layers", 26);
        var (local, global) = gemma3 ? Gemma3Rope() : Gemma2Rope();
        var config = new GemmaConfig
        {
            Family = family,
            Width = Integer("hidden_size", 2304),
            MlpWidth = Integer("intermediate_size", 9216),
            Layers = layers,
            Heads = Integer("num_attention_heads", 8),
            KeyValueHeads = Integer("num_key_value_heads", 4),
            HeadSize = Integer("head_dim", 256),
            VocabularyRows = rows,
            // The id of the image soft token is the first row that is no token (METHODS §1.4 no. 7).
            RealVocabulary = imageToken < rows ? imageToken.Value : gemma3 && rows == 262208 ? 262144 : rows,
            MaxPositions = Integer("max_position_embeddings", gemma3 ? 131072 : 8192),
            Window = Integer("sliding_window", 4096),
            QueryPreAttentionScalar = Number("query_pre_attn_scalar", 256),
            AttentionCap = (float?)OptionalNumber("attn_logit_softcapping", gemma3 ? null : 50),
            FinalCap = (float?)OptionalNumber("final_logit_softcapping", gemma3 ? null : 30),
            NormEpsilon = (float)Number("rms_norm_eps", 1e-6),
            LocalRope = local,
            GlobalRope = global,
            Sliding = LayerKinds(family, layers),
            BosId = Integer("bos_token_id", 2, minimum: 0),
            EosIds = [],
        };
        Check(config);
        return config;
    }

    private void Check(GemmaConfig config)
    {
        if (config.Heads % config.KeyValueHeads != 0)
            throw new FileFormatException($"num_attention_heads {config.Heads} is no multiple of num_key_value_heads {config.KeyValueHeads}", _file);
        if (config.HeadSize % 2 != 0) throw new FileFormatException($"head_dim {config.HeadSize} is odd; RoPE needs pairs", _file);
        // hidden_act holds stale values in some published files; hidden_activation is what counts.
        var activation = Text("hidden_activation", "gelu_pytorch_tanh");
        if (activation != "gelu_pytorch_tanh")
            throw new FileFormatException($"hidden_activation is '{activation}'; only gelu_pytorch_tanh is supported", _file);
        if (Flag("attention_bias")) throw new FileFormatException("attention_bias is true; Gemma 2 and 3 have no biases", _file);
        if (Flag("use_bidirectional_attention"))
            throw new FileFormatException("use_bidirectional_attention is true; only causal models are supported", _file);
    }

    private bool[] LayerKinds(GemmaFamily family, int layers)
    {
        if (!_text.TryGetProperty("layer_types", out var types) || types.ValueKind != JsonValueKind.Array)
        {
            var pattern = family == GemmaFamily.Gemma2 ? 2 : Integer("sliding_window_pattern", Integer("_sliding_window_pattern", 6));
            return [.. Enumerable.Range(0, layers).Select(i => (i + 1) % pattern != 0)];
        }
        var kinds = types.EnumerateArray().Select(t => t.ValueKind == JsonValueKind.String ? t.GetString() : null).ToArray();
        if (kinds.Length != layers) throw new FileFormatException($"layer_types lists {kinds.Length} layers, num_hidden_layers says {layers}", _file);
        return [.. kinds.Select(kind => kind switch
        {
            "sliding_attention" => true,
            "full_attention" => false,
            _ => throw new FileFormatException($"layer_types holds '{kind}'; known are sliding_attention and full_attention", _file),
        })];
    }

    private (RopeSettings Local, RopeSettings Global) Gemma2Rope()
    {
        var rope = _text.TryGetProperty("rope_parameters", out var p) && p.ValueKind == JsonValueKind.Object
            ? Rope(p, 10_000)
            : WithScaling(Number("rope_theta", 10_000));
        return (rope, rope);
    }

    private (RopeSettings Local, RopeSettings Global) Gemma3Rope()
    {
        if (!_text.TryGetProperty("rope_parameters", out var parameters) || parameters.ValueKind != JsonValueKind.Object)
            return (new(Number("rope_local_base_freq", 10_000), 1), WithScaling(Number("rope_theta", 1_000_000)));
        var local = parameters.TryGetProperty("sliding_attention", out var s) && s.ValueKind == JsonValueKind.Object ? Rope(s, 10_000) : new(10_000, 1);
        var global = parameters.TryGetProperty("full_attention", out var f) && f.ValueKind == JsonValueKind.Object ? Rope(f, 1_000_000) : new(1_000_000, 1);
        return (local, global);
    }

    /// <summary>The older spelling: theta beside, a factor in <c>rope_scaling</c> for the global layers.</summary>
    private RopeSettings WithScaling(double theta) =>
        _text.TryGetProperty("rope_scaling", out var scaling) && scaling.ValueKind == JsonValueKind.Object
            ? Rope(scaling, theta) with { Theta = theta }
            : new(theta, 1);

    private RopeSettings Rope(JsonElement parameters, double theta)
    {
        var reader = new GemmaConfigReader(_file, parameters);
        var type = reader.Text("rope_type", reader.Text("type", "default"));
        return type switch
        {
            "default" => new(reader.Number("rope_theta", theta), 1),
            "linear" => new(reader.Number("rope_theta", theta), reader.Number("factor", 1)),
            _ => throw new FileFormatException($"rope_type is '{type}'; supported are default and linear", _file),
        };
    }

    private static int? ImageToken(JsonElement root)
    {
        foreach (var key in (string[])["image_token_index", "image_token_id"])
            if (root.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var id) && id > 0)
                return id;
        return null;
    }

    private static int[] EosIds(string folder, JsonElement root, GemmaConfigReader reader)
    {
        var generation = Path.Combine(folder, "generation_config.json");
        if (File.Exists(generation))
        {
            using var json = Parse(generation);
            if (Ids(json.RootElement) is { Length: > 0 } ids) return ids;
        }
        return Ids(root) is { Length: > 0 } own ? own : Ids(reader._text) is { Length: > 0 } text ? text : [1];

        static int[] Ids(JsonElement element) => !element.TryGetProperty("eos_token_id", out var eos) ? []
            : eos.ValueKind == JsonValueKind.Number && eos.TryGetInt32(out var one) ? [one]
            : eos.ValueKind == JsonValueKind.Array ? [.. eos.EnumerateArray().Where(v => v.ValueKind == JsonValueKind.Number && v.TryGetInt32(out _)).Select(v => v.GetInt32())]
            : [];
    }

    private static JsonDocument Parse(string file)
    {
        if (!File.Exists(file)) throw new FileFormatException("is missing; a model folder needs config.json, its weights and its tokenizer", file);
        try
        {
            var json = JsonDocument.Parse(File.ReadAllBytes(file));
            return json.RootElement.ValueKind == JsonValueKind.Object ? json : throw new FileFormatException("is not a JSON object", file);
        }
        catch (JsonException e)
        {
            throw new FileFormatException($"is not valid JSON ({e.Message.TrimEnd('.')})", file, e);
        }
    }

    private string Text(string key, string fallback) =>
        !Find(key, out var value) ? fallback : value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Wrong(key, "a string", value);

    private bool Flag(string key) =>
        Find(key, out var value) && (value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Wrong(key, "true or false", value));

    private int Integer(string key, int fallback, int minimum = 1)
    {
        if (!Find(key, out var value)) return fallback;
        // The upper bound keeps every product of two sizes inside 64 bits.
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out var number) || number != Math.Floor(number) || number < minimum || number > 1 << 28)
            throw Wrong(key, $"a whole number of at least {minimum}", value);
        return (int)number;
    }

    private double Number(string key, double fallback) => OptionalNumber(key, fallback) ?? fallback;

    /// <summary>A positive number; a key that is present and null means "none".</summary>
    private double? OptionalNumber(string key, double? fallback)
    {
        if (!_text.TryGetProperty(key, out var value)) return fallback;
        if (value.ValueKind == JsonValueKind.Null) return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && number > 0 && double.IsFinite(number)
            ? number
            : throw Wrong(key, "a positive number", value);
    }

    private bool Find(string key, out JsonElement value) => _text.TryGetProperty(key, out value) && value.ValueKind != JsonValueKind.Null;

    private FileFormatException Wrong(string key, string expected, JsonElement found) => new($"{key} must be {expected}, not {found.GetRawText()}", _file);
}
