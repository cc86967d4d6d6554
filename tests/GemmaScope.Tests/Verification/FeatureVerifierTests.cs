using System.Buffers.Binary;
using GemmaScope.Verification;
using Xunit;

namespace GemmaScope.Tests.Verification;

public class FeatureVerifierTests
{
    private static readonly string Folder = Fixtures.Path("features");

    [Fact, Trait("Category", "Golden")]
    public void the_golden_feature_statistics_match()
    {
        var checks = new FeatureVerifier().Verify(Folder, VerifyOptions.Default).ToArray();
        Assert.Empty(checks.Where(check => check.Outcome != Outcome.Passed).Select(check => $"{check.Name}: {check.Error} {check.Detail}"));
        Assert.True(checks.Length > 250);
    }

    [Fact]
    public void only_such_folders_are_recognized()
    {
        Assert.True(new FeatureVerifier().Recognizes(Folder));
        Assert.False(new FeatureVerifier().Recognizes(Fixtures.Path("evaluation", "spliced")));
        Assert.False(new FeatureVerifier().Recognizes(Path.Combine(Folder, "host")));
    }

    [Fact]
    public void golden_numbers_that_are_changed_are_noticed()
    {
        string[] keys =
        [
            "count",
            "max",
            "activation_hist_counts",
            "interval_counts",
            "interval_sequences",
            "top_sequences",
            "top_values",
            "pearson",
            "coactivation",
            "correlated_neurons_pearson",
            "decoder_cosine",
            "logit_effects",
            "gained_logit_top_ids",
            "logit_hist_counts",
            "alignment_l1",
            "top_dfa",
            "head_shares",
        ];
        using var copy = new GoldenCopy("features");
        foreach (var key in keys)
            copy.Change("statistics/attention.safetensors", key, ChangeLast);
        var json = copy.Own("saedashboard-batch.json");
        File.WriteAllText(
            json,
            File.ReadAllText(json).Replace("\"n_prompts_total\": 120", "\"n_prompts_total\": 121", StringComparison.Ordinal)
        );
        var failed = copy.Failures(new FeatureVerifier());
        Assert.Empty(keys.Select(key => $"attention.{key}").Append("exports.saedashboard-batch.json").Except(failed));
        Assert.DoesNotContain(failed, name => name.StartsWith("residual.", StringComparison.Ordinal));
    }

    /// <summary>Changes the last number of a tensor.</summary>
    private static void ChangeLast(Span<byte> data, string type)
    {
        switch (type)
        {
            case "U8":
                data[^1] ^= 1;
                break;
            case "I32":
                BinaryPrimitives.WriteInt32LittleEndian(data[^4..], BinaryPrimitives.ReadInt32LittleEndian(data[^4..]) + 1);
                break;
            default:
                BinaryPrimitives.WriteSingleLittleEndian(data[^4..], BinaryPrimitives.ReadSingleLittleEndian(data[^4..]) + 0.01f);
                break;
        }
    }
}
