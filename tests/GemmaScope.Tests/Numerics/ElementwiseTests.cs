using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Numerics;

public class ElementwiseTests
{
    private static readonly int[] Lengths = [1, 2, 7, 8, 9, 16, 31, 64, 100, 2304];

    private static float[] Random(int length, double scale = 1, int seed = 5)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => (float)((random.NextDouble() * 2 - 1) * scale))];
    }

    private static void Near(Func<int, double> expected, ReadOnlySpan<float> actual, double tolerance)
    {
        for (var i = 0; i < actual.Length; i++)
        {
            var error = Math.Abs(actual[i] - expected(i));
            Assert.True(error <= tolerance, $"element {i} of {actual.Length}: {actual[i]:R}, expected {expected(i):R}");
        }
    }

    [Fact]
    public void rms_norm_agrees_with_double_precision()
    {
        foreach (var n in Lengths)
        {
            var (x, gain, y) = (Random(n, 30), Random(n, 2, seed: 6), new float[n]);
            var rms = Math.Sqrt(x.Sum(v => (double)v * v) / n + 1e-6);
            Elementwise.Normalize(x, 1e-6f, y);
            Near(i => x[i] / rms, y, 4e-7);
            Elementwise.RmsNorm(x, gain, 1e-6f, y);
            Near(i => x[i] / rms * gain[i], y, 8e-7);
        }
    }

    [Fact]
    public void gelu_times_up_agrees_with_double_precision_over_the_whole_range()
    {
        foreach (var (n, scale) in Lengths.Select(n => (n, 6.0)).Append((5000, 0.01)).Append((5000, 30)).Append((1000, 1e4)))
        {
            var (gate, up) = (Random(n, scale), Random(n, 1, seed: 6));
            var product = new float[n];
            Elementwise.GeluTanhMultiply(gate, up, product);
            Near(i => Gelu(gate[i]) * up[i], product, 3e-7 * scale);
            Elementwise.GeluTanhMultiply(gate, up, up);
            Assert.Equal(product, up);
        }
    }

    private static double Gelu(double u) => 0.5 * u * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (u + 0.044715 * u * u * u)));

    [Fact]
    public void soft_cap_keeps_relative_precision_for_small_numbers_and_saturates_for_large_ones()
    {
        foreach (var scale in new[] { 1e-3, 1.0, 50, 300, 1e4, 1e30 })
        foreach (var n in Lengths)
        {
            var x = Random(n, scale);
            var capped = x.ToArray();
            Elementwise.SoftCap(capped, 50);
            for (var i = 0; i < n; i++)
            {
                var expected = 50 * Math.Tanh(x[i] / 50.0);
                Assert.InRange(capped[i] / expected, 1 - 5e-7, 1 + 5e-7);
                Assert.InRange(capped[i], -50f, 50f);
            }
        }
    }

    [Fact]
    public void soft_max_agrees_with_double_precision_and_gives_masked_entries_exactly_zero()
    {
        foreach (var (n, scale) in Lengths.SelectMany(n => new[] { (n, 1.0), (n, 50), (n, 1e4) }))
        {
            var x = Random(n, scale);
            for (var i = 1; i < n; i += 3)
                x[i] = float.NegativeInfinity;
            var e = x.Select(v => Math.Exp((double)v - x.Max())).ToArray();
            var sum = e.Sum();
            Elementwise.SoftMax(x);
            Near(i => e[i] / sum, x, 2e-7);
            for (var i = 1; i < n; i += 3)
                Assert.Equal(0, x[i]);
            Assert.InRange(x.Sum(v => (double)v), 1 - 1e-6, 1 + 1e-6);
        }
    }

    [Fact]
    public void rope_rotates_pairs_half_a_head_apart()
    {
        foreach (var half in new[] { 1, 3, 8, 16, 20, 128 })
        {
            var x = Random(2 * half);
            float[] cos = [.. Random(half, 3, 7).Select(MathF.Cos)],
                sin = [.. Random(half, 3, 7).Select(MathF.Sin)];
            var y = x.ToArray();
            Elementwise.Rope(y, cos, sin);
            Near(j => x[j] * (double)cos[j] - x[j + half] * (double)sin[j], y.AsSpan(0, half), 2e-7);
            Near(j => x[j + half] * (double)cos[j] + x[j] * (double)sin[j], y.AsSpan(half), 2e-7);
        }
        Assert.Throws<ArgumentException>(() => Elementwise.Rope(new float[8], new float[3], new float[4]));
    }

    [Fact]
    public void nan_is_never_hidden()
    {
        foreach (var n in new[] { 3, 64 })
        {
            float[] Poisoned()
            {
                var x = Random(n);
                x[n - 1] = float.NaN;
                return x;
            }
            float[] normalized = Poisoned(),
                capped = Poisoned(),
                weights = Poisoned(),
                gate = Poisoned();
            Elementwise.Normalize(normalized, 1e-6f, normalized);
            Elementwise.SoftCap(capped, 30);
            Elementwise.SoftMax(weights);
            Elementwise.GeluTanhMultiply(gate, Random(n), gate);
            Assert.All(normalized, v => Assert.True(float.IsNaN(v)));
            Assert.All(weights, v => Assert.True(float.IsNaN(v)));
            Assert.True(float.IsNaN(capped[n - 1]) && float.IsNaN(gate[n - 1]));
            Assert.True(float.IsFinite(capped[0]) && float.IsFinite(gate[0]));
        }
    }
}
