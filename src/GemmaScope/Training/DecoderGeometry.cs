using System.Numerics.Tensors;

namespace GemmaScope.Training;

/// <summary>Norms of decoder vectors and what keeps them 1 (METHODS §2.3).</summary>
internal static class DecoderGeometry
{
    /// <summary>‖w‖, or the sum of the norms of its parts of <paramref name="layer"/> numbers.</summary>
    public static float Norm(ReadOnlySpan<float> w, int layer)
    {
        float sum = 0;
        for (var at = 0; at < w.Length; at += layer)
            sum += TensorPrimitives.Norm(w.Slice(at, layer));
        return sum;
    }

    /// <summary>Adds factor · ∂Norm/∂w to a gradient.</summary>
    public static void AddNormGradient(ReadOnlySpan<float> w, int layer, float factor, Span<float> gradient)
    {
        for (var at = 0; at < w.Length; at += layer)
        {
            var norm = TensorPrimitives.Norm(w.Slice(at, layer));
            var part = gradient.Slice(at, layer);
            if (norm > 0)
                TensorPrimitives.MultiplyAdd(w.Slice(at, layer), factor / norm, part, part);
        }
    }

    /// <summary>Removes from a gradient its part along w.</summary>
    public static void Project(ReadOnlySpan<float> w, Span<float> gradient)
    {
        var square = TensorPrimitives.SumOfSquares(w);
        if (square > 0)
            TensorPrimitives.MultiplyAdd(w, -TensorPrimitives.Dot(w, gradient) / square, gradient, gradient);
    }

    /// <summary>Makes w a unit vector; zeros stay.</summary>
    public static void Normalise(Span<float> w)
    {
        var norm = TensorPrimitives.Norm<float>(w);
        if (norm > 0)
            TensorPrimitives.Divide(w, norm, w);
    }
}
