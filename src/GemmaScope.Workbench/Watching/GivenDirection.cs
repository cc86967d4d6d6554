using GemmaScope.Behaviour;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>A direction from a file, found to fit a model.</summary>
internal static class GivenDirection
{
    /// <summary>Reads a direction.</summary>
    /// <param name="file">A file of directions, or a folder that holds one, as that of a study does.</param>
    /// <param name="model">The model.</param>
    /// <exception cref="ArgumentProblemException">It is of another width, or of a layer that the model does not have.</exception>
    /// <exception cref="FileFormatException">It cannot be read.</exception>
    public static StoredDirection Read(string file, GemmaModel model)
    {
        var stored = DirectionFile.Read(file);
        if (stored.Vector.Length != model.Config.Width)
            throw new ArgumentProblemException(
                $"has {stored.Vector.Length} numbers, the model's residual stream {model.Config.Width}; it is of another model",
                file
            );
        if (stored.Layer >= model.Config.Layers)
            throw new ArgumentProblemException($"is of layer {stored.Layer}; the model has 0 to {model.Config.Layers - 1}", file);
        return stored;
    }

    /// <summary>The layer of a direction.</summary>
    /// <exception cref="ArgumentProblemException">No file says it.</exception>
    public static int LayerOf(StoredDirection direction, string file) =>
        direction.Layer ?? throw new ArgumentProblemException("no file beside it says of which layer it is (layer and pos)", file);
}
