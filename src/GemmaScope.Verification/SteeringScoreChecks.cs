using GemmaScope.Evaluation;
using GemmaScope.Files;

namespace GemmaScope.Verification;

/// <summary>Scores of steered outputs from their ratings: the harmonic mean, the factor that one half of the instructions chooses, the
/// score of the other half.</summary>
internal static class SteeringScoreChecks
{
    public static IEnumerable<Check> Verify(JsonSection expected, SafetensorsFile data)
    {
        var tolerance = expected.Number("tolerance") ?? throw expected.Missing("tolerance");
        foreach (var (number, one) in expected.Objects("harmonic_mean").Index())
            yield return EvaluationPartVerifier.Defined(
                $"harmonic_mean.{number}",
                SteeringScore.HarmonicMean(Golden.Numbers(one, "ratings")),
                one,
                "score",
                tolerance
            );

        var factors = Golden.Numbers(expected, "factors");
        var instructions = (int)data["ratings"].Shape[2];
        var ratings = Golden
            .Integers(data, "ratings")
            .ToArray()
            .Chunk(3)
            .Select(one => ((double)one[0], (double)one[1], (double)one[2]))
            .ToArray();
        var harmonic = EvaluationPartVerifier.F32(data, "harmonic").AsSpan().ToArray();
        yield return Check.That(
            "harmonic",
            ratings.Select(one => (float)SteeringScore.HarmonicMean([one.Item1, one.Item2, one.Item3])).SequenceEqual(harmonic),
            $"{harmonic.Length} compared"
        );
        List<double> scores = [];
        foreach (var want in expected.Objects("concepts"))
        {
            var concept = want.Integer("concept") ?? throw want.Missing("concept");
            var rows = ratings
                .Skip(concept * factors.Length * instructions)
                .Take(factors.Length * instructions)
                .Chunk(instructions)
                .ToArray();
            var got = SteeringScore.Of(factors, rows);
            scores.Add(got.Score);
            foreach (var check in Concept(got, factors, want, tolerance))
                yield return check with
                {
                    Name = $"concepts.{concept}.{check.Name}",
                };
        }
        yield return EvaluationPartVerifier.Defined("score", scores.Average(), expected, "score", tolerance);
    }

    private static IEnumerable<Check> Concept(SteeringScore got, double[] factors, JsonSection want, double tolerance)
    {
        yield return Check.Within("selection_means", Largest(got.SelectionMeans, Golden.Numbers(want, "selection_means")), tolerance);
        yield return Golden.Count("chosen_index", got.Factor, want, "chosen_index");
        yield return Golden.Count("tied", got.Tied, want, "tied");
        yield return EvaluationPartVerifier.Defined("chosen_factor", factors[got.Factor], want, "chosen_factor", tolerance);
        yield return EvaluationPartVerifier.Defined("selection_score", got.SelectionMeans[got.Factor], want, "selection_score", tolerance);
        yield return EvaluationPartVerifier.Defined("score", got.Score, want, "score", tolerance);
        yield return EvaluationPartVerifier.Defined("concept_mean", got.Concept, want, "concept_mean", tolerance);
        yield return EvaluationPartVerifier.Defined("instruction_mean", got.Instruction, want, "instruction_mean", tolerance);
        yield return EvaluationPartVerifier.Defined("fluency_mean", got.Fluency, want, "fluency_mean", tolerance);
    }

    private static double Largest(IReadOnlyList<double> got, double[] want) =>
        got.Count == want.Length ? got.Zip(want, (a, b) => Math.Abs(a - b)).Max() : double.PositiveInfinity;
}
