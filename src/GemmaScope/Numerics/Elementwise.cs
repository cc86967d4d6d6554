using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;

namespace GemmaScope.Numerics;

/// <summary>
/// The elementwise steps of a Gemma forward pass (METHODS §1.2), on the calling thread. All spans of a call have
/// one length; outputs may be the inputs' memory. NaN goes through.
/// </summary>
public static class Elementwise
{
    /// <summary>normalized = x · rsqrt(mean(x²) + eps); sums in f64.</summary>
    public static void Normalize(ReadOnlySpan<float> x, float epsilon, Span<float> normalized) =>
        TensorPrimitives.Multiply(x, (float)(1 / Math.Sqrt(SumOfSquares(x) / x.Length + epsilon)), normalized);

    /// <summary>y = x · rsqrt(mean(x²) + eps) · (1 + gain).</summary>
    public static void RmsNorm(ReadOnlySpan<float> x, ReadOnlySpan<float> onePlusGain, float epsilon, Span<float> y)
    {
        Normalize(x, epsilon, y);
        TensorPrimitives.Multiply(y[..x.Length], onePlusGain, y);
    }

    /// <summary>sum = x + y.</summary>
    public static void Add(ReadOnlySpan<float> x, ReadOnlySpan<float> y, Span<float> sum) => TensorPrimitives.Add(x, y, sum);

    /// <summary>product = gelu_tanh(gate) · up.</summary>
    public static void GeluTanhMultiply(ReadOnlySpan<float> gate, ReadOnlySpan<float> up, Span<float> product) =>
        Map<GeluTanhTimes>(gate, up, product, default);

    /// <summary>x = cap · tanh(x / cap), in place.</summary>
    public static void SoftCap(Span<float> x, float cap) => Map(x, x, x, new Cap(cap));

    /// <summary>Soft-max in place; −∞ gives 0. The sum is taken in f64.</summary>
    public static void SoftMax(Span<float> x)
    {
        if (x.IsEmpty)
            return;
        Map(x, x, x, new ExpOfDifference(TensorPrimitives.Max<float>(x)));
        TensorPrimitives.Multiply(x, (float)(1 / Sum(x)), x);
    }

    /// <summary>
    /// Rotary position embedding of one head, half-split layout: y_j = x_j cos_j − x_{j+h/2} sin_j and
    /// y_{j+h/2} = x_{j+h/2} cos_j + x_j sin_j, in place; cos and sin have half the head's length.
    /// </summary>
    /// <exception cref="ArgumentException">The lengths do not fit.</exception>
    public static void Rope(Span<float> head, ReadOnlySpan<float> cos, ReadOnlySpan<float> sin)
    {
        var half = head.Length / 2;
        if (head.Length % 2 != 0 || cos.Length != half || sin.Length != half)
            throw new ArgumentException($"a head of {head.Length} needs {half} cosines and sines, not {cos.Length} and {sin.Length}");
        Span<float> first = head[..half],
            second = head[half..];
        var j = 0;
        for (; j + Vector<float>.Count <= half; j += Vector<float>.Count)
        {
            Vector<float> a = new(first[j..]),
                b = new(second[j..]),
                c = new(cos[j..]),
                s = new(sin[j..]);
            (a * c - b * s).CopyTo(first[j..]);
            (b * c + a * s).CopyTo(second[j..]);
        }
        for (; j < half; j++)
            (first[j], second[j]) = (first[j] * cos[j] - second[j] * sin[j], second[j] * cos[j] + first[j] * sin[j]);
    }

    private static double SumOfSquares(ReadOnlySpan<float> x)
    {
        Vector<double> low = default,
            high = default;
        var i = 0;
        for (; i + Vector<float>.Count <= x.Length; i += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(x[i..]), out var a, out var b);
            low += a * a;
            high += b * b;
        }
        var sum = Vector.Sum(low + high);
        for (; i < x.Length; i++)
            sum += (double)x[i] * x[i];
        return sum;
    }

    private static double Sum(ReadOnlySpan<float> x)
    {
        Vector<double> low = default,
            high = default;
        var i = 0;
        for (; i + Vector<float>.Count <= x.Length; i += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(x[i..]), out var a, out var b);
            low += a;
            high += b;
        }
        var sum = Vector.Sum(low + high);
        for (; i < x.Length; i++)
            sum += x[i];
        return sum;
    }

    /// <summary>A function of two numbers, a vector of each at a time.</summary>
    private interface IFunction
    {
        Vector<float> Of(Vector<float> x, Vector<float> y);
    }

    /// <summary>target = f(x, y); the last, incomplete vector goes through a padded copy, so its values are computed alike.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Map<TFunction>(ReadOnlySpan<float> x, ReadOnlySpan<float> y, Span<float> target, TFunction f)
        where TFunction : struct, IFunction
    {
        if (y.Length != x.Length || target.Length < x.Length)
            throw new ArgumentException($"lengths {x.Length}, {y.Length} and {target.Length} do not fit");
        var i = 0;
        for (; i + Vector<float>.Count <= x.Length; i += Vector<float>.Count)
            f.Of(new(x[i..]), new(y[i..])).CopyTo(target[i..]);
        if (i == x.Length)
            return;
        Span<float> lastX = stackalloc float[Vector<float>.Count],
            lastY = stackalloc float[Vector<float>.Count];
        lastX.Clear();
        lastY.Clear();
        x[i..].CopyTo(lastX);
        y[i..].CopyTo(lastY);
        f.Of(new(lastX), new(lastY)).CopyTo(lastX);
        lastX[..(x.Length - i)].CopyTo(target[i..]);
    }

    private readonly struct Cap(float cap) : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector<float> Of(Vector<float> x, Vector<float> y) => new Vector<float>(cap) * VectorMath.Tanh(x / new Vector<float>(cap));
    }

    private readonly struct ExpOfDifference(float max) : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector<float> Of(Vector<float> x, Vector<float> y) => VectorMath.Exp(x - new Vector<float>(max));
    }

    private readonly struct GeluTanhTimes : IFunction
    {
        private const float TwoRootTwoOverPi = 1.5957691216057308f;

        // ½ u (1 + tanh z) = u / (1 + e^−2z): no cancellation where tanh nears −1.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector<float> Of(Vector<float> u, Vector<float> up)
        {
            var slope = Vector.MultiplyAddEstimate(u * u, new(-0.044715f * TwoRootTwoOverPi), new(-TwoRootTwoOverPi));
            return u * up / (Vector<float>.One + VectorMath.Exp(u * slope));
        }
    }
}
