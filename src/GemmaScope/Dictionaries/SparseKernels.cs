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
        var result = Tensor.Uninitialized(features.Rows, weights.Columns);
        Multiply(features, weights, result.AsMatrix());
        return result;
    }

    /// <summary>target := F · W; allocates nothing that grows with it.</summary>
    /// <param name="features">F [rows, m].</param>
    /// <param name="weights">W [m, d] as F32, BF16 or F16.</param>
    /// <param name="target">[rows, d].</param>
    public static void Multiply(SparseActivations features, Tensor weights, MatrixView target)
    {
        Require(weights, features.Width, "weights");
        Require(target, features.Rows, weights.Columns, "target");
        var (decoder, zeros) = (Rows(weights), new float[weights.Columns]);
        foreach (var (start, count) in FeatureColumns.Blocks(features))
            decoder.Multiply(FeatureColumns.Of(features, start, count), 0, zeros, target.SliceRows(start, count));
    }

    /// <summary>Fᵀ · G: [m, columns of G].</summary>
    /// <param name="features">F [rows, m].</param>
    /// <param name="rows">G [rows, d] as F32.</param>
    public static Tensor TransposedMultiply(SparseActivations features, Tensor rows)
    {
        Require(rows, features.Rows, "rows");
        var result = Tensor.Uninitialized(features.Width, rows.Columns);
        TransposedMultiply(features, rows.AsMatrix(), result.AsMatrix());
        return result;
    }

    /// <summary>target := Fᵀ · G, with zeros for features without entries; allocates nothing that grows with it.</summary>
    /// <param name="features">F [rows, m].</param>
    /// <param name="rows">G [rows, d].</param>
    /// <param name="target">[m, d].</param>
    public static void TransposedMultiply(SparseActivations features, MatrixView rows, MatrixView target)
    {
        Require(rows, features.Rows, rows.Columns, "rows");
        Require(target, features.Width, rows.Columns, "target");
        if (features.Rows == 0)
            SparseJobs.Transposed(default, rows, target, add: false);
        foreach (var (start, count) in FeatureColumns.Blocks(features))
            SparseJobs.Transposed(FeatureColumns.Of(features, start, count), rows.SliceRows(start, count), target, add: start > 0);
    }

    /// <summary>The entries of G · Wᵀ at the places of F's entries, in their order.</summary>
    /// <param name="features">F [rows, m]; its values do not matter.</param>
    /// <param name="rows">G [rows, d] as F32.</param>
    /// <param name="weights">W [m, d] as F32, BF16 or F16.</param>
    public static float[] Sampled(SparseActivations features, Tensor rows, Tensor weights)
    {
        var result = new float[features.Count];
        Require(rows, features.Rows, "rows");
        Sampled(features, rows.AsMatrix(), weights, result);
        return result;
    }

    /// <summary>Writes the entries of G · Wᵀ at the places of F's entries, in their order; allocates nothing that grows with
    /// them.</summary>
    /// <param name="features">F [rows, m]; its values do not matter.</param>
    /// <param name="rows">G [rows, d].</param>
    /// <param name="weights">W [m, d] as F32, BF16 or F16.</param>
    /// <param name="target">Room for <see cref="SparseActivations.Count"/> numbers.</param>
    public static void Sampled(SparseActivations features, MatrixView rows, Tensor weights, Span<float> target)
    {
        Require(weights, features.Width, "weights");
        Require(rows, features.Rows, weights.Columns, "rows");
        if (target.Length != features.Count)
            throw new ArgumentProblemException($"has room for {target.Length} numbers where {features.Count} are needed", "target");
        Sampled(features, rows, Rows(weights), target);
    }

    private static unsafe void Sampled(SparseActivations features, MatrixView rows, DecoderRows decoder, Span<float> target)
    {
        target.Clear();
        foreach (var (start, count) in FeatureColumns.Blocks(features))
            fixed (float* products = target[features.Start(start)..])
                decoder.AddDots(FeatureColumns.Of(features, start, count), rows.SliceRows(start, count), products);
    }

    /// <summary>Sum of each column.</summary>
    public static double[] ColumnSums(SparseActivations features)
    {
        var sums = new double[features.Width];
        for (var row = 0; row < features.Rows; row++)
        for (var i = 0; i < features.Indices(row).Length; i++)
            sums[features.Indices(row)[i]] += features.Values(row)[i];
        return sums;
    }

    /// <summary>Number of entries above 0 of each column.</summary>
    public static long[] ColumnCounts(SparseActivations features)
    {
        var counts = new long[features.Width];
        for (var row = 0; row < features.Rows; row++)
        for (var i = 0; i < features.Indices(row).Length; i++)
            if (features.Values(row)[i] > 0)
                counts[features.Indices(row)[i]]++;
        return counts;
    }

    private static DecoderRows Rows(Tensor weights) => new(weights, 0, weights.Columns, weights.Columns);

    private static void Require(Tensor matrix, int rows, string name)
    {
        if (matrix.Rows != rows)
            throw new ArgumentProblemException($"{matrix} must have {rows} rows to fit the features", name);
    }

    private static void Require(MatrixView matrix, int rows, int columns, string name)
    {
        if (matrix.Rows != rows || matrix.Columns != columns)
            throw new ArgumentProblemException($"is [{matrix.Rows}, {matrix.Columns}] where [{rows}, {columns}] is needed", name);
    }
}
