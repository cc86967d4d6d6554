using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;
using GemmaScope.Verification;
using Xunit;

namespace GemmaScope.Tests.Verification;

[Trait("Category", "Golden")]
public sealed class DictionaryVerifierTests
{
    private static readonly DictionaryVerifier Verifier = new();
    private static readonly Lazy<Dictionary<string, Check>> Checks = new(() => Verify(Fixtures.Path("dictionaries")));

    public static TheoryData<string> Names() => [.. Checks.Value.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void agrees_with_the_golden_value(string name) =>
        Assert.True(Checks.Value[name].Outcome == Outcome.Passed, Checks.Value[name].ToString());

    [Fact]
    public void every_case_and_every_part_is_checked()
    {
        Assert.True(Verifier.Recognizes(Fixtures.Path("dictionaries")));
        using var cases = JsonDocument.Parse(File.ReadAllText(Fixtures.Path("dictionaries", "cases.json")));
        using var malformed = JsonDocument.Parse(File.ReadAllText(Fixtures.Path("dictionaries", "malformed", "expected.json")));
        Assert.All(cases.RootElement.EnumerateArray(), one => Assert.Contains($"{one.GetProperty("name")}.x_hat", Checks.Value.Keys));
        Assert.Equal(
            malformed.RootElement.GetArrayLength(),
            Checks.Value.Keys.Count(name => name.StartsWith("malformed.", StringComparison.Ordinal))
        );
        Assert.All(["folding.input_scale.f", "metrics.kl_score", "sparse.topk_order"], name => Assert.Contains(name, Checks.Value.Keys));
    }

    /// <summary>Each tensor changed by more than its tolerance fails the check of its name, and no other of another name.</summary>
    [Theory]
    [InlineData("golden/gs1_res.safetensors", "x_hat", "gs1_res.x_hat")]
    [InlineData("golden/gs1_res.safetensors", "f", "gs1_res.f")]
    [InlineData("golden/gs1_res.safetensors", "l0", "gs1_res.l0")]
    [InlineData("golden/gs1_threshold_edges.safetensors", "f_clamped", "gs1_threshold_edges.f_clamped")]
    [InlineData("golden/gs1_threshold_edges.safetensors", "x_hat_clamped", "gs1_threshold_edges.x_hat_clamped")]
    [InlineData("golden/gs2_clt.safetensors", "f_4", "gs2_clt.f_4")]
    [InlineData("golden/gs2_clt.safetensors", "l0_3", "gs2_clt.l0_3")]
    [InlineData("golden/gs2_crosscoder.safetensors", "x_hat", "gs2_crosscoder.x_hat")]
    [InlineData("golden/saelens_skip_transcoder.safetensors", "x_hat", "saelens_skip_transcoder.x_hat")]
    [InlineData("folding/input_scale.safetensors", "f_raw", "folding.input_scale.f")]
    [InlineData("folding/decoder_norm_gated.safetensors", "after.b_mag", "folding.decoder_norm_gated.b_mag")]
    [InlineData("folding/activation_scale_standard.safetensors", "after.W_dec", "folding.activation_scale_standard.W_dec")]
    [InlineData("metrics/per_row.safetensors", "uniformity_row", "metrics.uniformity_row")]
    [InlineData("sparse/kernels.safetensors", "FtG", "sparse.FtG")]
    [InlineData("sparse/kernels.safetensors", "F_dense", "sparse.F_dense")]
    [InlineData("sparse/kernels.safetensors", "sampled", "sparse.sampled")]
    [InlineData("sparse/topk.safetensors", "topk_order", "sparse.topk_order")]
    public void a_golden_tensor_that_is_changed_is_noticed(string file, string tensor, string check)
    {
        using var copy = new GoldenCopy("dictionaries");
        copy.Change(file, tensor, ChangeLargest);
        AssertOnlyFails(copy, check);
    }

    [Theory]
    [InlineData("metrics/expected.json", "FVU")]
    [InlineData("metrics/expected.json", "L0")]
    [InlineData("metrics/expected.json", "loss_recovered")]
    [InlineData("metrics/expected.json", "dead_latents")]
    public void a_golden_number_that_is_changed_is_noticed(string file, string key)
    {
        using var copy = new GoldenCopy("dictionaries");
        copy.Edit(file, json => json[key] = json[key]!.GetValue<double>() * 1.0001);
        AssertOnlyFails(copy, $"metrics.{key}");
    }

    [Theory]
    [InlineData("must", "load")]
    [InlineData("problem", "the tensor 'elsewhere' is missing")]
    public void another_expectation_of_a_malformed_file_is_noticed(string key, string value)
    {
        using var copy = new GoldenCopy("dictionaries");
        var name = "";
        copy.Edit(
            "malformed/expected.json",
            json =>
            {
                name = json[0]!["path"]!.GetValue<string>().Replace("malformed/", "malformed.", StringComparison.Ordinal);
                json[0]![key] = value;
            }
        );
        AssertOnlyFails(copy, name);
    }

    [Theory]
    [InlineData("layer", 4)]
    [InlineData("model", "gemma-2-27b")]
    [InlineData("l0_label", 72)]
    public void metadata_that_differs_is_noticed(string key, object value)
    {
        using var copy = new GoldenCopy("dictionaries");
        copy.Edit("cases.json", json => json[0]!["metadata"]![key] = JsonValue.Create(value));
        AssertOnlyFails(copy, $"gs1_res.metadata.{key}");
    }

    [Fact]
    public void a_malformed_file_that_is_not_there_is_no_refusal()
    {
        using var copy = new GoldenCopy("dictionaries");
        copy.Edit("malformed/expected.json", json => json[0]!["path"] = "malformed/npz/absent.npz");
        AssertOnlyFails(copy, "malformed.npz/absent.npz");
    }

    [Theory]
    [InlineData("golden/gs1_res.safetensors", "gs1_res.load")]
    [InlineData("sparse/topk.safetensors", "sparse.files")]
    public void a_file_that_is_missing_fails_its_own_checks_only(string file, string check)
    {
        using var copy = new GoldenCopy("dictionaries");
        copy.Remove(file);
        AssertOnlyFails(copy, check);
    }

    [Fact]
    public void the_wrong_formulas_of_the_fixture_are_not_ours()
    {
        using var expected = JsonDocument.Parse(File.ReadAllText(Fixtures.Path("dictionaries", "metrics", "expected.json")));
        var (root, traps) = (expected.RootElement, expected.RootElement.GetProperty("traps"));
        foreach (
            var (trap, ours) in new[]
            {
                ("FVU_scalar_mean", "FVU"),
                ("FVU_including_masked_rows", "FVU"),
                ("FVU_mean_of_row_ratios", "FVU"),
                ("L0_including_masked_rows", "L0"),
                ("kl_reversed", "kl_spliced"),
            }
        )
            Assert.True(
                Math.Abs(traps.GetProperty(trap).GetDouble() / root.GetProperty(ours).GetDouble() - 1) > 1e-3,
                $"{trap} would pass for {ours}"
            );
    }

    private static void AssertOnlyFails(GoldenCopy copy, string check) => Assert.Equal([check], copy.Failures(Verifier));

    private static Dictionary<string, Check> Verify(string folder) =>
        Verifier.Verify(folder, VerifyOptions.Default).ToDictionary(check => check.Name);

    /// <summary>Adds 1 to the largest integer, or 0.1 % to the number farthest from 0.</summary>
    private static void ChangeLargest(Span<byte> data, string type)
    {
        if (type == "I32")
        {
            BinaryPrimitives.WriteInt32LittleEndian(data, BinaryPrimitives.ReadInt32LittleEndian(data) + 1);
            return;
        }
        var largest = 0;
        for (var at = 0; at < data.Length; at += 4)
            if (
                Math.Abs(BinaryPrimitives.ReadSingleLittleEndian(data[at..]))
                > Math.Abs(BinaryPrimitives.ReadSingleLittleEndian(data[largest..]))
            )
                largest = at;
        BinaryPrimitives.WriteSingleLittleEndian(data[largest..], BinaryPrimitives.ReadSingleLittleEndian(data[largest..]) * 1.001f);
    }
}
