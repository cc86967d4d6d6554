using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>Where a run takes up an earlier one of the same tokens, which is unchanged before: nothing is computed twice.</summary>
/// <param name="Layer">The first layer to compute, from 1 on; edits at resid_post of the one before are applied first.</param>
/// <param name="Residual">[rows, d] resid_post of the layer before.</param>
internal readonly record struct ResumePoint(int Layer, MatrixView Residual)
{
    /// <summary>The first layer that an edit at this site changes; 0 where only a whole run will do.</summary>
    public static int LayerOf(Site site) =>
        site switch
        {
            { Kind: SiteKind.ResidPost, Layer: { } layer } => layer + 1,
            _ => site.Layer ?? 0,
        };
}
