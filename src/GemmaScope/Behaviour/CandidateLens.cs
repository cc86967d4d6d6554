using System.Numerics.Tensors;
using GemmaScope.Lenses;
using GemmaScope.Models;

namespace GemmaScope.Behaviour;

/// <summary>
/// What a lens reads of a few tokens alone: the product of the residual stream with the direction that the lens reads as each token. For a
/// handful of candidates it ranks as the logits do, without the logits of a whole vocabulary.
/// </summary>
public sealed class CandidateLens
{
    private readonly Dictionary<int, float[][]> _directions = [];

    /// <summary>Prepares the directions of all layers that the lens can read, and the last.</summary>
    /// <param name="model">The model.</param>
    /// <param name="lens">The lens.</param>
    /// <param name="tokens">The candidates.</param>
    /// <exception cref="ArgumentProblemException">The lens is of another model.</exception>
    public CandidateLens(GemmaModel model, Lens lens, IReadOnlyList<int> tokens)
    {
        lens.Check(model.Config);
        foreach (var layer in lens.LayersOf(model.Config).Append(model.Config.Layers - 1))
            _directions[layer] = [.. tokens.Select(token => lens.Direction(model, layer, token, withGain: true))];
    }

    /// <summary>The layers it reads behind.</summary>
    public IEnumerable<int> Layers => _directions.Keys.Order();

    /// <summary>The product of a row with each candidate's direction, the row made as long as 1: the norm before the head would do
    /// so.</summary>
    /// <param name="layer">The layer behind which the row was read.</param>
    /// <param name="row">The residual stream of a token.</param>
    public double[] Scores(int layer, ReadOnlySpan<float> row)
    {
        var norm = Math.Max(TensorPrimitives.Norm(row), float.Epsilon);
        var directions = _directions[layer];
        var scores = new double[directions.Length];
        for (var i = 0; i < scores.Length; i++)
            scores[i] = TensorPrimitives.Dot(row, directions[i]) / norm;
        return scores;
    }
}
