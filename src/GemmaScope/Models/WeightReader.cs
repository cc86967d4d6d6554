using System.Numerics.Tensors;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>Finds a model's weights among its tensors, checks their shapes against the config, and counts them.</summary>
internal sealed class WeightReader(ModelTensors tensors, GemmaConfig config)
{
    private const string Table = "embed_tokens_per_layer.weight",
        GateUp = "experts.gate_up_proj",
        Down = "experts.down_proj";

    /// <summary>The ends of their names, in safetensors and in GGUF files.</summary>
    private static readonly string[] PartlyRead =
    [
        Table,
        GateUp,
        Down,
        GgufModel.NameOf(Table),
        .. new[] { GateUp, Down }.Select(name => GgufModel.NameOf($"layers.0.{name}")["blk.0".Length..]),
    ];

    /// <summary>Bytes of all tensors that were asked for.</summary>
    public long Bytes { get; private set; }

    /// <summary>Numbers in them.</summary>
    public long Parameters { get; private set; }

    /// <summary>Bytes by type.</summary>
    public Dictionary<DType, long> ByType { get; } = [];

    /// <summary>Whether a token needs a small part of a tensor only: its own row, or the experts that it chooses.</summary>
    public static bool IsReadInParts(string stored) => PartlyRead.Any(name => stored.EndsWith(name, StringComparison.Ordinal));

    /// <summary>The layers, first to last.</summary>
    public LayerWeights[] Layers()
    {
        var layers = new LayerWeights[config.Layers];
        for (var layer = 0; layer < layers.Length; layer++)
            layers[layer] = Layer(layer, layers);
        return layers;
    }

    /// <summary>Embeddings for each layer; null where there are none.</summary>
    public PerLayerWeights? PerLayer()
    {
        if (config.PerLayer is not { } shape)
            return null;
        var width = config.Layers * shape.Width;
        return new(
            Get(Table, shape.Rows, width),
            Linear("per_layer_model_projection.weight", width, config.Width),
            Gain("per_layer_projection_norm.weight", shape.Width)
        );
    }

    /// <summary>A gain, whole.</summary>
    public float[] Gain(string name, int width)
    {
        var (gain, offset) = (Numbers(name, width), tensors.GainOffset(config));
        for (var i = 0; i < gain.Length; i++)
            gain[i] += offset;
        return gain;
    }

    /// <summary>A tensor that must have a shape.</summary>
    public Tensor Get(string name, params ReadOnlySpan<long> shape)
    {
        var full = tensors.Stored(name);
        var tensor = tensors.Get(full);
        if (!tensors.Takes(tensor.Type))
            throw new FileFormatException($"tensor '{full}' has type {tensor.Type}; F32, BF16 and F16 are supported", tensors.FileOf(full));
        if (!tensor.Shape.SequenceEqual(shape))
            throw new FileFormatException(
                $"tensor '{full}' has shape [{string.Join(", ", tensor.Shape.ToArray())}], {tensors.Sizes} asks for "
                    + $"[{string.Join(", ", shape.ToArray())}]",
                tensors.FileOf(full)
            );
        Bytes += tensor.ByteLength;
        Parameters += tensor.Length;
        ByType[tensor.Type] = ByType.GetValueOrDefault(tensor.Type) + tensor.ByteLength;
        return tensor;
    }

    private LayerWeights Layer(int i, LayerWeights[] below)
    {
        var (shape, d, query) = (config.Shapes[i], config.Width, config.QueryWidth(i));
        var layer = $"layers.{i}.";
        var attention = layer + "self_attn.";
        var (keyGain, key, value) = KeysAndValues(i, attention, below);
        return new LayerWeights(
            InputGain: Gain(layer + "input_layernorm.weight", d),
            PostAttentionGain: Gain(layer + "post_attention_layernorm.weight", d),
            PreMlpGain: Gain(layer + "pre_feedforward_layernorm.weight", d),
            PostMlpGain: Gain(layer + "post_feedforward_layernorm.weight", d),
            QueryGain: config.HasQueryKeyNorm ? Gain(attention + "q_norm.weight", shape.HeadSize) : null,
            KeyGain: keyGain,
            Query: Linear(attention + "q_proj.weight", query, d),
            Key: key,
            Value: value,
            Output: Linear(attention + "o_proj.weight", d, query),
            Gate: Linear(layer + "mlp.gate_proj.weight", shape.MlpWidth, d),
            Up: Linear(layer + "mlp.up_proj.weight", shape.MlpWidth, d),
            Down: Linear(layer + "mlp.down_proj.weight", d, shape.MlpWidth)
        )
        {
            Scalar = config.HasLayerScalar ? Numbers(layer + "layer_scalar", 1)[0] : null,
            PerLayer = config.PerLayer is { } perLayer ? LayerEmbedding(layer, perLayer.Width) : null,
            Experts = config.Experts is { } experts ? Experts(layer, experts) : null,
        };
    }

    /// <summary>What makes the keys and values that a layer reads.</summary>
    private (float[]? KeyGain, WeightView Key, WeightView Value) KeysAndValues(int i, string attention, LayerWeights[] below)
    {
        var (shape, d) = (config.Shapes[i], config.Width);
        if (shape.KeyValueSource is { } source)
        {
            // Some files hold some for such layers too, which nobody has ever trained.
            foreach (var name in (string[])["k_proj", "v_proj", "k_norm"])
                tensors.Ignore(attention + name + ".weight");
            return (below[source].KeyGain, below[source].Key, below[source].Value);
        }
        var gain = config.HasQueryKeyNorm ? Gain(attention + "k_norm.weight", shape.HeadSize) : null;
        var key = Linear(attention + "k_proj.weight", shape.KeyValueWidth, d);
        return (gain, key, shape.ValuesAreKeys ? key : Linear(attention + "v_proj.weight", shape.KeyValueWidth, d));
    }

    private LayerEmbeddingWeights LayerEmbedding(string layer, int width) =>
        new(
            Linear(layer + "per_layer_input_gate.weight", width, config.Width),
            Linear(layer + "per_layer_projection.weight", config.Width, width),
            Gain(layer + "post_per_layer_input_norm.weight", config.Width)
        );

    private ExpertWeights Experts(string layer, ExpertShape shape)
    {
        var d = config.Width;
        var scale = Numbers(layer + "router.scale", d);
        TensorPrimitives.Divide(scale, config.EmbeddingScale, scale);
        return new(
            Linear(layer + "router.proj.weight", shape.Count, d),
            scale,
            Numbers(layer + "router.per_expert_scale", shape.Count),
            WeightView.Of(Get(layer + GateUp, shape.Count, 2 * shape.Width, d), WeightLayout.OutIn),
            WeightView.Of(Get(layer + Down, shape.Count, d, shape.Width), WeightLayout.OutIn),
            Gain(layer + "post_feedforward_layernorm_1.weight", d),
            Gain(layer + "pre_feedforward_layernorm_2.weight", d),
            Gain(layer + "post_feedforward_layernorm_2.weight", d)
        );
    }

    private WeightView Linear(string name, int outputs, int inputs) => WeightView.Of(Get(name, outputs, inputs), WeightLayout.OutIn);

    private float[] Numbers(string name, int count)
    {
        using var wide = Get(name, count).ToF32();
        return wide.AsSpan().ToArray();
    }
}
