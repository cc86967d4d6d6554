using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Activations;

/// <summary>
/// Pushes unit vectors apart: Adam (0.9, 0.999, 1e-8) on Σ_{i≠j} (dᵢ·dⱼ)² + n Σ (|dᵢ|² − 1)², of unit length again at the end. The gradient
/// 4 (D Dᵀ D)ᵢ − 4 |dᵢ|² dᵢ + 4 n (|dᵢ|² − 1) dᵢ is computed as D (Dᵀ D), which takes n d² operations and not n² d, and no n × n matrix.
/// </summary>
internal static class DirectionSpread
{
    private const float Beta1 = 0.9f,
        Beta2 = 0.999f,
        Epsilon = 1e-8f;

    /// <summary>Does the steps on [n, d] rows in place.</summary>
    public static void Run(Tensor directions, int steps, double rate, CancellationToken cancellationToken)
    {
        var (n, d) = ((int)directions.Rows, directions.Columns);
        Workers.For(n, new NormaliseRow(directions));
        using var transposed = Tensor.Uninitialized(d, n);
        using var gram = Tensor.Uninitialized(d, d);
        using var product = Tensor.Uninitialized(n, d);
        using var first = Tensor.Zeros(n, d);
        using var second = Tensor.Zeros(n, d);
        for (var step = 1; step <= steps; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Workers.For(d, new TransposeRow(directions, transposed));
            Multiply(transposed, directions, gram);
            Multiply(directions, gram, product);
            var size = rate / (1 - Math.Pow(Beta1, step));
            var correction = Math.Sqrt(1 - Math.Pow(Beta2, step));
            Workers.For(n, new StepRow(directions, product, first, second, (float)(size * correction), (float)(Epsilon * correction)));
        }
        Workers.For(n, new NormaliseRow(directions));
    }

    private static void Multiply(Tensor x, Tensor w, Tensor y) =>
        Compute.Kernels.Multiply(x.AsMatrix(), WeightView.Of(w, WeightLayout.InOut), y.AsMatrix(), Arithmetic.Exact);

    private readonly struct NormaliseRow(Tensor rows) : IJob
    {
        public void Run(int index)
        {
            var row = rows.Row(index);
            TensorPrimitives.Divide(row, (float)Math.Sqrt(SquaredNorm.Of(row)), row);
        }
    }

    private readonly struct TransposeRow(Tensor rows, Tensor transposed) : IJob
    {
        public unsafe void Run(int index)
        {
            var target = transposed.Row(index);
            var source = rows.Floats + index;
            for (var i = 0; i < target.Length; i++)
                target[i] = source[(long)i * rows.Columns];
        }
    }

    private readonly struct StepRow(Tensor directions, Tensor product, Tensor first, Tensor second, float size, float epsilon) : IJob
    {
        public void Run(int index)
        {
            Span<float> row = directions.Row(index),
                gradient = product.Row(index),
                m = first.Row(index),
                v = second.Row(index);
            var square = SquaredNorm.Of(row);
            var own = (float)(directions.Rows * (square - 1) - square);
            for (var i = 0; i < row.Length; i++)
            {
                var g = 4 * (gradient[i] + own * row[i]);
                m[i] = Beta1 * m[i] + (1 - Beta1) * g;
                v[i] = Beta2 * v[i] + (1 - Beta2) * g * g;
                row[i] -= size * m[i] / (MathF.Sqrt(v[i]) + epsilon);
            }
        }
    }
}
