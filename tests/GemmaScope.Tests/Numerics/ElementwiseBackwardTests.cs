using GemmaScope.Numerics;
using Xunit;
using static GemmaScope.Tests.Numerics.CentralDifferences;

namespace GemmaScope.Tests.Numerics;

/// <summary>Each derivative against central differences of the same step written in f64: the function is ⟨weights, step(x)⟩.</summary>
public class ElementwiseBackwardTests
{
    private const int N = 14;
    private readonly Random _random = new(5);

    [Theory]
    [InlineData(1, 1e-6f)]
    [InlineData(1e-3, 1e-6f)] // eps decides here
    public void norm(double size, float epsilon)
    {
        var (x, weights) = (Values(_random, N, size), Values(_random, N));
        var gradient = Single(weights);
        ElementwiseBackward.Normalize(Single(x), epsilon, gradient);
        AssertClose(Gradient(v => Dot(weights, Normalized(v, epsilon)), x, 1e-4 * size), gradient);
    }

    [Fact]
    public void frozen_norm_is_the_factor_of_the_forward_norm()
    {
        var x = Single(Values(_random, N));
        var normalized = new float[N];
        Elementwise.Normalize(x, 1e-6f, normalized);
        AssertClose(
            Array.ConvertAll(normalized, v => (double)v),
            Array.ConvertAll(x, v => v * ElementwiseBackward.InverseRms(x, 1e-6f)),
            1e-6
        );
    }

    [Fact]
    public void gated_gelu_in_place()
    {
        var (gate, up, weights) = (Values(_random, N, 3), Values(_random, N), Values(_random, N));
        var (gradient, upGradient) = (Single(weights), new float[N]);
        ElementwiseBackward.GeluTanhMultiply(Single(gate), Single(up), gradient, gradient, upGradient);
        AssertClose(Gradient(v => Dot(weights, Product(v, up)), gate), gradient);
        AssertClose(Gradient(v => Dot(weights, Product(gate, v)), up), upGradient);
    }

    [Fact]
    public void soft_cap()
    {
        const double cap = 5;
        var (x, weights) = (Values(_random, N, 12), Values(_random, N));
        var gradient = Single(weights);
        ElementwiseBackward.SoftCap(Single(Capped(x, cap)), (float)cap, gradient);
        AssertClose(Gradient(v => Dot(weights, Capped(v, cap)), x), gradient);
    }

    [Fact]
    public void soft_max_leaves_masked_entries_at_zero()
    {
        var (x, weights) = (Values(_random, N, 3), Values(_random, N));
        var masked = (double[])x.Clone();
        masked[3] = double.NegativeInfinity;
        var gradient = Single(weights);
        ElementwiseBackward.SoftMax(Single(SoftMax(masked)), gradient);
        AssertClose(
            Gradient(
                v =>
                {
                    v[3] = double.NegativeInfinity;
                    return Dot(weights, SoftMax(v));
                },
                x
            ),
            gradient
        );
        Assert.Equal(0, gradient[3]);
    }

    [Fact]
    public void rotation_backward_undoes_the_rotation()
    {
        var head = Single(Values(_random, N));
        var angles = Values(_random, N / 2, 3);
        var (cos, sin) = (Single(Array.ConvertAll(angles, Math.Cos)), Single(Array.ConvertAll(angles, Math.Sin)));
        var turned = (float[])head.Clone();
        Elementwise.Rope(turned, cos, sin);
        ElementwiseBackward.Rope(turned, cos, sin);
        AssertClose(Array.ConvertAll(head, v => (double)v), turned, 1e-6);
    }

    [Fact]
    public void rotation_backward_is_the_transpose_of_the_rotation()
    {
        var (x, y) = (Single(Values(_random, N)), Single(Values(_random, N)));
        var angles = Values(_random, N / 2, 3);
        var (cos, sin) = (Single(Array.ConvertAll(angles, Math.Cos)), Single(Array.ConvertAll(angles, Math.Sin)));
        var (turned, back) = ((float[])x.Clone(), (float[])y.Clone());
        Elementwise.Rope(turned, cos, sin);
        ElementwiseBackward.Rope(back, cos, sin);
        Assert.Equal(turned.Zip(y, (a, b) => (double)a * b).Sum(), x.Zip(back, (a, b) => (double)a * b).Sum(), 1e-5);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(3f)]
    public void cross_entropy(float? cap)
    {
        const int token = 4;
        var logits = Values(_random, N, 6);
        var gradient = Single(logits);
        var loss = ElementwiseBackward.CrossEntropy(gradient, token, cap, 0.5f);
        Assert.Equal(Loss(logits), loss, 1e-5);
        AssertClose(Gradient(v => 0.5 * Loss(v), logits), gradient);

        double Loss(double[] v) => -Math.Log(SoftMax(cap is float c ? Capped(v, c) : v)[token]);
    }

    [Fact]
    public unsafe void transposed_weights_carry_a_gradient_back_through_a_product()
    {
        const int inputs = 7,
            outputs = 5;
        var (stored, dy) = (Values(_random, outputs * inputs), Values(_random, outputs));
        using var weights = Tensor.From(Single(stored), outputs, inputs);
        var (gradient, output) = (new float[inputs], Single(dy));
        fixed (
            float* g = gradient,
                o = output
        )
            Compute.Kernels.Multiply(
                new(o, 1, outputs, outputs),
                WeightView.Of(weights, WeightLayout.OutIn).Transposed,
                new(g, 1, inputs, inputs),
                Arithmetic.Exact
            );
        AssertClose(
            Gradient(
                x => Enumerable.Range(0, outputs).Sum(n => dy[n] * Enumerable.Range(0, inputs).Sum(k => stored[n * inputs + k] * x[k])),
                Values(_random, inputs)
            ),
            gradient
        );
    }

    private static double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();

    private static double[] Normalized(double[] x, double epsilon)
    {
        var scale = 1 / Math.Sqrt(x.Sum(v => v * v) / x.Length + epsilon);
        return Array.ConvertAll(x, v => v * scale);
    }

    private static double[] Capped(double[] x, double cap) => Array.ConvertAll(x, v => cap * Math.Tanh(v / cap));

    private static double[] SoftMax(double[] x)
    {
        var exponentials = Array.ConvertAll(x, v => Math.Exp(v - x.Max()));
        return Array.ConvertAll(exponentials, v => v / exponentials.Sum());
    }

    private static double[] Product(double[] gate, double[] up) =>
        [.. gate.Zip(up, (u, v) => 0.5 * u * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (u + 0.044715 * u * u * u))) * v)];
}
