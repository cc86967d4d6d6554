using System.Text.Json;
using GemmaScope.Evaluation;

namespace GemmaScope.Cli.Output;

/// <summary>An evaluation for programs; what is not defined is null.</summary>
internal static class EvaluationJson
{
    public static void Write(Utf8JsonWriter json, EvaluationView view)
    {
        json.WriteString("model", view.Model);
        json.WriteNumber("tokens", view.Sums.Tokens);
        json.WriteNumber("counted_tokens", view.Counted);
        json.WriteNumber("excluded_tokens", view.Excluded);
        json.WriteString("excluded", EvaluationView.LeftOut);
        json.WriteNumber("predictions", view.Clean.Predictions());
        json.Number("ce_clean", view.Clean.CrossEntropy());
        json.Objects(
            "dictionaries",
            view.Rows,
            row =>
            {
                json.WriteString("name", row.Name);
                json.WriteString("family", row.Dictionary.Family);
                json.WriteNumber("width", row.Dictionary.Width);
                json.Strings("input_sites", row.Dictionary.InputSites.Select(site => site.ToString()));
                json.Strings("output_sites", row.Dictionary.OutputSites.Select(site => site.ToString()));
                Reconstruction(json, row.Clean.Reconstruction, row.Clean.Sparsity);
                json.Number("uniformity", row.Clean.Uniformity.Mean);
                json.WriteNumber("dead_features", row.Clean.Sparsity.Dead);
                json.WriteNumber("dense_features", row.Clean.Sparsity.DenserThan(0.1));
                json.Object(
                    "density_histogram",
                    () =>
                    {
                        json.WriteStartArray("log10_edges");
                        foreach (var edge in EvaluationView.DensityEdges)
                            json.WriteNumberValue(edge);
                        json.WriteEndArray();
                        json.Integers("counts", row.Clean.Sparsity.DensityHistogram(EvaluationView.DensityEdges));
                    }
                );
                json.Object(
                    "compatibility",
                    () =>
                    {
                        json.Number("tutorial_variance_explained", row.Clean.Tutorial.TutorialVarianceExplained);
                        json.Number("tutorial_l0_above_1", row.Clean.Sparsity.TutorialL0);
                        json.Number("saelens_explained_variance_legacy", row.Clean.SaeLensLegacyExplainedVariance);
                    }
                );
                if (row.Spliced is { } spliced)
                {
                    Losses(json, view, spliced);
                    // At one site the run is the clean one up to there.
                    if (row.Dictionary.OutputSites.Count > 1)
                        json.Object(
                            "inside_spliced_run",
                            () => Reconstruction(json, spliced.Inside[0].Reconstruction, spliced.Inside[0].Sparsity)
                        );
                }
                json.Objects(
                    "by_position",
                    Enumerable.Range(0, row.Clean.ByPosition.Count),
                    position => Position(json, view, row.Clean, row.Spliced, position)
                );
            }
        );
        json.Objects(
            "together",
            view.Together,
            set =>
            {
                json.Strings("dictionaries", set.Set.Members.Select(member => view.Names[member]));
                Losses(json, view, set);
                json.Objects(
                    "inside_spliced_run",
                    set.Inside.Index(),
                    inside =>
                    {
                        json.WriteString("name", view.Names[set.Set.Members[inside.Index]]);
                        Reconstruction(json, inside.Item.Reconstruction, inside.Item.Sparsity);
                    }
                );
            }
        );
    }

    private static void Reconstruction(Utf8JsonWriter json, ReconstructionSums sums, SparsitySums sparsity)
    {
        json.Number("l0", sparsity.L0);
        json.Number("fvu", sums.Fvu);
        json.Number("ev", sums.ExplainedVariance);
        json.Number("mse", sums.MeanSquaredError);
        json.Number("cosine", sums.CosineSimilarity);
        json.Number("reconstruction_bias", sums.ReconstructionBias);
    }

    private static void Losses(Utf8JsonWriter json, EvaluationView view, SpliceEvaluation set)
    {
        json.Number("delta_loss", view.DeltaLoss(set));
        json.Number("loss_recovered", view.LossRecovered(set));
        json.Number("kl_score", EvaluationView.KlScore(set));
        json.Objects(
            "runs",
            set.Runs,
            run =>
            {
                json.WriteString("run", JsonNamingPolicy.SnakeCaseLower.ConvertName($"{run.Key}"));
                foreach (var rule in (PredictionRule[])[PredictionRule.Both, PredictionRule.Source, PredictionRule.Target])
                {
                    var suffix = rule == PredictionRule.Both ? "" : $"_{rule.ToString().ToLowerInvariant()}";
                    json.Number($"ce{suffix}", run.Value.Total.CrossEntropy(rule));
                    json.Number($"delta_loss{suffix}", run.Value.Total.DeltaLoss(view.Clean, rule));
                }
                json.Number("kl_from_clean", run.Value.Total.Divergence());
            }
        );
    }

    private static void Position(
        Utf8JsonWriter json,
        EvaluationView view,
        DictionaryEvaluation clean,
        SpliceEvaluation? spliced,
        int position
    )
    {
        var sums = clean.ByPosition[position];
        json.WriteNumber("position", position);
        json.WriteNumber("rows", sums.Reconstruction.Rows);
        json.Number("l0", sums.L0);
        json.Number("fvu", clean.FvuAt(position));
        json.Number("mse", sums.Reconstruction.MeanSquaredError);
        json.Number("cosine", sums.Reconstruction.CosineSimilarity);
        if (spliced is null)
            return;
        json.Number("delta_loss", spliced.Runs[SplicedRun.Spliced].ByPosition[position].DeltaLoss(view.Sums.Clean.ByPosition[position]));
    }
}
