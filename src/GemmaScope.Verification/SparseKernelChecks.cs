using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>Sparse products and exact selections of the largest values.</summary>
internal static class SparseKernelChecks
{
    public static IEnumerable<Check> Verify(string folder)
    {
        var expected = JsonFile.Read(Path.Combine(folder, "sparse", "expected.json"));
        using var kernels = SafetensorsFile.Open(Path.Combine(folder, "sparse", "kernels.safetensors"));
        foreach (var check in Products(kernels))
            yield return check;
        using var top = SafetensorsFile.Open(Path.Combine(folder, "sparse", "topk.safetensors"));
        foreach (var check in Selections(top, expected))
            yield return check;
    }

    private static IEnumerable<Check> Products(SafetensorsFile golden)
    {
        var (weights, rows) = (golden["W_dec"], golden["G"]);
        var features = new SparseActivations(
            checked((int)weights.Rows),
            Golden.Integers(golden, "indptr").ToArray(),
            Golden.Integers(golden, "indices").ToArray(),
            golden["values"].AsSpan().ToArray()
        );
        using var product = SparseKernels.Multiply(features, weights);
        using var transposed = SparseKernels.TransposedMultiply(features, rows);
        if (golden.Tensors.TryGetValue("F_dense", out var dense))
            yield return Check.That("F_dense", Dense(features).SequenceEqual(dense.AsSpan()), "the same matrix, written out");
        yield return Check.Within("FW", Golden.RowError(product.AsMatrix(), golden["FW"].AsMatrix()), DictionaryVerifier.Tolerance);
        yield return Check.Within("FtG", Golden.RowError(transposed.AsMatrix(), golden["FtG"].AsMatrix()), DictionaryVerifier.Tolerance);
        yield return Check.Within(
            "sampled",
            SampledError(features, SparseKernels.Sampled(features, rows, weights), golden["sampled"].AsSpan()),
            DictionaryVerifier.Tolerance
        );
        var sums = SparseKernels.ColumnSums(features).Select(sum => (float)sum).ToArray();
        yield return Check.Within("column_sums", Golden.Error(sums, golden["column_sums"].AsSpan()), DictionaryVerifier.Tolerance);
        yield return Check.That(
            "column_counts",
            SparseKernels
                .ColumnCounts(features)
                .SequenceEqual(Golden.Integers(golden, "column_counts").ToArray().Select(count => (long)count))
        );
    }

    private static float[] Dense(SparseActivations features)
    {
        var dense = new float[features.Rows * features.Width];
        for (var row = 0; row < features.Rows; row++)
            foreach (var (feature, value) in features.Indices(row).ToArray().Zip(features.Values(row).ToArray()))
                dense[(row * features.Width) + feature] = value;
        return dense;
    }

    /// <summary>Row by row, each on its own scale.</summary>
    private static double SampledError(SparseActivations features, float[] got, ReadOnlySpan<float> want)
    {
        if (got.Length != want.Length)
            return double.PositiveInfinity;
        double worst = 0;
        for (var row = 0; row < features.Rows; row++)
        {
            var (start, count) = (features.Start(row), features.Indices(row).Length);
            worst = Math.Max(worst, Golden.Error(got.AsSpan(start, count), want.Slice(start, count)));
        }
        return worst;
    }

    private static IEnumerable<Check> Selections(SafetensorsFile golden, JsonSection expected)
    {
        var z = golden["Z"];
        var k = expected.Integer("k") ?? throw expected.Missing("k");
        var orders = new List<int>();
        var indices = new List<int>();
        using var dense = Tensor.Zeros(z.Rows, z.Columns);
        for (long row = 0; row < z.Rows; row++)
        {
            var top = new TopSelection(k);
            for (var i = 0; i < z.Columns; i++)
                top.Offer(i, z.Row(row)[i]);
            var order = top.Descending();
            orders.AddRange(order.Select(kept => kept.Feature));
            indices.AddRange(TopSelection.Indices(z.Row(row), k));
            foreach (var (feature, value) in order)
                dense.Row(row)[feature] = Math.Max(value, 0);
        }
        yield return Check.That("topk_order", orders.SequenceEqual(Golden.Integers(golden, "topk_order").ToArray()));
        yield return Check.That("topk_indices", indices.SequenceEqual(Golden.Integers(golden, "topk_indices").ToArray()));
        yield return Check.That("topk_relu_dense", dense.AsSpan().SequenceEqual(golden["topk_relu_dense"].AsSpan()));

        // BatchTopK chooses over all rows at once, after the ReLU.
        float[] positive = [.. z.AsSpan().ToArray().Select(value => Math.Max(value, 0))];
        var batch = TopSelection.Indices(positive, expected.Integer("batch_k_total") ?? throw expected.Missing("batch_k_total"));
        yield return Check.That("batch_topk_indices", batch.SequenceEqual(Golden.Integers(golden, "batch_topk_indices").ToArray()));
        var kept = new float[positive.Length];
        foreach (var index in batch)
            kept[index] = positive[index];
        yield return Check.That("batch_topk_dense", golden["batch_topk_dense"].AsSpan().SequenceEqual(kept));
        var small = TopSelection.Indices(
            positive,
            expected.Integer("batch_k_small_total") ?? throw expected.Missing("batch_k_small_total")
        );
        yield return Check.That(
            "batch_topk_small_indices",
            small.SequenceEqual(Golden.Integers(golden, "batch_topk_small_indices").ToArray())
        );
    }
}
