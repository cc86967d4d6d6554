using GemmaScope.Files;
using GemmaScope.Text;

namespace GemmaScope.Models;

/// <summary>
/// Reads shape and constants from the keys of a GGUF file. What no key gives follows from the family as in llama.cpp: which layers slide,
/// the base of Gemma 3's sliding layers, and the scale of attention, which only the 27B models have of another kind.
/// </summary>
internal sealed class GgufConfigReader
{
    private const int MostLayers = 1 << 16;

    private readonly GgufFile _file;
    private readonly GgufConfigKeys _keys;
    private readonly GemmaFamily _family;

    private GgufConfigReader(GgufFile file)
    {
        const string key = "general.architecture";
        var architecture = file.Metadata.Text(key) ?? throw file.Metadata.Missing(key);
        (_file, _keys) = (file, new(file.Metadata, architecture));
        _family = architecture switch
        {
            "gemma2" => GemmaFamily.Gemma2,
            "gemma3" => GemmaFamily.Gemma3,
            "gemma4" => GemmaFamily.Gemma4,
            _ => throw file.Metadata.Bad(
                key,
                $"is '{architecture}'; supported are gemma2, gemma3 and gemma4 (the text part of Gemma 2, 3 and 4)"
            ),
        };
    }

    /// <summary>The config of a file.</summary>
    /// <exception cref="FileFormatException">A key is missing, of another type or absurd, or the file is no Gemma 2, 3 or 4.</exception>
    public static GemmaConfig Read(GgufFile file) => new GgufConfigReader(file).Build();

    private GemmaConfig Build()
    {
        var (layers, width, heads) = (_keys.Size("block_count"), _keys.Size("embedding_length"), _keys.Size("attention.head_count"));
        RequireLayers(layers);
        var vocabulary = new GgufVocabulary(_file);
        var rows = Rows(vocabulary);
        var gemma4 = _family == GemmaFamily.Gemma4 ? new GgufGemma4Reader(_file, _keys) : null;
        var shapes = gemma4?.Shapes(layers, heads) ?? Alike(layers, heads);
        var (local, global) = Rope(gemma4, shapes);
        return new GemmaConfig
        {
            Family = _family,
            Width = width,
            Shapes = shapes,
            Heads = heads,
            VocabularyRows = rows,
            RealVocabulary = vocabulary.RealCount ?? rows,
            MaxPositions = _keys.Size("context_length"),
            Window =
                _keys.OptionalSize("attention.sliding_window")
                ?? (_family == GemmaFamily.Gemma2 ? 4096 : throw _keys.Missing("attention.sliding_window")),
            QueryPreAttentionScalar = gemma4 is null ? Scalar(layers, width, heads, shapes[0].HeadSize) : 1,
            AttentionCap = (float?)_keys.Positive("attn_logit_softcapping") ?? (_family == GemmaFamily.Gemma2 ? 50 : null),
            FinalCap = (float?)_keys.Positive("final_logit_softcapping") ?? (_family == GemmaFamily.Gemma2 ? 30 : null),
            NormEpsilon = (float)(
                _keys.Positive("attention.layer_norm_rms_epsilon") ?? throw _keys.Missing("attention.layer_norm_rms_epsilon")
            ),
            LocalRope = local,
            GlobalRope = global,
            PerLayer = gemma4?.PerLayer(),
            Experts = gemma4?.Experts(),
            BosId = vocabulary.BosId,
            EosIds = vocabulary.EndIds,
        };
    }

    private IReadOnlyList<LayerShape> Alike(int layers, int heads)
    {
        var (headSize, keyValueHeads) = (_keys.Size("attention.key_length"), _keys.Size("attention.head_count_kv"));
        if (heads % keyValueHeads != 0)
            throw _keys.Bad("attention.head_count", $"is {heads}, no multiple of head_count_kv {keyValueHeads}");
        if (_keys.Size("attention.value_length") is var values && values != headSize)
            throw _keys.Bad("attention.value_length", $"is {values} while key_length is {headSize}; Gemma 2 and 3 have one size");
        if (headSize % 2 != 0)
            throw _keys.Bad("attention.key_length", $"is {headSize}, an odd number; RoPE turns pairs");
        var sliding = _keys.Sliding(layers, _family == GemmaFamily.Gemma3 ? 6 : 2);
        return LayerShape.Alike(sliding, headSize, keyValueHeads, _keys.Size("feed_forward_length"));
    }

    /// <summary>A number of layers is believed when its last layer is there: whoever allocates by it must not be led astray.</summary>
    private void RequireLayers(int layers)
    {
        if (layers > MostLayers || _file.Find($"blk.{layers - 1}.attn_q.weight") is null)
            throw _keys.Bad(
                "block_count",
                $"is {layers}, and the file has no tensor 'blk.{layers - 1}.attn_q.weight'; it is damaged or incomplete"
            );
    }

    private int Rows(GgufVocabulary vocabulary)
    {
        const string table = "token_embd.weight";
        var rows = _file[table].Rows;
        if (rows > 1 << 28)
            throw new FileFormatException($"the tensor '{table}' has {rows} rows, which is no vocabulary", _file.FileOf(table));
        if (vocabulary.Count is { } tokens && tokens != rows)
            throw _file.Metadata.Bad(
                GgufVocabulary.Tokens,
                $"lists {tokens} tokens, and the tensor '{table}' has {rows} rows; the file is damaged"
            );
        if (_keys.OptionalSize("vocab_size") is { } size && size != rows)
            throw _keys.Bad("vocab_size", $"is {size}, and the tensor '{table}' has {rows} rows; the file is damaged");
        return (int)rows;
    }

    /// <summary>No key gives it: scores are scaled by head_size^-½, in the 27B models (46 layers of Gemma 2, 62 of Gemma 3) by
    /// (width / heads)^-½.</summary>
    private double Scalar(int layers, int width, int heads, int headSize)
    {
        if (_keys.Positive("attention.scale") is { } scale)
            return 1 / (scale * scale);
        return layers == (_family == GemmaFamily.Gemma3 ? 62 : 46) ? (double)width / heads : headSize;
    }

    private (RopeSettings Local, RopeSettings Global) Rope(GgufGemma4Reader? gemma4, IReadOnlyList<LayerShape> shapes)
    {
        var (theta, factor) = (_keys.Positive("rope.freq_base"), Factor());
        if (_family == GemmaFamily.Gemma2)
            return new RopeSettings(theta ?? 10_000, factor) is var both ? (both, both) : default;
        // Older files have no base for sliding layers: it is never that of the global ones.
        var local = new RopeSettings(_keys.Positive("rope.freq_base_swa") ?? 10_000, 1);
        if (gemma4 is null)
            return (local, new(theta ?? 1_000_000, factor));
        if (factor != 1)
            throw _keys.Bad("rope.scaling.factor", $"is {factor}; Gemma 4 scales no positions");
        var headSize = shapes.FirstOrDefault(shape => !shape.Sliding)?.HeadSize;
        return (local, headSize is { } size ? gemma4.GlobalRope(theta ?? 1_000_000, size) : local);
    }

    private double Factor()
    {
        var factor = _keys.Positive("rope.scaling.factor") ?? _keys.Positive("rope.scale_linear");
        return _keys.Text("rope.scaling.type") switch
        {
            "linear" => factor ?? throw _keys.Missing("rope.scaling.factor"),
            "none" => 1,
            null => factor ?? 1,
            var other => throw _keys.Bad("rope.scaling.type", $"is '{other}'; supported are linear and none"),
        };
    }
}
