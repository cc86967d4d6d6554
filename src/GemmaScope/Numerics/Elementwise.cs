namespace GemmaScope.Numerics;

/// <summary>The elementwise steps of a Gemma forward pass (METHODS §1.2), on the calling thread.</summary>
public static class Elementwise
{
    /// <summary>normalized = x · rsqrt(mean(x²) + eps); sums in f64.</summary>
    public static void Normalize(ReadOnlySpan<float> x, float epsilon, Span<float> normalized)
    {
        double sum = 0;
        foreach (var v in x) sum += (double)v * v;
        var scale = (float)(1 / Math.Sqrt(sum / x.Length + epsilon));
        for (var i = 0; i < x.Length; i++) normalized[i] = x[i] * scale;
    }

    /// <summary>y = x · rsqrt(mean(x²) + eps) · (1 + gain).</summary>
    public static void RmsNorm(ReadOnlySpan<float> x, ReadOnlySpan<float> onePlusGain, float epsilon, Span<float> y)
    {
        Normalize(x, epsilon, y);
        for (var i = 0; i < x.Length; i++) y[i] *= onePlusGain[i];
    }

    /// <summary>product = gelu_tanh(gate) · up; may write over either input.</summary>
    public static void GeluTanhMultiply(ReadOnlySpan<float> gate, ReadOnlySpan<float> up, Span<float> product)
    {
        for (var i = 0; i < gate.Length; i++)
        {
            var u = gate[i];
            product[i] = 0.5f * u * (1 + MathF.Tanh(0.7978845608028654f * (u + 0.044715f * u * u * u))) * up[i];
        }
    }

    /// <summary>x = cap · tanh(x / cap), in place.</summary>
    public static void SoftCap(Span<float> x, float cap)
    {
        for (var i = 0; i < x.Length; i++) x[i] = cap * MathF.Tanh(x[i] / cap);
    }

    /// <summary>Soft-max in place.</summary>
    public static void SoftMax(Span<float> x)
    {
        var max = float.NegativeInfinity;
        foreach (var v in x) max = MathF.Max(max, v);
        double sum = 0;
        for (var i = 0; i < x.Length; i++) sum += x[i] = MathF.Exp(x[i] - max);
        for (var i = 0; i < x.Length; i++) x[i] = (float)(x[i] / sum);
    }

    /// <summary>RoPE of one head, half-split: pairs (j, j + h/2).</summary>
    public static void Rope(Span<float> head, ReadOnlySpan<float> cos, ReadOnlySpan<float> sin)
    {
        var half = head.Length / 2;
        for (var j = 0; j < half; j++)
        {
            var (a, b) = (head[j], head[j + half]);
            head[j] = a * cos[j] - b * sin[j];
            head[j + half] = b * cos[j] + a * sin[j];
        }
    }
}
