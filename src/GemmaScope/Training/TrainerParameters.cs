using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>
/// The tensors of a dictionary in training, or the gradients of all of them. Both matrices have one contiguous row a feature,
/// W_enc therefore transposed: a feature is then updated while its rows are in the cache. Vectors run through all blocks.
/// </summary>
internal sealed class TrainerParameters : IDisposable
{
    public TrainerParameters(Recipe recipe, TrainerShape shape, bool moments)
    {
        var (kept, features) = (
            !moments ? 0
            : recipe.Beta1 == 0 ? 1
            : 2,
            shape.Features
        );
        Parameter[] Each(string name, Func<FeatureBlock, (long Rows, long Columns)> size) =>
            [
                .. shape.Blocks.Select(
                    (block, l) => new Parameter(shape.Blocks.Count == 1 ? name : $"{name}.{l}", kept, size(block).Rows, size(block).Columns)
                ),
            ];
        Encoder = Each("W_enc_t", block => (block.Features, block.InputWidth));
        Decoder = Each("W_dec", block => (block.Features, block.OutputWidth));
        Skip = recipe.Skip ? Each("W_skip", block => (block.InputWidth, shape.LayerWidth)) : [];
        DecoderBias = new("b_dec", kept, shape.OutputWidth);
        EncoderBias = new(recipe.Architecture == Architecture.Gated ? "b_gate" : "b_enc", kept, features);
        if (recipe.Architecture == Architecture.JumpRelu)
            Threshold = new(recipe.LogThreshold ? "log_threshold" : "threshold", kept, features);
        if (recipe.Architecture != Architecture.Gated)
            return;
        MagnitudeBias = new("b_mag", kept, features);
        MagnitudeLog = new("r_mag", kept, features);
    }

    /// <summary>W_encᵀ [features, inputs] of each block.</summary>
    public Parameter[] Encoder { get; }

    /// <summary>W_dec [features, outputs] of each block.</summary>
    public Parameter[] Decoder { get; }

    /// <summary>W_skip [inputs, outputs of one layer] of each block, or none.</summary>
    public Parameter[] Skip { get; }

    public Parameter DecoderBias { get; }

    /// <summary>b_enc, for a gated dictionary b_gate.</summary>
    public Parameter EncoderBias { get; }

    /// <summary>θ or ln θ (JumpReLU).</summary>
    public Parameter? Threshold { get; }

    /// <summary>b_mag (gated).</summary>
    public Parameter? MagnitudeBias { get; }

    /// <summary>r_mag (gated): the magnitude's encoder is W_enc · e^r.</summary>
    public Parameter? MagnitudeLog { get; }

    public IEnumerable<Parameter> All => [.. Encoder, .. Decoder, .. Skip, DecoderBias, .. OfFeatures];

    /// <summary>Those with one number a feature.</summary>
    public IEnumerable<Parameter> OfFeatures => new[] { EncoderBias, Threshold, MagnitudeBias, MagnitudeLog }.OfType<Parameter>();

    public void Dispose()
    {
        foreach (var parameter in All)
            parameter.Dispose();
    }
}
