namespace GemmaScope.Tests.Numerics;

/// <summary>Numerical derivatives in f64: what analytic gradients are checked against.</summary>
internal static class CentralDifferences
{
    /// <summary>Gradient of a function at x; error of order step².</summary>
    public static double[] Gradient(Func<double[], double> function, double[] x, double step = 1e-4)
    {
        var gradient = new double[x.Length];
        for (var i = 0; i < x.Length; i++)
        {
            var (up, down) = ((double[])x.Clone(), (double[])x.Clone());
            up[i] += step;
            down[i] -= step;
            gradient[i] = (function(up) - function(down)) / (2 * step);
        }
        return gradient;
    }

    /// <summary>Values of about unit size.</summary>
    public static double[] Values(Random random, int count, double scale = 1) =>
        [.. Enumerable.Range(0, count).Select(_ => (double)(float)(scale * (2 * random.NextDouble() - 1)))];

    public static float[] Single(double[] values) => Array.ConvertAll(values, v => (float)v);

    /// <summary>Asserts max |got − want| ≤ tolerance · max(1, max |want|).</summary>
    public static void AssertClose(double[] want, ReadOnlySpan<float> got, double tolerance = 1e-5)
    {
        Xunit.Assert.Equal(want.Length, got.Length);
        var scale = Math.Max(1, want.Max(Math.Abs));
        for (var i = 0; i < want.Length; i++)
            Xunit.Assert.True(Math.Abs(got[i] - want[i]) <= tolerance * scale, $"element {i}: {got[i]} instead of {want[i]}");
    }
}
