using GemmaScope.Verification;
using Xunit;

namespace GemmaScope.Tests.Verification;

[Trait("Category", "Golden")]
public class SynthVerifierTests
{
    [Fact]
    public void model_rows_and_scores_match_the_reference()
    {
        Check[] checks = [.. new SynthVerifier().Verify(Fixtures.Path("synth"), VerifyOptions.Default)];
        Assert.All(
            [
                "dictionary",
                "activations",
                "activations_gate_only",
                "benchmark_16k.compensated",
                "encoder.lista_2",
                "encoder.leave_one_out_1.support",
                "perfect.f1",
                "greedy_is_wrong.mcc",
            ],
            name => Assert.Contains(checks, check => check.Name == name)
        );
        Assert.All(checks, check => Assert.True(check.Outcome == Outcome.Passed, check.ToString()));
    }

    [Fact]
    public void the_folder_is_recognised_by_its_own_verifier_only() =>
        Assert.Equal("synth", Assert.Single(VerificationRunner.Verifiers, verifier => verifier.Recognizes(Fixtures.Path("synth"))).Form);
}
