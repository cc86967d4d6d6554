using System.Numerics;
using GemmaScope.Numerics;

namespace GemmaScope.Evaluation;

/// <summary>What all sums need of one row x and its reconstruction x̂, in f64.</summary>
/// <param name="Error">‖x − x̂‖².</param>
/// <param name="Norm">‖x‖².</param>
/// <param name="ReconstructedNorm">‖x̂‖².</param>
/// <param name="Product">⟨x, x̂⟩.</param>
internal readonly record struct RowProducts(double Error, double Norm, double ReconstructedNorm, double Product)
{
    /// <summary>Of one row.</summary>
    public static RowProducts Of(ReadOnlySpan<float> x, ReadOnlySpan<float> reconstruction)
    {
        if (x.Length != reconstruction.Length)
            throw new ArgumentProblemException($"has {reconstruction.Length} numbers where {x.Length} are needed", "reconstruction");
        Vector<double> errors = default,
            norms = default,
            reconstructed = default,
            products = default;
        var d = 0;
        for (; d + Vector<float>.Count <= x.Length; d += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(x[d..]), out var x0, out var x1);
            Vector.Widen(new Vector<float>(reconstruction[d..]), out var y0, out var y1);
            errors += (x0 - y0) * (x0 - y0) + (x1 - y1) * (x1 - y1);
            norms += x0 * x0 + x1 * x1;
            reconstructed += y0 * y0 + y1 * y1;
            products += x0 * y0 + x1 * y1;
        }
        var (error, norm, reconstructedNorm, product) = (
            Vector.Sum(errors),
            Vector.Sum(norms),
            Vector.Sum(reconstructed),
            Vector.Sum(products)
        );
        for (; d < x.Length; d++)
        {
            double value = x[d],
                other = reconstruction[d];
            error += (value - other) * (value - other);
            norm += value * value;
            reconstructedNorm += other * other;
            product += value * other;
        }
        return new(error, norm, reconstructedNorm, product);
    }

    /// <summary>Of each row, on all workers.</summary>
    public static RowProducts[] Of(MatrixView x, MatrixView reconstruction)
    {
        var rows = new RowProducts[x.Rows];
        Workers.For(rows.Length, new RowJob(x, reconstruction, rows));
        return rows;
    }

    private readonly struct RowJob(MatrixView x, MatrixView reconstruction, RowProducts[] rows) : IJob
    {
        public void Run(int index) => rows[index] = Of(x.Row(index), reconstruction.Row(index));
    }
}
