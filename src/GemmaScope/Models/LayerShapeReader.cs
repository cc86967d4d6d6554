using GemmaScope.Files;

namespace GemmaScope.Models;

/// <summary>Reads what Gemma 4's config.json says of single layers: two head sizes, values that are keys, layers that read the keys and values
/// of earlier ones, and their wider MLPs.</summary>
internal sealed class LayerShapeReader(JsonSection text)
{
    private const string Shared = "num_kv_shared_layers",
        GlobalKeyValueHeads = "num_global_key_value_heads",
        PerLayerWidth = "hidden_size_per_layer_input";

    /// <summary>The layers.</summary>
    /// <param name="sliding">For each whether it sees a window only.</param>
    /// <param name="heads">Query heads.</param>
    /// <exception cref="FileFormatException">A key is absurd, or does not fit the kinds of the layers.</exception>
    public IReadOnlyList<LayerShape> Read(bool[] sliding, int heads)
    {
        var (headSize, globalHeadSize) = (Size("head_dim", 256), Size("global_head_dim", 512));
        var (keyValueHeads, mlp) = (Size("num_key_value_heads", 4), Size("intermediate_size", 9216));
        var (ofKeys, globalHeads) = (text.Flag("attention_k_eq_v") ?? false, text.Integer(GlobalKeyValueHeads));
        // Without values that are keys the other number of heads is not used, whatever the file says.
        var globalKeyValueHeads = ofKeys ? globalHeads ?? throw text.Missing(GlobalKeyValueHeads) : keyValueHeads;
        if (globalKeyValueHeads <= 0 || heads % globalKeyValueHeads != 0)
            throw text.Bad(GlobalKeyValueHeads, $"is {globalKeyValueHeads}, of which num_attention_heads {heads} is no multiple");
        var wide = text.Flag("use_double_wide_mlp") ?? false;
        var first = sliding.Length - SharedLayers(sliding.Length);
        return
        [
            .. sliding.Select(
                (slides, layer) =>
                    new LayerShape
                    {
                        Sliding = slides,
                        HeadSize = slides ? headSize : globalHeadSize,
                        KeyValueHeads = slides ? keyValueHeads : globalKeyValueHeads,
                        MlpWidth = wide && layer >= first ? 2 * mlp : mlp,
                        ValuesAreKeys = ofKeys && !slides,
                        KeyValueSource = layer < first ? null : Source(sliding, first, layer),
                    }
            ),
        ];
    }

    /// <summary>The embeddings for each layer.</summary>
    /// <param name="text">The text part.</param>
    /// <param name="standard">The width where the key is absent; 0 for none.</param>
    /// <param name="vocabulary">Rows of the embedding table.</param>
    public static PerLayerShape? PerLayer(JsonSection text, int standard, int vocabulary)
    {
        var rows = text.Integer("vocab_size_per_layer_input") ?? vocabulary;
        var width = GemmaConfigReader.IsNull(text, PerLayerWidth) ? 0 : text.Integer(PerLayerWidth) ?? standard;
        return width switch
        {
            0 => null,
            < 0 or > 1 << 20 => throw text.Bad(PerLayerWidth, $"is {width}; it must be above 0, or 0 for none"),
            _ when rows < vocabulary => throw text.Bad(
                "vocab_size_per_layer_input",
                $"is {rows}, fewer than vocab_size {vocabulary}: some tokens would have no row"
            ),
            _ => new(rows, width),
        };
    }

    /// <summary>The experts.</summary>
    public static ExpertShape? Experts(JsonSection text)
    {
        var (count, active, width) = (
            text.Integer("num_experts"),
            text.Integer("top_k_experts"),
            text.Integer("moe_intermediate_size") ?? text.Integer("expert_intermediate_size")
        );
        if (text.Flag("enable_moe_block") is not true)
            return null;
        if (count is not > 0)
            throw text.Bad("num_experts", "must be above 0 where enable_moe_block is true");
        if (active is not > 0 || active > count)
            throw text.Bad("top_k_experts", $"must be from 1 to num_experts {count} where enable_moe_block is true");
        if (width is not (> 0 and <= 1 << 24))
            throw text.Bad("moe_intermediate_size", "must be above 0 where enable_moe_block is true");
        return new(count.Value, active.Value, width.Value);
    }

    private int SharedLayers(int layers)
    {
        var shared = text.Integer(Shared) ?? 0;
        return shared >= 0 && shared < layers ? shared : throw text.Bad(Shared, $"is {shared} of {layers} layers");
    }

    /// <summary>The last layer of the same kind that makes its own.</summary>
    private int Source(bool[] sliding, int first, int layer)
    {
        var source = Array.LastIndexOf(sliding, sliding[layer], first - 1);
        return source >= 0
            ? source
            : throw text.Bad(
                Shared,
                $"leaves no {(sliding[layer] ? "sliding" : "full")} layer with keys and values of its own, which layer {layer} would read"
            );
    }

    private int Size(string key, int fallback) => GemmaConfigReader.Size(text, key, fallback);
}
