using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Models;

public sealed partial class GemmaModel
{
    /// <summary>Whether a vector written at a site reaches the residual stream by a linear map alone.</summary>
    internal static bool ReachesResidual(SiteKind kind) =>
        kind
            is SiteKind.Embed
                or SiteKind.ResidPre
                or SiteKind.ResidMid
                or SiteKind.ResidPost
                or SiteKind.AttnOut
                or SiteKind.AttnOutRaw
                or SiteKind.MlpOut
                or SiteKind.MlpOutRaw
                or SiteKind.Z
                or SiteKind.MlpActProduct;

    /// <summary>Whether the whole residual stream passes at a site, so that vectors at two of them are no two contributions.</summary>
    internal static bool IsResidual(SiteKind kind) =>
        kind is SiteKind.Embed or SiteKind.ResidPre or SiteKind.ResidMid or SiteKind.ResidPost;

    /// <summary>
    /// Vectors written at a site as vectors of the residual stream: through o_proj or down_proj where they come before it. Norms after a
    /// sub-layer (division and gain) are ignored, as dashboards do (METHODS §7).
    /// </summary>
    /// <param name="site">A site that <see cref="ReachesResidual"/>.</param>
    /// <param name="vectors">[rows, width of the site].</param>
    /// <param name="residual">[rows, d].</param>
    internal void ToResidual(Site site, MatrixView vectors, MatrixView residual)
    {
        switch (site.Kind)
        {
            case SiteKind.Z:
                Compute.Kernels.Multiply(vectors, _weights.Layers[site.Layer!.Value].Output, residual, Arithmetic.Exact);
                break;
            case SiteKind.MlpActProduct:
                Compute.Kernels.Multiply(vectors, _weights.Layers[site.Layer!.Value].Down, residual, Arithmetic.Exact);
                break;
            case var kind when ReachesResidual(kind):
                for (var row = 0; row < vectors.Rows; row++)
                    vectors.Row(row).CopyTo(residual.Row(row));
                break;
            default:
                throw new ArgumentProblemException("has no linear way to the residual stream", site.ToString());
        }
    }

    /// <summary>The transpose of <see cref="ToResidual"/>: ⟨vectors, y⟩ for every vector y of the site is ⟨residual,
    /// ToResidual(y)⟩.</summary>
    /// <param name="site">A site that <see cref="ReachesResidual"/>.</param>
    /// <param name="residual">[rows, d].</param>
    /// <param name="vectors">[rows, width of the site].</param>
    internal void FromResidual(Site site, MatrixView residual, MatrixView vectors)
    {
        switch (site.Kind)
        {
            case SiteKind.Z:
                Compute.Kernels.Multiply(residual, _weights.Layers[site.Layer!.Value].Output.Transposed, vectors, Arithmetic.Exact);
                break;
            case SiteKind.MlpActProduct:
                Compute.Kernels.Multiply(residual, _weights.Layers[site.Layer!.Value].Down.Transposed, vectors, Arithmetic.Exact);
                break;
            case var kind when ReachesResidual(kind):
                for (var row = 0; row < vectors.Rows; row++)
                    residual.Row(row).CopyTo(vectors.Row(row));
                break;
            default:
                throw new ArgumentProblemException("has no linear way to the residual stream", site.ToString());
        }
    }

    /// <summary>What residual vectors add to the logits directly: [rows, vocabulary rows], without final norm and soft cap.</summary>
    internal void DirectLogits(MatrixView residual, MatrixView logits) =>
        Compute.Kernels.Multiply(residual, WeightView.Of(_weights.Embedding, WeightLayout.OutIn), logits, Arithmetic.Exact);

    /// <summary>Multiplies residual vectors by the gain of the final norm, in place.</summary>
    internal void ApplyFinalGain(MatrixView residual)
    {
        for (var row = 0; row < residual.Rows; row++)
            TensorPrimitives.Multiply(residual.Row(row), _weights.FinalGain, residual.Row(row));
    }

    /// <summary>What the model would predict if these were outputs of its last block: final norm with gain, head, soft cap.</summary>
    /// <param name="residual">[rows, d].</param>
    /// <param name="normed">[rows, d], overwritten; may be the residual.</param>
    /// <param name="logits">[rows, vocabulary rows].</param>
    internal void ReadOut(MatrixView residual, MatrixView normed, MatrixView logits)
    {
        Workers.For(residual.Rows, new NormRow(residual, _weights.FinalGain, Config.NormEpsilon, normed));
        Compute.Kernels.Multiply(normed, WeightView.Of(_weights.Unembedding, WeightLayout.OutIn), logits, Arithmetic);
        if (Config.FinalCap is float cap)
            Workers.For(logits.Rows, new CapRow(logits, cap));
    }

    /// <summary>The backward of <see cref="ReadOut"/> from the logits before the cap.</summary>
    /// <param name="logits">[rows, vocabulary rows] gradient at the raw logits.</param>
    /// <param name="residual">[rows, d] what was read out.</param>
    /// <param name="gradient">[rows, d] gradient at what was read out.</param>
    internal void BackFromLogits(MatrixView logits, MatrixView residual, MatrixView gradient)
    {
        Compute.Kernels.Multiply(logits, WeightView.Of(_weights.Unembedding, WeightLayout.OutIn).Transposed, gradient, Arithmetic);
        Workers.For(gradient.Rows, new GainRow(gradient, _weights.FinalGain));
        Workers.For(gradient.Rows, new NormalizeBackwardRow(residual, Config.NormEpsilon, gradient));
    }

    /// <summary>A token's row of the head, unscaled.</summary>
    internal unsafe float[] HeadRow(int token)
    {
        if ((uint)token >= (uint)Config.VocabularyRows)
            throw new ArgumentProblemException($"{token} is outside the model's vocabulary of {Config.VocabularyRows}", "token");
        var table = _weights.Unembedding;
        var row = new float[Config.Width];
        fixed (float* target = row)
            Conversions.Widen(table.Pointer + (long)token * Config.Width * table.Type.Size(), table.Type, target, Config.Width);
        return row;
    }

    /// <summary>The gains of the final norm, 1 + weight.</summary>
    internal ReadOnlySpan<float> FinalGain => _weights.FinalGain;
}
