using System.Text.Json.Nodes;
using GemmaScope.Verification;
using Xunit;

namespace GemmaScope.Tests.Verification;

[Trait("Category", "Golden")]
public class AttributionVerifierTests
{
    private static readonly string Folder = Fixtures.Path("attribution");
    private static readonly AttributionVerifier Verifier = new();

    public static TheoryData<string> Modes =>
        [
            "add",
            "add_last3",
            "add_all_positions",
            "add_unit_direction",
            "clamp",
            "zero_ablate",
            "directional_ablation",
            "orthogonal_decomposition",
            "projection_cap",
            "add_norm_matched",
            "directional_ablation_everywhere",
        ];

    [Fact]
    public void every_mode_and_graph_matches_the_reference()
    {
        var checks = Verifier.Verify(Folder, VerifyOptions.Default).ToArray();
        Assert.Empty(checks.Where(check => check.Outcome != Outcome.Passed).Select(check => check.ToString()));
        foreach (var graph in (string[])["gemma2-scope1-p0", "gemma3-scope2-clt-p0"])
        foreach (var part in (string[])["adjacency", "bias", "identity", "edge_index, end to end", "budget_order"])
            Assert.Contains(checks, check => check.Name == $"graphs.{graph}.{part}");
        foreach (var model in (string[])["gemma2", "gemma3"])
        foreach (var prompt in (int[])[0, 1])
        {
            Assert.Contains(checks, check => check.Name == $"steering.{model}.prompt{prompt}.sae.activations");
            Assert.All(
                Modes.Select(row => row.Data),
                mode => Assert.Contains(checks, check => check.Name == $"steering.{model}.prompt{prompt}.{mode}.logits")
            );
        }
    }

    [Fact]
    public void a_folder_is_recognised_by_its_own_verifier_only() =>
        Assert.Equal("attribution", Assert.Single(VerificationRunner.Verifiers, verifier => verifier.Recognizes(Folder)).Form);

    [Theory]
    [MemberData(nameof(Modes))]
    public void another_setting_of_a_mode_is_noticed(string mode) =>
        InCopy(copy =>
        {
            Change(
                copy,
                mode,
                one =>
                {
                    var given = one["parameters"]!.AsObject();
                    if (new[] { "alpha", "value", "coeff", "cap" }.FirstOrDefault(given.ContainsKey) is { } number && mode != "zero_ablate")
                        given[number] = given[number]!.GetValue<double>() + 0.01;
                    else
                        given["feature"] = given["feature"]!.GetValue<int>() + 1;
                }
            );
            Assert.Equal([$"steering.gemma2.prompt0.{mode}"], Failed(copy));
        });

    [Fact]
    public void another_position_is_noticed() =>
        InCopy(copy =>
        {
            Change(copy, "add", one => one["positions"]!.AsArray().RemoveAt(2));
            Assert.Equal(["steering.gemma2.prompt0.add"], Failed(copy));
        });

    [Fact]
    public void a_mode_that_is_not_known_and_its_tensors_are_noticed() =>
        InCopy(copy =>
        {
            Change(copy, "clamp", one => one["mode"] = "squeeze");
            Assert.Equal(["steering.gemma2.prompt0.squeeze", "steering.gemma2.tensors"], Failed(copy));
        });

    [Theory]
    [InlineData("replacement_score", "replacement_score, stored adjacency;replacement_score, end to end")]
    [InlineData("node_cut", "node_cut, stored adjacency;node_cut, end to end")]
    [InlineData("completeness_score", "completeness_score, stored adjacency;completeness_score, end to end")]
    public void another_number_of_a_graph_is_noticed(string key, string checks) =>
        InGraph(golden => golden[key] = golden[key]!.GetValue<double>() + 0.001, checks.Split(';'));

    [Fact]
    public void another_intervention_is_noticed() =>
        InGraph(
            golden =>
            {
                var change = golden["interventions"]![1]!["changes"]![0]!;
                change["new"] = change["new"]!.GetValue<double>() * 1.01;
            },
            "case1.attention_frozen.logits_last",
            "case1.constrained = edges",
            "case1.constrained.logits_raw",
            "case1.constrained.pre_activations",
            "case1.free.logits"
        );

    [Fact]
    public void another_queue_of_the_budget_is_noticed() => InGraph(golden => golden["budget"]!["queue"] = 31, "budget_order");

    [Fact]
    public void other_positions_that_are_zeroed_are_noticed() =>
        InGraph(golden => golden["zero_positions"] = 2, "active_features", "adjacency", "bias", "edge_index, end to end");

    /// <summary>Changes the golden numbers of the first graph; these checks of it fail, and others may that follow from them.</summary>
    private static void InGraph(Action<JsonNode> change, params string[] failing)
    {
        using var copy = TemporaryFolder.CopyOf(Folder);
        Directory.Delete(copy.File("steering"), recursive: true);
        Directory.Delete(copy.File(Path.Combine("graphs", "gemma3-scope2-clt-p0")), recursive: true);
        var file = copy.File(Path.Combine("graphs", "gemma2-scope1-p0", "expected.json"));
        var golden = JsonNode.Parse(File.ReadAllText(file))!;
        change(golden);
        File.WriteAllText(file, golden.ToJsonString());
        var failed = Verifier
            .Verify(copy.Path, VerifyOptions.Default)
            .Where(check => check.Outcome == Outcome.Failed)
            .Select(check => check.Name["graphs.gemma2-scope1-p0.".Length..])
            .ToArray();
        Assert.All(failing, check => Assert.Contains(check, failed));
    }

    /// <summary>What failed, by its case.</summary>
    private static string[] Failed(string folder) =>
        [
            .. Verifier
                .Verify(folder, VerifyOptions.Default)
                .Where(check => check.Outcome == Outcome.Failed)
                .Select(check =>
                    check.Name.Replace(".max_logit_change", "").Replace(".logits", "").Replace(".resid_post", "").Split(',')[0]
                )
                .Distinct()
                .Order(StringComparer.Ordinal),
        ];

    /// <summary>Changes the first case of a mode of gemma2.</summary>
    private static void Change(string folder, string mode, Action<JsonNode> change)
    {
        var file = Path.Combine(folder, "steering", "gemma2", "expected.json");
        var golden = JsonNode.Parse(File.ReadAllText(file))!;
        change(golden["cases"]!.AsArray().First(one => one!["mode"]!.GetValue<string>() == mode)!);
        File.WriteAllText(file, golden.ToJsonString());
    }

    private static void InCopy(Action<string> test)
    {
        using var copy = TemporaryFolder.CopyOf(Folder);
        Directory.Delete(copy.File(Path.Combine("steering", "gemma3")), recursive: true);
        Directory.Delete(copy.File("graphs"), recursive: true);
        test(copy.Path);
    }
}
