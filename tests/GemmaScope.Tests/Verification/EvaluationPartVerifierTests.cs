using System.Text.Json.Nodes;
using GemmaScope.Verification;
using Xunit;

namespace GemmaScope.Tests.Verification;

[Trait("Category", "Golden")]
public class EvaluationPartVerifierTests
{
    private static readonly EvaluationPartVerifier[] Verifiers =
    [
        EvaluationPartVerifier.Probing,
        EvaluationPartVerifier.Absorption,
        EvaluationPartVerifier.Metrics,
        EvaluationPartVerifier.Interpretation,
        EvaluationPartVerifier.SteeringScores,
        EvaluationPartVerifier.Reasoning,
    ];

    public static TheoryData<string> Parts => ["probing", "absorption", "metrics", "autointerp", "steering_score", "cot"];

    [Theory]
    [MemberData(nameof(Parts))]
    public void every_part_matches_the_reference(string part)
    {
        var checks = Verify(Fixtures.Path("evaluation", part)).ToArray();
        Assert.True(checks.Length > 20);
        Assert.All(checks, check => Assert.True(check.Outcome == Outcome.Passed, check.ToString()));
    }

    [Theory]
    [MemberData(nameof(Parts))]
    public void a_folder_is_recognised_by_its_own_verifier_only(string part) =>
        Assert.Equal(
            part,
            Assert.Single(VerificationRunner.Verifiers, verifier => verifier.Recognizes(Fixtures.Path("evaluation", part))).Form
        );

    [Theory]
    [InlineData("probing", "balanced/k_sparse/5/coefficients/3", 2e-6)]
    [InlineData("probing", "balanced/all_latents_probe/intercept", 2e-6)]
    [InlineData("probing", "imbalanced/bag_of_words/objective", 1e-5)]
    [InlineData("probing", "imbalanced/dense_probe/C=1.0/test_auroc", 1e-6)]
    [InlineData("probing", "balanced/ranking/0", 1)]
    [InlineData("probing", "feature_splits/cases/0/main_latents", 1)]
    [InlineData("absorption", "cases/random/words/1/projection", 1e-3)]
    [InlineData("absorption", "cases/exact/full_rate", 1e-3)]
    [InlineData("metrics", "classifiers/ties/auroc", 1e-8)]
    [InlineData("metrics", "classifiers/ties/optimal_f1_threshold", 1.0 / 64)]
    [InlineData("metrics", "classifiers/continuous/calibration_bins/3/mean_score", 1e-8)]
    [InlineData("metrics", "policies/macro_auroc", 1e-8)]
    [InlineData("metrics", "correlations/corr_large_offset/pearson", 1e-8)]
    [InlineData("autointerp", "detection/3/expected/balanced_accuracy", 1e-8)]
    [InlineData("autointerp", "detection/5/expected/unparsed", 1)]
    [InlineData("autointerp", "summary/fuzzing/frequency_weighted", 1e-8)]
    [InlineData("autointerp", "simulation/2/r_squared", 1e-8)]
    [InlineData("steering_score", "harmonic_mean/6/score", 1e-8)]
    [InlineData("steering_score", "concepts/3/chosen_index", 1)]
    [InlineData("steering_score", "concepts/1/tied", 1)]
    [InlineData("steering_score", "concepts/4/selection_means/2", 1e-8)]
    [InlineData("steering_score", "concepts/5/score", 1e-8)]
    [InlineData("steering_score", "concepts/2/fluency_mean", 1e-8)]
    [InlineData("steering_score", "score", 1e-8)]
    [InlineData("cot", "early_answering/expected/aoc", 1e-9)]
    [InlineData("cot", "early_answering/expected/lengths/2/same_answer/1", 1e-9)]
    [InlineData("cot", "adding_mistakes/expected/samples_left_out", 1)]
    [InlineData("cot", "with_and_without/same_answer_fraction", 1e-9)]
    [InlineData("cot", "filler/expected/table/3/accuracy", 1e-9)]
    [InlineData("cot", "paraphrase/expected/accuracy_fully_paraphrased", 1e-9)]
    [InlineData("cot", "hint/expected/verbalisation_rate", 1e-9)]
    public void a_golden_number_that_is_changed_is_noticed(string part, string path, double change) =>
        OneFails(part, path, value => JsonValue.Create(value!.GetValue<double>() + change));

    [Theory]
    [InlineData("absorption", "cases/exact/words/2/full_branch", "nothing")]
    [InlineData("absorption", "cases/random/words/4/fraction_branch", "nothing")]
    public void another_branch_is_noticed(string part, string path, string branch) => OneFails(part, path, _ => JsonValue.Create(branch));

    [Theory]
    [InlineData("metrics", "classifiers/all_positive/auroc", 0.5)]
    [InlineData("metrics", "classifiers/empty/brier", 0)]
    [InlineData("metrics", "correlations/corr_constant/spearman", 0)]
    [InlineData("absorption", "cases/no_true_positive/full_rate", 0)]
    [InlineData("autointerp", "simulation/1/pearson", 0)]
    [InlineData("cot", "early_answering_nothing_usable/expected/aoc", 0)]
    [InlineData("cot", "hint_never_followed/expected/verbalisation_rate", 0)]
    public void a_number_where_there_is_none_is_noticed(string part, string path, double value) =>
        OneFails(part, path, _ => JsonValue.Create(value));

    [Fact]
    public void an_undefined_number_where_there_is_one_is_noticed() => OneFails("metrics", "classifiers/ties/auroc", _ => null);

    private static void OneFails(string part, string path, Func<JsonNode?, JsonNode?> change)
    {
        using var copy = new GoldenCopy("evaluation", part);
        copy.Edit("expected.json", path.Split('/'), change);
        Assert.Single(copy.Failures(Verifiers.Single(verifier => verifier.Recognizes(copy.Path))));
    }

    private static IEnumerable<Check> Verify(string folder) =>
        Verifiers.Single(verifier => verifier.Recognizes(folder)).Verify(folder, VerifyOptions.Default);
}
