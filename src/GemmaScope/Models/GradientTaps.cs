using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>
/// Where gradients enter and leave one backward pass, as <see cref="RunHooks"/> is for activations: at the target's site its own
/// gradient is added, and at the sites asked for what has arrived is copied.
/// </summary>
internal sealed class GradientTaps(Site target, MatrixView seed, IReadOnlyDictionary<Site, Tensor> kept)
{
    /// <summary>The pass has the whole gradient with respect to a site's activations, but for the target's own part.</summary>
    public void At(SiteKind kind, int layer, MatrixView gradient)
    {
        var site = new Site(kind, layer);
        if (site == target)
            for (var i = 0; i < gradient.Rows; i++)
                TensorPrimitives.Add(gradient.Row(i), seed.Row(i), gradient.Row(i));
        if (!kept.TryGetValue(site, out var copy))
            return;
        var rows = SavedActivations.Rows(copy, gradient.Rows);
        for (var i = 0; i < gradient.Rows; i++)
            gradient.Row(i).CopyTo(rows.Row(i));
    }
}
