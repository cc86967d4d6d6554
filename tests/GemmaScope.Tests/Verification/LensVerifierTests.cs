using System.Text.Json.Nodes;
using GemmaScope.Verification;
using Xunit;

namespace GemmaScope.Tests.Verification;

[Trait("Category", "Golden")]
public class LensVerifierTests
{
    [Fact]
    public void jacobians_readings_interventions_tuned_lenses_and_files_match_the_reference()
    {
        var checks = VerificationRunner.Run(Fixtures.Path("lens"), VerifyOptions.Default).ToArray();
        Assert.All(checks, check => Assert.True(check.Check.Outcome == Outcome.Passed, check.ToString()));
        Assert.Equal(["lens", "lens files"], checks.Select(check => check.Form).Distinct().Order());
        Assert.True(checks.Length > 200);
    }

    [Fact]
    public void golden_numbers_that_are_changed_are_noticed()
    {
        using var copy = new GoldenCopy("lens", "gemma3-text");
        Directory.CreateSymbolicLink(Path.Combine(copy.Path, "host"), Fixtures.Path("host"));
        string[] paths =
        [
            "running_mean/mean_rel_change/3",
            "running_mean/identity_distance/0",
            "mixed/n_prompts",
            "merge/unweighted_off_by",
            "traps_J_relative/target_after_final_norm",
            "traps_J_relative/last_position_kept",
            "readout/2/transposed_off_by",
            "readout_smallest_gap_in_top6/logit.4",
            "interventions/14/max_logit_change",
            "tuned/nesterov/loss_per_layer/7/3",
            "tuned/plain/top1_agreement_per_layer/1",
        ];
        foreach (var path in paths)
            copy.Edit("expected.json", path.Split('/'), value => JsonValue.Create(value!.GetValue<double>() + 1));
        Assert.Equal(paths.Length, copy.Failures(new LensVerifier()).Length);
    }
}
