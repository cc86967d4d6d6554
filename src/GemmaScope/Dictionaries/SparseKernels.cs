using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>
/// Products with a sparse matrix F [rows, m] of feature activations, at the cost of its entries: F · W and Fᵀ · G of decoding and
/// its gradient, and the entries of G · Wᵀ where F has one (METHODS §5).
/// </summary>
public static class SparseKernels
{
    /// <summary>F · W: [rows, columns of W].</summary>
    /// <param name="features">F [rows, m].</param>
    /// <param name="weights">W [m, d] as F32, BF16 or F16.</param>
    public static Tensor Multiply(SparseActivations features, Tensor weights)
    {
        Require(weights, features.Width, "weights");
        var result = Tensor.Zeros(features.Rows, weights.Columns);
        Workers.For(features.Rows, new MultiplyJob(features, new DecoderRows(weights, 0, weights.Columns, weights.Columns), result));
        return result;
    }

    /// <summary>Fᵀ · G: [m, columns of G].</summary>
    /// <param name="features">F [rows, m].</param>
    /// <param name="rows">G [rows, d] as F32.</param>
    public static Tensor TransposedMultiply(SparseActivations features, Tensor rows)
    {
        Require(rows, features.Rows, "rows");
        var result = Tensor.Zeros(features.Width, rows.Columns);
        // Workers share the columns, so no two write the same numbers.
        var parts = Math.Min(Workers.Count, rows.Columns);
        Workers.For(parts, new TransposedJob(features, rows.AsMatrix(), result.AsMatrix(), parts));
        return result;
    }

    /// <summary>The entries of G · Wᵀ at the places of F's entries, in their order.</summary>
    /// <param name="features">F [rows, m]; its values do not matter.</param>
    /// <param name="rows">G [rows, d] as F32.</param>
    /// <param name="weights">W [m, d] as F32, BF16 or F16.</param>
    public static float[] Sampled(SparseActivations features, Tensor rows, Tensor weights)
    {
        Require(rows, features.Rows, "rows");
        Require(weights, features.Width, "weights");
        if (rows.Columns != weights.Columns) throw new ArgumentProblemException($"{rows} and {weights} have different columns", "weights");
        var result = new float[features.Count];
        Workers.For(features.Rows, new SampledJob(features, rows, new DecoderRows(weights, 0, weights.Columns, weights.Columns), result));
        return result;
    }

    /// <summary>Sum of each column.</summary>
    public static double[] ColumnSums(SparseActivations features)
    {
        var sums = new double[features.Width];
        for (var row = 0; row < features.Rows; row++)
            for (var i = 0; i < features.Indices(row).Length; i++) sums[features.Indices(row)[i]] += features.Values(row)[i];
        return sums;
    }

    /// <summary>Number of entries above 0 of each column.</summary>
    public static long[] ColumnCounts(SparseActivations features)
    {
        var counts = new long[features.Width];
        for (var row = 0; row < features.Rows; row++)
            for (var i = 0; i < features.Indices(row).Length; i++)
                if (features.Values(row)[i] > 0) counts[features.Indices(row)[i]]++;
        return counts;
    }

    private static void Require(Tensor matrix, int rows, string name)
    {
        if (matrix.Rows != rows) throw new ArgumentProblemException($"{matrix} must have {rows} rows to fit the features", name);
    }

    private readonly struct MultiplyJob(SparseActivations features, DecoderRows weights, Tensor result) : IJob
    {
        public void Run(int index) => weights.Accumulate(
            features.Indices(index), features.Values(index), 0, result.Row(index), weights.NeedsScratch ? new float[weights.Columns] : []);
    }

    private readonly struct TransposedJob(SparseActivations features, MatrixView rows, MatrixView result, int parts) : IJob
    {
        public void Run(int index)
        {
            var (start, end) = ((int)((long)rows.Columns * index / parts), (int)((long)rows.Columns * (index + 1) / parts));
            for (var row = 0; row < features.Rows; row++)
            {
                ReadOnlySpan<float> g = rows.Row(row)[start..end];
                for (var i = 0; i < features.Indices(row).Length; i++)
                {
                    var target = result.Row(features.Indices(row)[i])[start..end];
                    TensorPrimitives.MultiplyAdd(g, features.Values(row)[i], target, target);
                }
            }
        }
    }

    private readonly struct SampledJob(SparseActivations features, Tensor rows, DecoderRows weights, float[] result) : IJob
    {
        public void Run(int index)
        {
            var vector = new float[weights.Columns];
            var indices = features.Indices(index);
            for (var i = 0; i < indices.Length; i++)
            {
                weights.Read(indices[i], vector);
                result[features.Start(index) + i] = TensorPrimitives.Dot<float>(rows.Row(index), vector);
            }
        }
    }
}
