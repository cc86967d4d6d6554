using GemmaScope.Evaluation;
using GemmaScope.Files;

namespace GemmaScope.Verification;

/// <summary>Metrics of scores against labels, of several policies together, and correlations; absolute errors, counts exact.</summary>
internal static class ClassifierChecks
{
    public static IEnumerable<Check> Verify(JsonSection expected, SafetensorsFile data)
    {
        var tolerance = expected.Number("tolerance") ?? throw expected.Missing("tolerance");
        return
        [
            .. Classifiers(expected, data, tolerance),
            .. Policies(expected, data, tolerance),
            .. Correlations(expected, data, tolerance),
        ];
    }

    private static IEnumerable<Check> Classifiers(JsonSection expected, SafetensorsFile data, double tolerance)
    {
        var cases = expected.Section("classifiers") ?? throw expected.Missing("classifiers");
        foreach (var name in cases.Keys)
        foreach (
            var check in Metrics(
                EvaluationPartVerifier.Flags(data, $"{name}.labels"),
                EvaluationPartVerifier.Doubles(data, $"{name}.scores"),
                cases.Section(name)!,
                tolerance
            )
        )
            yield return check with
            {
                Name = $"{name}.{check.Name}",
            };
    }

    private static IEnumerable<Check> Policies(JsonSection expected, SafetensorsFile data, double tolerance)
    {
        var policies = expected.Section("policies") ?? throw expected.Missing("policies");
        var scores = EvaluationPartVerifier.F32(data, "policies.scores");
        var (labels, count) = (EvaluationPartVerifier.Flags(data, "policies.labels"), scores.Columns);
        var rows = Enumerable.Range(0, (int)scores.Rows).ToArray();
        var each = policies.Objects("per_policy");
        for (var policy = 0; policy < each.Count; policy++)
            foreach (
                var check in Metrics(
                    [.. rows.Select(row => labels[row * count + policy])],
                    [.. rows.Select(row => (double)scores.Row(row)[policy])],
                    each[policy],
                    tolerance
                )
            )
                yield return check with
                {
                    Name = $"policies.{policy}.{check.Name}",
                };

        bool[] any = [.. rows.Select(row => labels.AsSpan(row * count, count).Contains(true))];
        double[] largest = [.. rows.Select(row => (double)scores.Row(row).ToArray().Max())];
        foreach (
            var check in Metrics(
                any,
                largest,
                policies.Section("maximum_over_policies") ?? throw policies.Missing("maximum_over_policies"),
                tolerance
            )
        )
            yield return check with
            {
                Name = $"policies.maximum.{check.Name}",
            };
        var macro = Enumerable
            .Range(0, count)
            .Average(policy =>
                Ranking.AurocOf(
                    [.. rows.Select(row => labels[row * count + policy])],
                    [.. rows.Select(row => (double)scores.Row(row)[policy])]
                )
            );
        yield return EvaluationPartVerifier.Defined("policies.macro_auroc", macro, policies, "macro_auroc", tolerance);
    }

    private static IEnumerable<Check> Correlations(JsonSection expected, SafetensorsFile data, double tolerance)
    {
        var pairs = expected.Section("correlations") ?? throw expected.Missing("correlations");
        foreach (var name in pairs.Keys)
        {
            var (a, b) = (EvaluationPartVerifier.Doubles(data, $"{name}.a"), EvaluationPartVerifier.Doubles(data, $"{name}.b"));
            yield return EvaluationPartVerifier.Defined(
                $"{name}.pearson",
                Correlation.Pearson(a, b),
                pairs.Section(name)!,
                "pearson",
                tolerance
            );
            yield return EvaluationPartVerifier.Defined(
                $"{name}.spearman",
                Correlation.Spearman(a, b),
                pairs.Section(name)!,
                "spearman",
                tolerance
            );
        }
    }

    private static IEnumerable<Check> Metrics(bool[] labels, double[] scores, JsonSection want, double tolerance)
    {
        var got = ClassifierMetrics.Of(labels, scores);
        var half = want.Section("at_half") ?? throw want.Missing("at_half");
        yield return Golden.Count("n", got.Rows, want, "n");
        yield return Golden.Count("positives", got.Positives, want, "positives");
        yield return Golden.Count("tp", got.AtHalf.TruePositives, half, "tp");
        yield return Golden.Count("fp", got.AtHalf.FalsePositives, half, "fp");
        yield return Golden.Count("fn", got.AtHalf.FalseNegatives, half, "fn");
        yield return Golden.Count("tn", got.AtHalf.TrueNegatives, half, "tn");
        yield return Golden.Count("optimal_f1_tied_thresholds", got.Ranking.OptimalThresholds, want, "optimal_f1_tied_thresholds");
        (double? Value, JsonSection Section, string Key)[] numbers =
        [
            (got.Ranking.Auroc, want, "auroc"),
            (got.Ranking.AveragePrecision, want, "average_precision"),
            (got.Ranking.OptimalF1, want, "optimal_f1"),
            (got.Ranking.OptimalThreshold, want, "optimal_f1_threshold"),
            (got.Calibration.ExpectedError, want, "ece_10"),
            (got.DecisionCalibration.ExpectedError, want, "ece_10_of_predicted_class"),
            (got.Calibration.Brier, want, "brier"),
            (got.AtHalf.F1, half, "f1"),
            (got.AtHalf.Precision, half, "precision"),
            (got.AtHalf.Recall, half, "recall"),
            (got.AtHalf.Accuracy, half, "accuracy"),
            (got.AtHalf.BalancedAccuracy, half, "balanced_accuracy"),
        ];
        foreach (var (value, section, key) in numbers)
            yield return EvaluationPartVerifier.Defined(key, value, section, key, tolerance);
        if (want.Has("calibration_bins"))
            yield return Bins(got.Calibration.Bins, want.Objects("calibration_bins"), tolerance);
    }

    private static Check Bins(IReadOnlyList<CalibrationBin> got, IReadOnlyList<JsonSection> want, double tolerance)
    {
        var same =
            got.Count == want.Count
            && got.Zip(want)
                .All(pair =>
                    pair.First.Bin == pair.Second.Integer("bin")
                    && pair.First.Count == pair.Second.Integer("count")
                    && Near(pair.First.MeanScore, pair.Second.Number("mean_score"))
                    && Near(pair.First.FractionPositive, pair.Second.Number("fraction_positive"))
                );
        return Check.That("calibration_bins", same, $"{got.Count} bins, expected {want.Count}");

        bool Near(double? a, double? b) => a is null ? b is null : b is not null && Math.Abs(a.Value - b.Value) <= tolerance;
    }
}
