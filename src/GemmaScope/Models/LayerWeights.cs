using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>The weights of one layer: matrices mapped in their stored type, gains of norms widened to f32 and whole (METHODS §1.4
/// no. 2). Where values are keys, or keys and values another layer's, key and value matrices are those that make them.</summary>
internal sealed record LayerWeights(
    float[] InputGain,
    float[] PostAttentionGain,
    float[] PreMlpGain,
    float[] PostMlpGain,
    float[]? QueryGain,
    float[]? KeyGain,
    WeightView Query,
    WeightView Key,
    WeightView Value,
    WeightView Output,
    WeightView Gate,
    WeightView Up,
    WeightView Down
)
{
    /// <summary>What the residual stream is multiplied by at the layer's end; null for nothing.</summary>
    public float? Scalar { get; init; }

    /// <summary>What adds the layer's embedding; null where there is none.</summary>
    public LayerEmbeddingWeights? PerLayer { get; init; }

    /// <summary>The experts; null where there are none.</summary>
    public ExpertWeights? Experts { get; init; }
}

/// <summary>What one layer makes of its embedding of a token.</summary>
/// <param name="Gate">[P, d] from the residual stream.</param>
/// <param name="Projection">[d, P].</param>
/// <param name="PostGain">The gain of the norm behind it.</param>
internal sealed record LayerEmbeddingWeights(WeightView Gate, WeightView Projection, float[] PostGain);

/// <summary>Embeddings for each layer, before the first one.</summary>
/// <param name="Table">[rows, layers · P], of which the rows of the tokens of a run are read and no others.</param>
/// <param name="Projection">[layers · P, d] from the scaled embedding.</param>
/// <param name="Gain">[P] the gain of the norm behind the projection, the same for all layers.</param>
internal sealed record PerLayerWeights(Tensor Table, WeightView Projection, float[] Gain);

/// <summary>A layer's router and experts, which stay mapped: those that are chosen are read and no others.</summary>
/// <param name="Router">[E, d].</param>
/// <param name="RouterGain">[d] the router's scale times d^-½.</param>
/// <param name="Scale">[E] what each expert's share is multiplied by.</param>
/// <param name="GateUp">[E · 2 m, d] gate, then up, of each expert.</param>
/// <param name="Downs">[E · d, m].</param>
/// <param name="DenseGain">[d] of the norm behind the dense MLP.</param>
/// <param name="PreGain">[d] of the norm before the experts.</param>
/// <param name="PostGain">[d] of the norm behind them.</param>
internal sealed record ExpertWeights(
    WeightView Router,
    float[] RouterGain,
    float[] Scale,
    WeightView GateUp,
    WeightView Downs,
    float[] DenseGain,
    float[] PreGain,
    float[] PostGain
)
{
    private int Width => GateUp.Outputs / Scale.Length / 2;

    private int Outputs => Downs.Outputs / Scale.Length;

    /// <summary>[m, d] the gate projection of an expert.</summary>
    public WeightView Gate(int expert) => GateUp.SliceOutputs(2 * expert * Width, Width);

    /// <summary>[m, d] its up projection.</summary>
    public WeightView Up(int expert) => GateUp.SliceOutputs((2 * expert + 1) * Width, Width);

    /// <summary>[d, m] its down projection.</summary>
    public WeightView Down(int expert) => Downs.SliceOutputs(expert * Outputs, Outputs);
}
