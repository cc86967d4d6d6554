using System.Buffers.Binary;
using System.Text.Json;
using GemmaScope.Verification;
using Xunit;

namespace GemmaScope.Tests.Verification;

[Trait("Category", "Golden")]
public sealed class EvaluationVerifierTests
{
    private static readonly EvaluationVerifier Verifier = new();
    private static readonly Lazy<Dictionary<string, Check>> Checks = new(() => Verify(Fixtures.Path("evaluation", "spliced")));

    public static TheoryData<string> Names() => [.. Checks.Value.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void agrees_with_the_golden_value(string name) =>
        Assert.True(Checks.Value[name].Outcome == Outcome.Passed, Checks.Value[name].ToString());

    [Fact]
    public void every_set_of_both_models_is_checked()
    {
        Assert.True(Verifier.Recognizes(Fixtures.Path("evaluation", "spliced")));
        Assert.False(Verifier.Recognizes(Fixtures.Path("host", "gemma2-f32-smallcaps")));
        foreach (var host in new[] { "gemma2", "gemma3" })
        {
            using var expected = JsonDocument.Parse(File.ReadAllText(Fixtures.Path("evaluation", "spliced", $"expected.{host}.json")));
            Assert.All(
                expected.RootElement.GetProperty("sets").EnumerateObject(),
                set => Assert.Contains($"{host}.{set.Name}.kl_score", Checks.Value.Keys)
            );
        }
    }

    [Theory]
    [InlineData("ce_clean.both", "ce_clean")]
    [InlineData("predictions.target", "predictions")]
    [InlineData("sets.*.runs.spliced_bos_too.ce.target", "*.runs")]
    [InlineData("sets.*.delta_loss.mean_ablated.source", "*.delta_loss")]
    [InlineData("sets.*.loss_recovered_everywhere", "*.loss_recovered_everywhere")]
    [InlineData("sets.*.kl_score", "*.kl_score")]
    [InlineData("sets.*.reconstruction.FVU", "*.reconstruction.FVU")]
    [InlineData("sets.*.reconstruction.L0", "*.reconstruction.L0")]
    [InlineData("sets.*.reconstruction.uniformity", "*.reconstruction.uniformity")]
    [InlineData("sets.*.reconstruction.dead_latents", "*.reconstruction.dead_latents")]
    [InlineData("sets.*.reconstruction.by_position.5.FVU", "*.reconstruction.by_position")]
    public void a_golden_number_that_is_changed_is_noticed(string path, string check)
    {
        using var copy = new OneHost();
        copy.Edit(path, value => value * 1.001 + (value == Math.Round(value) ? 1 : 0));
        copy.AssertOnlyFails(check);
    }

    [Fact]
    public void an_undefined_number_is_not_zero()
    {
        using var copy = new OneHost();
        copy.Edit("sets.*.reconstruction.by_position.0.FVU", _ => 0);
        copy.AssertOnlyFails("*.reconstruction.by_position");
    }

    [Fact]
    public void a_golden_number_that_nobody_knows_fails()
    {
        using var copy = new OneHost();
        copy.Edit("sets.*.surprise", _ => 1);
        copy.AssertOnlyFails("*.surprise");
    }

    [Theory]
    [InlineData("*.l0")]
    [InlineData("*.x_hat_first12")]
    [InlineData("*.uniformity_row")]
    [InlineData("*.zero_ablated.cross_entropy")]
    [InlineData("*.spliced.logits_first2")]
    [InlineData("clean.logits_first2")]
    public void a_golden_tensor_that_is_changed_is_noticed(string tensor)
    {
        using var copy = new OneHost();
        copy.Change(tensor);
        copy.AssertOnlyFails(tensor);
    }

    private static Dictionary<string, Check> Verify(string folder) =>
        Verifier.Verify(folder, VerifyOptions.Default).ToDictionary(check => check.Name);

    /// <summary>The fixture folder with the Gemma 3 model only; * stands for its dictionary.</summary>
    private sealed class OneHost : IDisposable
    {
        private const string Json = "expected.gemma3.json",
            Tensors = "expected.gemma3.safetensors";

        private readonly GoldenCopy _copy = new("evaluation", "spliced");
        private readonly string _dictionary;

        public OneHost()
        {
            _copy.Remove("expected.gemma2.json");
            _dictionary = _copy.Read(Json)["dictionaries"]![0]!["name"]!.GetValue<string>();
        }

        public void Dispose() => _copy.Dispose();

        public void Edit(string path, Func<double, double> change) =>
            _copy.Edit(Json, Named(path).Split('.'), value => change(value?.GetValue<double>() ?? 0));

        /// <summary>Adds 1 to the first number of a tensor.</summary>
        public void Change(string tensor) =>
            _copy.Change(
                Tensors,
                Named(tensor),
                (data, type) =>
                {
                    if (type == "I32")
                        BinaryPrimitives.WriteInt32LittleEndian(data, BinaryPrimitives.ReadInt32LittleEndian(data) + 1);
                    else
                        BinaryPrimitives.WriteSingleLittleEndian(data, BinaryPrimitives.ReadSingleLittleEndian(data) + 1);
                }
            );

        public void AssertOnlyFails(string check) => Assert.Equal([$"gemma3.{Named(check)}"], _copy.Failures(Verifier));

        private string Named(string path) => path.Replace("*", _dictionary, StringComparison.Ordinal);
    }
}
