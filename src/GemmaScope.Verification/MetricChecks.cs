using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>The metrics of METHODS §2.9 on stored activations and logits; counts exact, the rest within 1e-5 of the value.</summary>
internal static class MetricChecks
{
    private const double Tolerance = DictionaryVerifier.Tolerance;

    public static IEnumerable<Check> Verify(string folder)
    {
        string File(string name) => Path.Combine(folder, "metrics", name);
        var expected = JsonFile.Read(File("expected.json"));
        using var golden = SafetensorsFile.Open(File("activations.safetensors"));
        using var rows = SafetensorsFile.Open(File("per_row.safetensors"));
        using var logits = SafetensorsFile.Open(File("logits.safetensors"));
        var mask = Golden.Flags(golden, "mask");
        var features = Golden.Sparse(golden["f"].AsMatrix(), _ => true);
        return
        [
            .. Reconstruction(golden, rows, mask, expected),
            .. Sparsity(features, rows, mask, expected),
            .. Uniformity(golden, rows, features, mask, expected),
            .. Losses(logits, expected),
        ];
    }

    private static IEnumerable<Check> Reconstruction(SafetensorsFile golden, SafetensorsFile rows, bool[] mask, JsonSection expected)
    {
        var (x, reconstruction) = (golden["x"], golden["x_hat"]);
        var position = Golden.Integers(golden, "position").ToArray();
        var (counted, later) = (new ReconstructionSums(x.Columns), new ReconstructionSums(x.Columns));
        var errors = new float[x.Rows];
        for (var t = 0; t < x.Rows; t++)
        {
            if (mask[t])
                counted.Add(x.Row(t), reconstruction.Row(t));
            if (position[t] >= 1)
                later.Add(x.Row(t), reconstruction.Row(t));
            var one = new ReconstructionSums(x.Columns);
            one.Add(x.Row(t), reconstruction.Row(t));
            errors[t] = (float)one.MeanSquaredError;
        }
        yield return Golden.Count("n_masked_in", counted.Rows, expected, "n_masked_in");
        yield return Golden.Number("MSE", counted.MeanSquaredError, expected, "MSE", Tolerance);
        yield return Golden.Number("MSE_per_element", counted.MeanSquaredError / x.Columns, expected, "MSE_per_element", Tolerance);
        yield return Golden.Number("FVU", counted.Fvu, expected, "FVU", Tolerance);
        yield return Golden.Number("EV", counted.ExplainedVariance, expected, "EV", Tolerance);
        yield return Golden.Number(
            "seed_variance_explained",
            later.TutorialVarianceExplained,
            expected,
            "seed_variance_explained",
            Tolerance
        );
        yield return Golden.Number(
            "seed_variance_explained_masked",
            counted.TutorialVarianceExplained,
            expected,
            "seed_variance_explained_masked",
            Tolerance
        );
        yield return Golden.Number("cosine_similarity", counted.CosineSimilarity, expected, "cosine_similarity", Tolerance);
        yield return Golden.Number("reconstruction_bias", counted.ReconstructionBias, expected, "reconstruction_bias", Tolerance);
        yield return Golden.Number("mean_squared_norm", counted.MeanSquaredNorm, expected, "mean_squared_norm", Tolerance);
        yield return Golden.Number("input_scale_C", counted.InputScale, expected, "input_scale_C", Tolerance);
        yield return Check.Within("squared_error_row", Golden.Error(errors, rows["squared_error_row"].AsSpan()), Tolerance);
    }

    private static IEnumerable<Check> Sparsity(SparseActivations features, SafetensorsFile rows, bool[] mask, JsonSection expected)
    {
        var sums = new SparsitySums(features.Width);
        sums.Add(features, mask);
        yield return Golden.Number("L0", sums.L0, expected, "L0", Tolerance);
        yield return Golden.Number("L0_greater_than_1", sums.TutorialL0, expected, "L0_greater_than_1", Tolerance);
        yield return Check.That(
            "l0_row",
            Enumerable.Range(0, features.Rows).Select(features.L0).SequenceEqual(Golden.Integers(rows, "l0_row").ToArray())
        );
        yield return Golden.Count("dead_latents", sums.Dead, expected, "dead_latents");
        yield return Golden.Count("density_above_0_1", sums.DenserThan(0.1), expected, "density_above_0_1");
        yield return Check.That(
            "density_counts",
            sums.Counts.Select(count => (double)count).SequenceEqual(Golden.Numbers(expected, "density_counts"))
        );
        float[] density = [.. Enumerable.Range(0, features.Width).Select(i => (float)sums.Density(i))];
        yield return Check.Within("density", Golden.Error(density, rows["density"].AsSpan()), Tolerance);
        yield return Check.That(
            "max_activation",
            sums.Maxima.Select(max => (double)max).SequenceEqual(Golden.Numbers(expected, "max_activation"))
        );
        var histogram = expected.Section("density_histogram") ?? throw expected.Missing("density_histogram");
        var bins = sums.DensityHistogram(Golden.Numbers(histogram, "log10_edges"));
        yield return Check.That("density_histogram", bins.SequenceEqual(histogram.Integers("counts") ?? []), string.Join(' ', bins));
    }

