using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>One case of scores against known features.</summary>
internal sealed class SynthScoreChecks(JsonSection expected, SafetensorsFile data, string name)
{
    private const double Tolerance = 1e-6,
        VarianceTolerance = 1e-5;

    public IEnumerable<Check> All()
    {
        var input = Own("input", "expected.hidden");
        var match = new FeatureMatch(Own("decoder", ""), Own("dictionary", "expected.dictionary"));
        var sums = new GroundTruthSums(match, input.Columns);
        sums.Add(
            Sparse(Own("truth", "expected.activations")),
            Sparse(Own("latents", "")),
            input.AsMatrix(),
            Own("reconstruction", "").AsMatrix()
        );
        var scores = sums.Scores();
        LatentCounts[] counts = [.. Enumerable.Range(0, match.Latents).Select(latent => sums[latent])];
        HashSet<int> ambiguous = expected.Has("ambiguous") ? [.. Golden.Numbers(expected, "ambiguous").Select(i => (int)i)] : [];
        var best = Golden.Numbers(expected, "best");
        yield return Check.That("best", match.Best.Index().All(one => one.Item == best[one.Index] || ambiguous.Contains(one.Index)));
        // Where directions tie, other pairs may have the same sum.
        if (ambiguous.Count == 0)
            yield return List("matched", match.Matched, Tolerance);
        yield return Number("mcc", scores.Mcc, "mcc");
        yield return Number("uniqueness", scores.Uniqueness, "uniqueness");
        yield return List("tp", counts.Select(count => (double)count.Both), 0);
        yield return List("fp", counts.Select(count => (double)(count.Latent - count.Both)), 0);
        yield return List("fn", counts.Select(count => (double)(count.Feature - count.Both)), 0);
        yield return List("tn", counts.Select(count => (double)(count.Rows - count.Latent - count.Feature + count.Both)), 0);
        yield return List("precision_per_latent", counts.Select(count => count.Precision), Tolerance);
        yield return List("recall_per_latent", counts.Select(count => count.Recall), Tolerance);
        yield return List("f1_per_latent", counts.Select(count => count.F1), Tolerance);
        yield return Number("precision", scores.Precision, "precision");
        yield return Number("recall", scores.Recall, "recall");
        yield return Number("f1", scores.F1, "f1");
        yield return Number("accuracy", scores.Accuracy, "accuracy");
        yield return Number("l0", scores.L0, "l0");
        yield return Number("true_l0", scores.TrueL0, "true_l0");
        yield return Golden.Count("dead", scores.Dead, expected, "dead");
        yield return Number("shrinkage", scores.Shrinkage, "shrinkage");
        yield return Number("explained_variance", scores.ExplainedVariance, "explained_variance", VarianceTolerance);
    }

    /// <summary>A tensor of the case, else the one that all share.</summary>
    private Tensor Own(string part, string shared) =>
        data[shared.Length == 0 || data.Tensors.ContainsKey($"case.{name}.{part}") ? $"case.{name}.{part}" : shared];

    private Check Number(string key, double got, string golden, double tolerance = Tolerance) =>
        Number(key, got, expected.Number(golden) ?? throw expected.Missing(golden), tolerance);

    private static Check Number(string key, double got, double want, double tolerance) =>
        Check.Within(key, Math.Abs(got - want), tolerance);

    private Check List(string key, IEnumerable<double> got, double tolerance) =>
        Check.Within(key, got.Zip(Golden.Numbers(expected, key), (a, b) => Math.Abs(a - b)).Max(), tolerance);

    private static SparseActivations Sparse(Tensor dense) => Golden.Sparse(dense.AsMatrix(), value => value != 0);
}
