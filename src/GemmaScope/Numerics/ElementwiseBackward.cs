using System.Numerics.Tensors;

namespace GemmaScope.Numerics;

/// <summary>
/// The derivatives of the steps in <see cref="Elementwise"/>: each turns the gradient at a step's output into the gradient at its
/// input, on the calling thread. Sums are taken in f64.
/// </summary>
public static class ElementwiseBackward
{
    /// <summary>
    /// Backward of n = x · r with r = rsqrt(mean(x²) + eps): dx = r · (dn − n · mean(n ⊙ dn)).
    /// </summary>
    /// <param name="x">Input of the norm.</param>
    /// <param name="epsilon">Inside the root.</param>
    /// <param name="gradient">dn, overwritten by dx.</param>
    public static void Normalize(ReadOnlySpan<float> x, float epsilon, Span<float> gradient)
    {
        double squares = 0,
            product = 0;
        for (var i = 0; i < x.Length; i++)
        {
            squares += (double)x[i] * x[i];
            product += (double)x[i] * gradient[i];
        }
        var square = 1 / (squares / x.Length + epsilon);
        var (scale, along) = ((float)Math.Sqrt(square), (float)(square * product / x.Length));
        for (var i = 0; i < x.Length; i++)
            gradient[i] = scale * (gradient[i] - along * x[i]);
    }

    /// <summary>r = rsqrt(mean(x²) + eps): what the backward of a norm multiplies by when its denominator is a constant.</summary>
    public static float InverseRms(ReadOnlySpan<float> x, float epsilon)
    {
        double squares = 0;
        foreach (var v in x)
            squares += (double)v * v;
        return (float)(1 / Math.Sqrt(squares / x.Length + epsilon));
    }

    /// <summary>Backward of product = gelu_tanh(gate) · up.</summary>
    /// <param name="gate">Gate before the activation.</param>
    /// <param name="up">Up projection.</param>
    /// <param name="gradient">Gradient at the product.</param>
    /// <param name="gateGradient">Gradient at the gate; may be <paramref name="gradient"/>.</param>
    /// <param name="upGradient">Gradient at the up projection.</param>
    public static void GeluTanhMultiply(
        ReadOnlySpan<float> gate,
        ReadOnlySpan<float> up,
        ReadOnlySpan<float> gradient,
        Span<float> gateGradient,
        Span<float> upGradient
    )
    {
        const float a = 0.7978845608028654f,
            b = 0.044715f; // √(2/π) and the cubic term (METHODS §1.2)
        for (var i = 0; i < gate.Length; i++)
        {
            var (u, g) = (gate[i], gradient[i]);
            var tanh = MathF.Tanh(a * (u + b * u * u * u));
            var slope = 0.5f * (1 + tanh) + 0.5f * u * (1 - tanh * tanh) * a * (1 + 3 * b * u * u);
            upGradient[i] = g * 0.5f * u * (1 + tanh);
            gateGradient[i] = g * slope * up[i];
        }
    }

    /// <summary>Backward of c = cap · tanh(x / cap), from its output: dx = dc · (1 − (c / cap)²), in place.</summary>
    public static void SoftCap(ReadOnlySpan<float> capped, float cap, Span<float> gradient)
    {
        for (var i = 0; i < capped.Length; i++)
        {
            var ratio = capped[i] / cap;
            gradient[i] *= 1 - ratio * ratio;
        }
    }

    /// <summary>Backward of a soft-max, from its output p: ds = p ⊙ (dp − p · dp), in place. Masked entries (p = 0) get 0.</summary>
    public static void SoftMax(ReadOnlySpan<float> probabilities, Span<float> gradient)
    {
        double product = 0;
        for (var i = 0; i < probabilities.Length; i++)
            product += (double)probabilities[i] * gradient[i];
        TensorPrimitives.Subtract(gradient, (float)product, gradient);
        TensorPrimitives.Multiply(gradient, probabilities, gradient);
    }

    /// <summary>Backward of RoPE: the rotation by the opposite angle, in place.</summary>
    public static void Rope(Span<float> gradient, ReadOnlySpan<float> cos, ReadOnlySpan<float> sin)
    {
        var half = gradient.Length / 2;
        for (var j = 0; j < half; j++)
        {
            var (a, b) = (gradient[j], gradient[j + half]);
            gradient[j] = a * cos[j] + b * sin[j];
            gradient[j + half] = b * cos[j] - a * sin[j];
        }
    }

    /// <summary>
    /// −log softmax(cap · tanh(logits / cap))[token] in nats, and its gradient at the raw logits: (softmax − one-hot) · (1 − (c / cap)²).
    /// </summary>
    /// <param name="logits">Raw logits of one position, overwritten by the gradient.</param>
    /// <param name="token">The token that followed.</param>
    /// <param name="cap">Final soft cap, or null for none.</param>
    /// <param name="weight">The gradient is multiplied by it (one over the number of positions, for a mean).</param>
    public static double CrossEntropy(Span<float> logits, int token, float? cap, float weight)
    {
        if (cap is float limit)
            Elementwise.SoftCap(logits, limit);
        double max = TensorPrimitives.Max<float>(logits),
            sum = 0;
        foreach (var logit in logits)
            sum += Math.Exp(logit - max);
        var loss = Math.Log(sum) + max - logits[token];
        for (var i = 0; i < logits.Length; i++)
        {
            var ratio = cap is float c ? logits[i] / c : 0;
            logits[i] = (float)((Math.Exp(logits[i] - max) / sum - (i == token ? 1 : 0)) * weight * (1 - ratio * ratio));
        }
        return loss;
    }
}
