using System.Numerics;
using System.Runtime.InteropServices;

namespace GemmaScope.Activations;

/// <summary>‖x‖² with the sum kept in f64: millions of them are added up.</summary>
internal static class SquaredNorm
{
    public static double Of(ReadOnlySpan<float> x)
    {
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(x);
        Vector<double> low = default,
            high = default;
        foreach (var vector in vectors)
        {
            Vector.Widen(vector, out var first, out var second);
            low += first * first;
            high += second * second;
        }
        var sum = Vector.Sum(low + high);
        foreach (var value in x[(vectors.Length * Vector<float>.Count)..])
            sum += (double)value * value;
        return sum;
    }
}
