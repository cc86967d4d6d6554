using GemmaScope.Evaluation;

namespace GemmaScope.Verification;

/// <summary>What an evaluation found, under the paths that the numbers have in the golden JSON.</summary>
internal static class SplicedNumbers
{
    private static readonly (PredictionRule Rule, string Name)[] Rules =
    [
        (PredictionRule.Both, "both"),
        (PredictionRule.Source, "source"),
        (PredictionRule.Target, "target"),
    ];

    public static string Name(SplicedRun run) =>
        string.Concat($"{run}".Select((c, i) => char.IsUpper(c) && i > 0 ? $"_{char.ToLowerInvariant(c)}" : $"{char.ToLowerInvariant(c)}"));

    public static Dictionary<string, double> Of(SplicedHost host, EvaluationSums sums)
    {
        var found = new Dictionary<string, double> { ["rows"] = host.All.Counted.Count(counted => counted) };
        var clean = sums.Clean.Total;
        foreach (var (rule, name) in Rules)
        {
            found[$"ce_clean.{name}"] = clean.CrossEntropy(rule);
            found[$"predictions.{name}"] = clean.Predictions(rule);
        }
        foreach (var set in sums.Sets)
        {
            var path = $"sets.{set.Set.Name}";
            Losses(found, path, set, clean);
            foreach (var (member, inside) in set.Set.Members.Zip(set.Inside))
                Reconstruction(found, $"{path}.inside_spliced_run.{host.Names[member]}", inside.Reconstruction, inside.Sparsity.L0);
            if (set.Set.Members is [var only])
                Clean(found, $"{path}.reconstruction", sums.Dictionaries[only], sums.Clean, set.Runs[SplicedRun.Spliced]);
        }
        return found;
    }

    private static void Losses(Dictionary<string, double> found, string path, SpliceEvaluation set, LossSums clean)
    {
        LossSums Of(SplicedRun run) => set.Runs[run].Total;
        foreach (var (run, losses) in set.Runs)
        {
            found[$"{path}.runs.{Name(run)}.kl_from_clean"] = losses.Total.Divergence();
            foreach (var (rule, name) in Rules)
            {
                found[$"{path}.runs.{Name(run)}.ce.{name}"] = losses.Total.CrossEntropy(rule);
                found[$"{path}.delta_loss.{Name(run)}.{name}"] = losses.Total.DeltaLoss(clean, rule);
            }
        }
        foreach (var (rule, name) in Rules)
            found[$"{path}.loss_recovered.{name}"] = Of(SplicedRun.Spliced).LossRecovered(clean, Of(SplicedRun.ZeroAblated), rule);
        found[$"{path}.loss_recovered_everywhere"] = Of(SplicedRun.SplicedEverywhere)
            .LossRecovered(clean, Of(SplicedRun.ZeroAblatedEverywhere));
        found[$"{path}.loss_recovered_mean_ablation"] = Of(SplicedRun.Spliced).LossRecovered(clean, Of(SplicedRun.MeanAblated));
        found[$"{path}.kl_score"] = Of(SplicedRun.Spliced).KlScore(Of(SplicedRun.ZeroAblated));
    }

    private static void Reconstruction(Dictionary<string, double> found, string path, ReconstructionSums sums, double l0)
    {
        found[$"{path}.rows"] = sums.Rows;
        found[$"{path}.L0"] = l0;
        found[$"{path}.MSE"] = sums.MeanSquaredError;
        found[$"{path}.FVU"] = sums.Fvu;
        found[$"{path}.EV"] = sums.ExplainedVariance;
        found[$"{path}.cosine"] = sums.CosineSimilarity;
        found[$"{path}.reconstruction_bias"] = sums.ReconstructionBias;
    }

    private static void Clean(Dictionary<string, double> found, string path, DictionaryEvaluation sums, RunLosses clean, RunLosses spliced)
    {
        Reconstruction(found, path, sums.Reconstruction, sums.Sparsity.L0);
        found[$"{path}.uniformity"] = sums.Uniformity.Mean;
        found[$"{path}.uniformity_rows"] = sums.Uniformity.Rows;
        found[$"{path}.dead_latents"] = sums.Sparsity.Dead;
        found[$"{path}.dense_latents_above_10_percent"] = sums.Sparsity.DenserThan(0.1);
        for (var position = 0; position < clean.ByPosition.Count; position++)
        {
            var at = $"{path}.by_position.{position}";
            var here = position < sums.ByPosition.Count ? sums.ByPosition[position] : null;
            var (before, after) = (clean.ByPosition[position], spliced.ByPosition[position]);
            found[$"{at}.position"] = position;
            found[$"{at}.rows"] = here?.Reconstruction.Rows ?? 0;
            found[$"{at}.L0"] = here?.L0 ?? double.NaN;
            found[$"{at}.MSE"] = here?.Reconstruction.MeanSquaredError ?? double.NaN;
            found[$"{at}.FVU"] = here is null ? double.NaN : sums.FvuAt(position);
            found[$"{at}.cosine"] = here?.Reconstruction.CosineSimilarity ?? double.NaN;
            found[$"{at}.predictions"] = before.Predictions();
            found[$"{at}.ce_clean"] = before.CrossEntropy();
            found[$"{at}.ce_spliced"] = after.CrossEntropy();
            found[$"{at}.delta_loss"] = after.DeltaLoss(before);
        }
    }
}
