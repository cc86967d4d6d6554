using GemmaScope.Models;

namespace GemmaScope.Circuits;

/// <summary>A vector put into the backward pass: the target holds ⟨vector, activation⟩ of this site and position.</summary>
internal readonly record struct Injection(Site Site, int Position, float[] Vector)
{
    /// <summary>The sites at which a target may read.</summary>
    public static bool Allows(SiteKind kind) =>
        kind
            is SiteKind.Embed
                or SiteKind.ResidPre
                or SiteKind.Ln1Normalized
                or SiteKind.AttnIn
                or SiteKind.AttnOut
                or SiteKind.ResidMid
                or SiteKind.Ln2Normalized
                or SiteKind.MlpIn
                or SiteKind.MlpOut
                or SiteKind.ResidPost
                or SiteKind.LnFinalNormalized
                or SiteKind.FinalNormOut;
}

/// <summary>A target as the backward pass knows it: value = bias + Σ ⟨vector, activation⟩.</summary>
/// <param name="Injections">What it reads.</param>
/// <param name="Bias">Its constant part: the encoder bias of a feature.</param>
/// <param name="Value">Its value in the run.</param>
internal sealed record RowTarget(IReadOnlyList<Injection> Injections, double Bias, double Value)
{
    /// <summary>The row of an active feature (METHODS §4.5 step 6): z as a function of what was written before.</summary>
    public static RowTarget Of(ReplacementModel model, int feature)
    {
        var one = model.Features[feature];
        var transcoder = model.Transcoders[one.Layer]!;
        var vector = new float[model.Model.Config.Width];
        var bias = transcoder.Encoder(one.Feature, vector);
        return new([new(transcoder.Input, one.Position, vector)], bias, one.Activation);
    }

    /// <summary>The target's value in another run of the prompt, which captured its sites.</summary>
    public double Measure(ModelRun run)
    {
        var value = Bias;
        foreach (var one in Injections)
        {
            var activation = run[one.Site].AsMatrix().Row(one.Position);
            for (var i = 0; i < activation.Length; i++)
                value += (double)activation[i] * one.Vector[i];
        }
        return value;
    }
}

/// <summary>One row of a graph: what each source contributes to a target.</summary>
/// <param name="Sources">[features + layers · T + T]: features, errors by layer and position, tokens.</param>
/// <param name="EncoderBias">The constant part of the target.</param>
/// <param name="DecoderBias">What reaches it from decoder biases at positions that are not zeroed.</param>
/// <param name="Zeroed">What reaches it from the MLP outputs of zeroed positions.</param>
/// <param name="Value">The target's value in the run.</param>
internal sealed record AttributionRow(float[] Sources, double EncoderBias, double DecoderBias, double Zeroed, double Value);
