using GemmaScope.Files;
using GemmaScope.Text;

namespace GemmaScope.Models;

/// <summary>
/// Reads shape and constants from the keys of a GGUF file. What no key gives follows from the family as in llama.cpp: which layers slide,
/// the base of Gemma 3's sliding layers, and the scale of attention, which only the 27B models have of another kind.
/// </summary>
internal sealed class GgufConfigReader
{
    /// <summary>Keys that are about the model's arithmetic and say nothing new, or what is already known.</summary>
    private const int MostLayers = 1 << 16;

    private readonly GgufFile _file;
    private readonly GgufMetadata _keys;
    private readonly GemmaFamily _family;
    private readonly string _architecture;

    private GgufConfigReader(GgufFile file)
    {
        (_file, _keys) = (file, file.Metadata);
        _architecture = _keys.Text("general.architecture") ?? throw _keys.Missing("general.architecture");
        _family = _architecture switch
        {
            "gemma2" => GemmaFamily.Gemma2,
            "gemma3" => GemmaFamily.Gemma3,
            _ => throw _keys.Bad(
                "general.architecture",
                $"is '{_architecture}'; supported are gemma2 and gemma3 (the text part of Gemma 2 and Gemma 3)"
            ),
        };
    }

    private bool IsGemma3 => _family == GemmaFamily.Gemma3;

    /// <summary>The config of a file.</summary>
    /// <exception cref="FileFormatException">A key is missing, of another type or absurd, or the file is no Gemma 2 or 3.</exception>
    public static GemmaConfig Read(GgufFile file) => new GgufConfigReader(file).Build();

    private GemmaConfig Build()
    {
        var (layers, width, heads, headSize) = (
            Size("block_count"),
            Size("embedding_length"),
            Size("attention.head_count"),
            Size("attention.key_length")
        );
        RequireLayers(layers);
        var keyValueHeads = Size("attention.head_count_kv");
        if (heads % keyValueHeads != 0)
            throw Bad("attention.head_count", $"is {heads}, no multiple of head_count_kv {keyValueHeads}");
        if (Size("attention.value_length") is var values && values != headSize)
            throw Bad("attention.value_length", $"is {values} while key_length is {headSize}; Gemma 2 and 3 have one size");
        if (headSize % 2 != 0)
            throw Bad("attention.key_length", $"is {headSize}, an odd number; RoPE turns pairs");
        var vocabulary = new GgufVocabulary(_file);
        var rows = Rows(vocabulary);
        var (local, global) = Rope();
        return new GemmaConfig
        {
            Family = _family,
            Width = width,
            Shapes = LayerShape.Alike(Sliding(layers), headSize, keyValueHeads, Size("feed_forward_length")),
            Heads = heads,
            VocabularyRows = rows,
            RealVocabulary = vocabulary.RealCount ?? rows,
            MaxPositions = Size("context_length"),
            Window = OptionalSize("attention.sliding_window") ?? (IsGemma3 ? throw Missing("attention.sliding_window") : 4096),
            QueryPreAttentionScalar = Scalar(layers, width, heads, headSize),
            AttentionCap = (float?)Positive("attn_logit_softcapping") ?? (IsGemma3 ? null : 50),
            FinalCap = (float?)Positive("final_logit_softcapping") ?? (IsGemma3 ? null : 30),
            NormEpsilon = (float)(Positive("attention.layer_norm_rms_epsilon") ?? throw Missing("attention.layer_norm_rms_epsilon")),
            LocalRope = local,
            GlobalRope = global,
            BosId = vocabulary.BosId,
            EosIds = vocabulary.EndIds,
        };
    }

    /// <summary>A number of layers is believed when its last layer is there: whoever allocates by it must not be led astray.</summary>
    private void RequireLayers(int layers)
    {
        if (layers > MostLayers || _file.Find($"blk.{layers - 1}.attn_q.weight") is null)
            throw Bad(
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
            throw _keys.Bad(GgufVocabulary.Tokens, $"lists {tokens} tokens, and the tensor '{table}' has {rows} rows; the file is damaged");
        if (OptionalSize("vocab_size") is { } size && size != rows)
            throw Bad("vocab_size", $"is {size}, and the tensor '{table}' has {rows} rows; the file is damaged");
        return (int)rows;
    }

    /// <summary>No key gives it: scores are scaled by head_size^-½, in the 27B models (46 layers of Gemma 2, 62 of Gemma 3) by
    /// (width / heads)^-½.</summary>
    private double Scalar(int layers, int width, int heads, int headSize)
    {
        if (Positive("attention.scale") is { } scale)
            return 1 / (scale * scale);
        return layers == (IsGemma3 ? 62 : 46) ? (double)width / heads : headSize;
    }

    private (RopeSettings Local, RopeSettings Global) Rope()
    {
        var factor = Factor();
        if (!IsGemma3)
            return new RopeSettings(Positive("rope.freq_base") ?? 10_000, factor) is var both ? (both, both) : default;
        // Older files have no base for sliding layers: it is never that of the global ones.
        return (new(Positive("rope.freq_base_swa") ?? 10_000, 1), new(Positive("rope.freq_base") ?? 1_000_000, factor));
    }

    private double Factor()
    {
        var factor = Positive("rope.scaling.factor") ?? Positive("rope.scale_linear");
        return Text("rope.scaling.type") switch
        {
            "linear" => factor ?? throw Missing("rope.scaling.factor"),
            "none" => 1,
            null => factor ?? 1,
            var other => throw Bad("rope.scaling.type", $"is '{other}'; supported are linear and none"),
        };
    }

    /// <summary>Every n-th layer is global (METHODS §1.1); converters do not write n.</summary>
    private bool[] Sliding(int layers)
    {
        const string name = "attention.sliding_window_pattern";
        var standard = IsGemma3 ? 6 : 2;
        if (_keys.Count(Key(name)) is not null)
        {
            var flags = _keys.Integers(Key(name))!;
            return flags.Length == layers
                ? [.. flags.Select(flag => flag != 0)]
                : throw Bad(name, $"lists {flags.Length} layers, block_count says {layers}");
        }
        var pattern = OptionalSize(name) ?? standard;
        return [.. Enumerable.Range(0, layers).Select(i => (i + 1) % pattern != 0)];
    }

    private int Size(string name) => OptionalSize(name) ?? throw Missing(name);

    /// <summary>The upper bound keeps the product of two sizes inside 64 bits.</summary>
    private int? OptionalSize(string name) =>
        !_keys.Has(Key(name)) ? null
        : _keys.Integer(Key(name)) is var size && size is > 0 and <= 1 << 28 ? size
        : throw Bad(name, $"is {size}; it must be above 0");

    private double? Positive(string name) =>
        _keys.Number(Key(name)) is not { } number ? null
        : number > 0 && double.IsFinite(number) ? number
        : throw Bad(name, $"is {number}; it must be above 0");

    private string? Text(string name) => _keys.Text(Key(name));

    private string Key(string name) => $"{_architecture}.{name}";

    private FileFormatException Missing(string name) => _keys.Missing(Key(name));

    private FileFormatException Bad(string name, string problem) => _keys.Bad(Key(name), problem);
}
