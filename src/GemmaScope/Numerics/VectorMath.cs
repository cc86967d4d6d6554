using System.Numerics;
using System.Runtime.CompilerServices;

namespace GemmaScope.Numerics;

/// <summary>
/// exp and tanh of f32 vectors, within some 2 ulp: x = n·ln 2 + r, |r| ≤ ln 2 / 2, and the Taylor series of e^r − 1 to r⁷.
/// NaN gives NaN.
/// </summary>
internal static class VectorMath
{
    /// <summary>e^x; 0 below −87.3 (e^−∞ included), where f32 ends, and e^88 above 88.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Exp(Vector<float> x)
    {
        var low = new Vector<float>(-87.3f);
        var tooSmall = Vector.LessThan(x, low);
        var (power, less) = PowerAndLess(Between(low, x, new(88f)));
        return Vector.ConditionalSelect(tooSmall, Vector<float>.Zero, Vector.MultiplyAddEstimate(power, less, power));
    }

    /// <summary>tanh x = t / (t + 2) with t = e^2x − 1, which keeps its relative precision near zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<float> Tanh(Vector<float> x)
    {
        // tanh 10 is 1 in f32.
        var (power, less) = PowerAndLess(Between(new(-20f), x + x, new(20f)));
        var t = Vector.MultiplyAddEstimate(power, less, power - Vector<float>.One);
        return t / (t + new Vector<float>(2));
    }

    // Comparisons with NaN are false, so NaN passes.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Between(Vector<float> low, Vector<float> x, Vector<float> high)
    {
        x = Vector.ConditionalSelect(Vector.LessThan(x, low), low, x);
        return Vector.ConditionalSelect(Vector.GreaterThan(x, high), high, x);
    }

    /// <summary>2^n and e^r − 1, so that e^x = 2^n · (1 + (e^r − 1)).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector<float> Power, Vector<float> Less) PowerAndLess(Vector<float> x)
    {
        var n = Vector.Floor(Vector.MultiplyAddEstimate(x, new(1.44269504f), new(0.5f)));
        // ln 2 in two parts, the first short enough for exact products.
        var r = x - n * new Vector<float>(0.693359375f);
        r = Vector.MultiplyAddEstimate(n, new(2.12194440e-4f), r);
        var p = Vector.MultiplyAddEstimate(r, new(1f / 5040), new(1f / 720));
        p = Vector.MultiplyAddEstimate(p, r, new(1f / 120));
        p = Vector.MultiplyAddEstimate(p, r, new(1f / 24));
        p = Vector.MultiplyAddEstimate(p, r, new(1f / 6));
        p = Vector.MultiplyAddEstimate(p, r, new(1f / 2));
        p = Vector.MultiplyAddEstimate(p, r * r, r);
        return (Vector.AsVectorSingle((Vector.ConvertToInt32(n) + new Vector<int>(127)) << 23), p);
    }
}
