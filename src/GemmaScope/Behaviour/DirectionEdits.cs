using GemmaScope.Models;

namespace GemmaScope.Behaviour;

/// <summary>
/// Edits that take a direction of the residual stream out of a run, or put it in (METHODS §6.6). The three ways to take it out differ on
/// Gemma, whose norms behind attention and MLP bring a part of the direction back if it is taken out before them. None of them changes a
/// weight.
/// </summary>
public static class DirectionEdits
{
    /// <summary>Takes the direction out of block inputs and of all that is added to the residual stream, after the post-norms: nothing of it is
    /// left anywhere.</summary>
    /// <param name="config">The model's configuration.</param>
    /// <param name="direction">The direction, of any length.</param>
    /// <param name="strength">How much of it: 0 nothing, 1 all, 2 turns it round.</param>
    /// <exception cref="ArgumentProblemException">The direction is zero, not finite or of another width.</exception>
    public static IReadOnlyList<Edit> AblateWritten(GemmaConfig config, ReadOnlyMemory<float> direction, double strength = 1) =>
        Without(WrittenSites(config), config, direction, strength);

    /// <summary>Takes it out of block inputs and of what attention and MLP give out before the post-norms, where hooks on those modules
    /// act.</summary>
    /// <inheritdoc cref="AblateWritten"/>
    public static IReadOnlyList<Edit> AblateModuleOutputs(GemmaConfig config, ReadOnlyMemory<float> direction, double strength = 1) =>
        Without(
            [.. Layers(config, layer => [Site.ResidPre(layer), new(SiteKind.AttnOutRaw, layer), new(SiteKind.MlpOutRaw, layer)])],
            config,
            direction,
            strength
        );

    /// <summary>Takes it out of the embeddings and of what attention and MLP give out before the post-norms: what weights do that were
    /// orthogonalised, where the head is not tied to the embedding.</summary>
    /// <inheritdoc cref="AblateWritten"/>
    public static IReadOnlyList<Edit> AblateEmbeddingAndRawOutputs(
        GemmaConfig config,
        ReadOnlyMemory<float> direction,
        double strength = 1
    ) =>
        Without(
            [Site.Embed, .. Layers(config, layer => [new(SiteKind.AttnOutRaw, layer), new(SiteKind.MlpOutRaw, layer)])],
            config,
            direction,
            strength
        );

    /// <summary>Adds the direction as it is, times a strength, to the input of a layer.</summary>
    /// <param name="config">The model's configuration.</param>
    /// <param name="layer">The layer the direction was read before.</param>
    /// <param name="direction">The direction.</param>
    /// <param name="strength">How often; below 0 it is subtracted.</param>
    /// <param name="positions">At which positions; null for all, BOS included.</param>
    /// <exception cref="ArgumentProblemException">There is no such layer, or the direction is not finite or of another width.</exception>
    public static IReadOnlyList<Edit> Add(
        GemmaConfig config,
        int layer,
        ReadOnlyMemory<float> direction,
        double strength = 1,
        Positions? positions = null
    )
    {
        Check(config, direction);
        CheckLayer(config, layer);
        return [Edit.Add(Site.ResidPre(layer), direction, (float)strength, positions)];
    }

    /// <summary>Holds the input of a layer at or above a projection on the direction: what lies below is lifted to it, and the rest is left
    /// alone (METHODS §6.5, a cap along the opposite direction).</summary>
    /// <param name="config">The model's configuration.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="direction">The direction, of any length.</param>
    /// <param name="floor">The least projection on its unit vector.</param>
    /// <param name="positions">At which positions; null for all, BOS included.</param>
    /// <exception cref="ArgumentProblemException">There is no such layer, or the direction is zero, not finite or of another width.</exception>
    public static IReadOnlyList<Edit> HoldAbove(
        GemmaConfig config,
        int layer,
        ReadOnlyMemory<float> direction,
        double floor,
        Positions? positions = null
    )
    {
        Check(config, direction);
        CheckLayer(config, layer);
        return [Edit.Cap(Site.ResidPre(layer), Array.ConvertAll(direction.ToArray(), value => -value), (float)-floor, positions)];
    }

    /// <summary>Where the residual stream can receive a direction: block inputs, and what attention and MLPs add.</summary>
    internal static IEnumerable<Site> WrittenSites(GemmaConfig config) =>
        Layers(config, layer => [Site.ResidPre(layer), Site.AttnOut(layer), Site.MlpOut(layer)]);

    /// <summary>Refuses what is no direction of this model's residual stream.</summary>
    internal static void Check(GemmaConfig config, ReadOnlyMemory<float> direction)
    {
        if (direction.Length != config.Width)
            throw new ArgumentProblemException(
                $"has {direction.Length} numbers, the residual stream of this model {config.Width}; it is of another model",
                "direction"
            );
        foreach (var value in direction.Span)
            if (!float.IsFinite(value))
                throw new ArgumentProblemException("must be finite", "direction");
    }

    private static void CheckLayer(GemmaConfig config, int layer)
    {
        if ((uint)layer >= (uint)config.Layers)
            throw new ArgumentProblemException($"there is no layer {layer}; the model has 0 to {config.Layers - 1}", "layer");
    }

    private static Edit[] Without(IEnumerable<Site> sites, GemmaConfig config, ReadOnlyMemory<float> direction, double strength)
    {
        Check(config, direction);
        return [.. sites.Select(site => Edit.ScaleWithin(site, [direction], (float)(1 - strength)))];
    }

    private static IEnumerable<Site> Layers(GemmaConfig config, Func<int, Site[]> sites) =>
        Enumerable.Range(0, config.Layers).SelectMany(sites);
}
