using GemmaScope.Lenses;
using GemmaScope.Models;

namespace GemmaScope.Behaviour;

/// <summary>
/// A token that a model knows and does not say, made by edits: its direction is added behind one layer, and taken out behind the last, before
/// the head reads it. A readout of hidden knowledge has to find it between the two, and nothing where only the second edit is made.
/// </summary>
public static class PlantedToken
{
    private static readonly LogitLens Head = new();

    /// <summary>The direction along which the head reads a token.</summary>
    /// <param name="model">The model.</param>
    /// <param name="token">The token.</param>
    public static float[] Direction(GemmaModel model, int token) => Head.Direction(model, model.Config.Layers - 1, token, withGain: true);

    /// <summary>Adds a token's direction behind a layer, but not at BOS.</summary>
    /// <param name="model">The model.</param>
    /// <param name="token">The token.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="length">How long the direction is made.</param>
    /// <exception cref="ArgumentProblemException">There is no such layer before the last.</exception>
    public static Edit Plant(GemmaModel model, int token, int layer, double length)
    {
        if ((uint)layer >= (uint)(model.Config.Layers - 1))
            throw new ArgumentProblemException(
                $"is {layer}; a token is planted behind a layer before the last, 0 to {model.Config.Layers - 2}",
                "layer"
            );
        var direction = Direction(model, token);
        var norm = Math.Sqrt(direction.Sum(value => (double)value * value));
        return Edit.Add(Site.ResidPost(layer), direction, (float)(length / norm), 1..);
    }

    /// <summary>Takes a token's direction out behind the last layer.</summary>
    /// <param name="model">The model.</param>
    /// <param name="token">The token.</param>
    public static Edit Suppress(GemmaModel model, int token) =>
        Edit.ProjectOut(Site.ResidPost(model.Config.Layers - 1), Direction(model, token));
}
