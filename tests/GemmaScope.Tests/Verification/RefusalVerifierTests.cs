using System.Text.Json.Nodes;
using GemmaScope.Verification;
using Xunit;

namespace GemmaScope.Tests.Verification;

[Trait("Category", "Golden")]
public class RefusalVerifierTests
{
    private static readonly RefusalVerifier Verifier = new();

    [Fact]
    public void scores_directions_edits_and_judge_match_the_reference()
    {
        var checks = Verifier.Verify(Fixtures.Path("evaluation", "refusal"), VerifyOptions.Default).ToArray();
        Assert.True(checks.Length > 800);
        Assert.All(checks, check => Assert.True(check.Outcome == Outcome.Passed, check.ToString()));
    }

    [Fact]
    public void a_folder_is_recognised_by_its_own_verifier_only() =>
        Assert.Equal(
            "refusal",
            Assert.Single(VerificationRunner.Verifiers, one => one.Recognizes(Fixtures.Path("evaluation", "refusal"))).Form
        );

    [Fact]
    public void golden_numbers_that_are_changed_are_noticed()
    {
        using var copy = new GoldenCopy("evaluation", "refusal");
        foreach (
            var path in (string[])
                [
                    "prompts/harmful_train/0/refusal_score",
                    "directions/norms/2/1",
                    "directions/cosine/9/17",
                    "candidates/9/kl_harmless",
                    "selection/2/passed",
                    "refusal_scores/ablate_module_outputs/harmless_train/3",
                    "checks/tied_trap_differs_by",
                    "substring_judge/refusals",
                ]
        )
            copy.Edit("expected.json", path.Split('/'), value => JsonValue.Create(value!.GetValue<double>() + 1));
        copy.Edit("expected.json", ["substring_judge", "completions", "7", "refusal_at_start"], value => !value!.GetValue<bool>());
        copy.Edit("expected.json", ["selection", "3", "chosen", "0"], value => value!.GetValue<int>() - 1);
        Assert.Equal(10, copy.Failures(Verifier).Length);
    }
}
