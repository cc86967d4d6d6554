using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Models;

public sealed partial class GemmaModel
{
    /// <summary>
    /// The direction along which the last residual, divided by its root mean square, raises one raw logit over another: (1 + gain) ⊙ (row −
    /// other row)
    /// of the unembedding. Raw: before the final cap.
    /// </summary>
    internal float[] LogitDirection(int token, int other)
    {
        var (direction, subtracted) = (new float[Config.Width], new float[Config.Width]);
        _weights.Embedding.WidenRow(token, direction);
        _weights.Embedding.WidenRow(other, subtracted);
        TensorPrimitives.Subtract(direction, subtracted, direction);
        TensorPrimitives.Multiply(direction, _weights.FinalGain, direction);
        return direction;
    }
}
