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
    internal unsafe float[] LogitDirection(int token, int other)
    {
        var (direction, subtracted) = (new float[Config.Width], new float[Config.Width]);
        Row(token, direction);
        Row(other, subtracted);
        TensorPrimitives.Subtract(direction, subtracted, direction);
        TensorPrimitives.Multiply(direction, _weights.FinalGain, direction);
        return direction;

        void Row(int id, float[] row)
        {
            var table = _weights.Embedding;
            fixed (float* target = row)
                Conversions.Widen(table.Pointer + (long)id * Config.Width * table.Type.Size(), table.Type, target, Config.Width);
        }
    }
}