    private static IEnumerable<Check> Uniformity(
        SafetensorsFile golden,
        SafetensorsFile rows,
        SparseActivations features,
        bool[] mask,
        JsonSection expected
    )
    {
        var gradients = SparseKernels.Sampled(features, golden["grad"], golden["W_dec"]);
        var sums = new UniformitySums();
        var each = new float[features.Rows];
        for (var t = 0; t < features.Rows; t++)
        {
            var slice = gradients.AsSpan(features.Start(t), features.Values(t).Length);
            each[t] = (float)(UniformitySums.OfRow(features.Values(t), slice) ?? -1);
            if (mask[t])
                sums.Add(features.Values(t), slice);
        }
        yield return Golden.Number("uniformity", sums.Mean, expected, "uniformity", Tolerance);
        yield return Golden.Count("uniformity_rows", sums.Rows, expected, "uniformity_rows");
        yield return Check.Within("uniformity_row", Golden.Error(each, rows["uniformity_row"].AsSpan()), Tolerance);
    }

    private static IEnumerable<Check> Losses(SafetensorsFile golden, JsonSection expected)
    {
        var (clean, spliced, ablated) = (golden["logits_clean"], golden["logits_spliced"], golden["logits_ablated"]);
        var (mask, tokens, length) = (
            Golden.Flags(golden, "mask"),
            Golden.Integers(golden, "tokens").ToArray(),
            checked((int)clean.Shape[1])
        );
        var batch = Batch(mask, tokens, length);
        var predictions = new Predictions(batch, clean.AsMatrix());
        var sums = new[] { spliced, ablated }.Select(run => Sums(batch, predictions.Compare(run.AsMatrix()))).ToArray();
        var original = Sums(batch, (predictions.CrossEntropy, new double[batch.Rows]));
        const PredictionRule rule = PredictionRule.Source;
        yield return Golden.Count("ce_positions", original.Predictions(rule), expected, "ce_positions");
        yield return Golden.Number("ce_clean", original.CrossEntropy(rule), expected, "ce_clean", Tolerance);
        yield return Golden.Number("ce_spliced", sums[0].CrossEntropy(rule), expected, "ce_spliced", Tolerance);
        yield return Golden.Number("ce_ablated", sums[1].CrossEntropy(rule), expected, "ce_ablated", Tolerance);
        yield return Golden.Number("delta_loss", sums[0].DeltaLoss(original, rule), expected, "delta_loss", Tolerance);
        yield return Golden.Number("loss_recovered", sums[0].LossRecovered(original, sums[1], rule), expected, "loss_recovered", Tolerance);
        yield return Golden.Number("kl_spliced", sums[0].Divergence(rule), expected, "kl_spliced", Tolerance);
        yield return Golden.Number("kl_ablated", sums[1].Divergence(rule), expected, "kl_ablated", Tolerance);
        yield return Golden.Number("kl_score", sums[0].KlScore(sums[1], rule), expected, "kl_score", Tolerance);
    }

    /// <summary>The stored rows as sequences of equal length.</summary>
    private static EvaluationBatch Batch(bool[] mask, int[] tokens, int length) =>
        new([.. tokens.Chunk(length)], [.. mask.Chunk(length)], bos: null);

    private static LossSums Sums(EvaluationBatch batch, (double[] CrossEntropy, double[] Divergence) rows)
    {
        var sums = new LossSums();
        for (var row = 0; row < batch.Rows; row++)
            sums.Add(batch.Prediction(row), rows.CrossEntropy[row], rows.Divergence[row]);
        return sums;
    }
}
