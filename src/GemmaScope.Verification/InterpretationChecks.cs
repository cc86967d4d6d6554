using System.Text.Json;
using GemmaScope.Evaluation;
using GemmaScope.Files;

namespace GemmaScope.Verification;

/// <summary>Scores of explanations: detection and fuzzing of each feature, their summaries, simulated activations.</summary>
internal static class InterpretationChecks
{
    public static IEnumerable<Check> Verify(JsonSection expected, SafetensorsFile data)
    {
        var tolerance = expected.Number("tolerance") ?? throw expected.Missing("tolerance");
        List<(string Kind, double Frequency, double? Score)> scores = [];
        foreach (var (number, one) in expected.Objects("detection").Index())
        {
            var got = DetectionScore.Of(
                [.. Answers(one, "truth").Select(answer => answer ?? throw one.Bad("truth", "must be 0 or 1"))],
                [.. Answers(one, "answers")]
            );
            scores.Add(
                (
                    one.Text("kind") ?? throw one.Missing("kind"),
                    one.Number("frequency") ?? throw one.Missing("frequency"),
                    got.Counts.BalancedAccuracy
                )
            );
            foreach (var check in Detection(got, one.Section("expected") ?? throw one.Missing("expected"), tolerance))
                yield return check with
                {
                    Name = $"detection.{number}.{check.Name}",
                };
        }
        var summaries = expected.Section("summary") ?? throw expected.Missing("summary");
        foreach (var kind in summaries.Keys)
        {
            var (got, want) = (
                InterpretationSummary.Of([.. scores.Where(score => score.Kind == kind).Select(score => (score.Frequency, score.Score))]),
                summaries.Section(kind)!
            );
            yield return Golden.Count($"summary.{kind}.latents", got.Features, want, "latents");
            yield return Golden.Count($"summary.{kind}.undefined", got.Undefined, want, "undefined");
            yield return EvaluationPartVerifier.Defined($"summary.{kind}.mean", got.Mean, want, "mean", tolerance);
            yield return EvaluationPartVerifier.Defined($"summary.{kind}.median", got.Median, want, "median", tolerance);
            yield return EvaluationPartVerifier.Defined(
                $"summary.{kind}.frequency_weighted",
                got.FrequencyWeighted,
                want,
                "frequency_weighted",
                tolerance
            );
        }
        foreach (var want in expected.Objects("simulation"))
        {
            var name = want.Text("name") ?? throw want.Missing("name");
            var truth = EvaluationPartVerifier.Doubles(data, $"{name}.true");
            var got = SimulationScore.Of(truth, EvaluationPartVerifier.Doubles(data, $"{name}.predicted"));
            yield return Golden.Count($"{name}.tokens", truth.Length, want, "tokens");
            yield return EvaluationPartVerifier.Defined($"{name}.pearson", got.Pearson, want, "pearson", tolerance);
            yield return EvaluationPartVerifier.Defined($"{name}.r_squared", got.RSquared, want, "r_squared", tolerance);
            yield return EvaluationPartVerifier.Defined(
                $"{name}.absolute_deviation_explained",
                got.AbsoluteDeviationExplained,
                want,
                "absolute_deviation_explained",
                tolerance
            );
        }
    }

    private static IEnumerable<Check> Detection(DetectionScore got, JsonSection want, double tolerance)
    {
        yield return Golden.Count("used", got.Used, want, "used");
        yield return Golden.Count("unparsed", got.Unparsed, want, "unparsed");
        yield return Golden.Count("tp", got.Counts.TruePositives, want, "tp");
        yield return Golden.Count("fp", got.Counts.FalsePositives, want, "fp");
        yield return Golden.Count("fn", got.Counts.FalseNegatives, want, "fn");
        yield return Golden.Count("tn", got.Counts.TrueNegatives, want, "tn");
        yield return EvaluationPartVerifier.Defined("accuracy", got.Counts.Accuracy, want, "accuracy", tolerance);
        yield return EvaluationPartVerifier.Defined("true_positive_rate", got.Counts.Recall, want, "true_positive_rate", tolerance);
        yield return EvaluationPartVerifier.Defined(
            "true_negative_rate",
            got.Counts.TrueNegativeRate,
            want,
            "true_negative_rate",
            tolerance
        );
        yield return EvaluationPartVerifier.Defined("balanced_accuracy", got.Counts.BalancedAccuracy, want, "balanced_accuracy", tolerance);
    }

    private static IEnumerable<bool?> Answers(JsonSection one, string key)
    {
        if (!one.Element.TryGetProperty(key, out var list) || list.ValueKind != JsonValueKind.Array)
            throw one.Missing(key);
        foreach (var answer in list.EnumerateArray())
            yield return answer.ValueKind switch
            {
                JsonValueKind.Null => null,
                JsonValueKind.Number when answer.GetDouble() is 0 or 1 => answer.GetDouble() == 1,
                _ => throw one.Bad(key, "must hold 0, 1 or null"),
            };
    }
}
