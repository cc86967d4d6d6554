using GemmaScope.Files;
using GemmaScope.Numerics;
using GemmaScope.Verification;
using Xunit;

namespace GemmaScope.Tests.Verification;

[Trait("Category", "Golden")]
public class TrainingVerifierTests
{
    private static readonly TrainingVerifier Verifier = new();
    private static readonly Lazy<Check[]> Checks = new(() => [.. Verifier.Verify(Fixtures.Path("training"), VerifyOptions.Default)]);

    public static TheoryData<string> Cases =>
        [.. JsonFile.ReadList(Fixtures.Path("training", "cases.json")).Select(one => one.Text("name")!)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void every_case_matches_the_reference(string name)
    {
        Check[] checks = [.. Checks.Value.Where(check => check.Name.StartsWith($"{name}.", StringComparison.Ordinal))];
        Assert.All(
            ["grad.", "after1.", "after5.", "x_hat", "step 4.total"],
            part => Assert.Contains(checks, check => check.Name.StartsWith($"{name}.{part}", StringComparison.Ordinal))
        );
        Assert.All(checks, check => Assert.True(check.Outcome == Outcome.Passed, check.ToString()));
    }

    [Fact]
    public void further_methods_match_theirs()
    {
        Check[] checks = [.. Verifier.Verify(Fixtures.Path("training_methods"), VerifyOptions.Default)];
        Assert.All(
            [
                "batch_topk_k_start.step 4.l0",
                "topk_k_start.after5.W_enc",
                "jumprelu_l0_target_start.step 2.sparsity_l0_target",
                "relu_p_anneal.step 4.lambda",
                "jumprelu_l0_clip.step 3.gradient_norm",
                "topk_resample.after5.W_dec",
                "jumprelu_resample_momentum.after5.threshold",
            ],
            name => Assert.Contains(checks, check => check.Name == name)
        );
        Assert.All(checks, check => Assert.True(check.Outcome == Outcome.Passed, check.ToString()));
    }

    [Theory]
    [InlineData("batch_topk_k_start", "hyper/k_start")]
    [InlineData("topk_k_start", "hyper/k_steps")]
    [InlineData("jumprelu_l0_target_start", "hyper/l0_target_start")]
    [InlineData("relu_p_anneal", "hyper/anneal_updates")]
    [InlineData("jumprelu_l0_clip", "hyper/clip_norm")]
    [InlineData("topk_resample", "hyper/resample_every")]
    [InlineData("topk_resample", "hyper/seed")]
    public void without_their_setting_they_do_not(string name, string path)
    {
        using var copy = new CaseCopy(name, "training_methods");
        copy.Edit(path, number => number + 1);
        Assert.NotEmpty(copy.Failures());
    }

    [Fact]
    public void the_folder_is_recognised_by_its_own_verifier_only() =>
        Assert.Equal(
            "training",
            Assert.Single(VerificationRunner.Verifiers, verifier => verifier.Recognizes(Fixtures.Path("training"))).Form
        );

    [Theory]
    [InlineData("jumprelu_l0", "grad.threshold")]
    [InlineData("jumprelu_l0", "grad_log_threshold")]
    [InlineData("jumprelu_l0", "grad_projected.W_dec")]
    [InlineData("jumprelu_l0", "after1.W_enc")]
    [InlineData("jumprelu_l0", "after5.W_dec")]
    [InlineData("jumprelu_l0", "f")]
    [InlineData("jumprelu_frequency", "frequency")]
    [InlineData("jumprelu_l0_target", "alternative.per_token.grad_threshold")]
    [InlineData("gated", "grad.r_mag")]
    [InlineData("topk_auxk", "x_hat")]
    [InlineData("skip_transcoder", "after5.W_skip")]
    [InlineData("clt_tanh", "grad.w_dec.1")]
    [InlineData("clt_tanh", "f.2")]
    public void a_golden_tensor_that_is_changed_is_noticed(string name, string tensor)
    {
        using var copy = new CaseCopy(name);
        copy.Change(tensor);
        Assert.Equal(
            [$"{name}.{tensor}"],
            copy.Failures().Select(failure => failure.Replace(".dense.", ".", StringComparison.Ordinal)).Distinct()
        );
    }

    [Theory]
    [InlineData("jumprelu_l0", "steps/0/terms/total")]
    [InlineData("jumprelu_l0", "steps/3/terms/sparsity")]
    [InlineData("jumprelu_l0", "steps/2/lr")]
    [InlineData("jumprelu_l0", "steps/4/entries_in_window")]
    [InlineData("jumprelu_tanh", "steps/1/terms/pre_activation")]
    [InlineData("jumprelu_l0_target", "alternatives/relative_squared")]
    [InlineData("matryoshka_jumprelu", "steps/4/terms/mse_prefix_24")]
    [InlineData("matryoshka_jumprelu", "alternatives/with_bias_only_reconstruction")]
    [InlineData("topk_auxk", "steps/1/terms/auxiliary")]
    [InlineData("batch_topk", "steps/4/terms/running_threshold")]
    public void a_golden_number_that_is_changed_is_noticed(string name, string path)
    {
        using var copy = new CaseCopy(name);
        copy.Edit(path, number => number * 1.001);
        Assert.Single(copy.Failures());
    }

    [Theory]
    [InlineData("hyper/lambda")]
    [InlineData("hyper/lr")]
    [InlineData("hyper/epsilon")]
    public void another_recipe_is_noticed(string path)
    {
        using var copy = new CaseCopy("jumprelu_l0");
        copy.Edit(path, number => number * 1.01);
        Assert.NotEmpty(copy.Failures());
    }

    [Fact]
    public void a_tensor_that_nobody_checks_fails()
    {
        using var copy = new CaseCopy("relu_l1");
        copy.Change("grad.W_enc", to: "surprise");
        Assert.Contains("relu_l1.surprise", copy.Failures());
    }

    [Fact]
    public void a_missing_file_fails_its_own_case()
    {
        using var copy = new CaseCopy("relu_l1");
        copy.Remove();
        Assert.Equal(["relu_l1.case"], copy.Failures());
    }

    /// <summary>A folder with one of the cases.</summary>
    private sealed class CaseCopy : IDisposable
    {
        private const string Cases = "cases.json";

        private readonly GoldenCopy _copy;
        private readonly string _tensors;

        public CaseCopy(string name, string folder = "training")
        {
            _copy = new(folder);
            _tensors = $"{name}.safetensors";
            _copy.Edit(
                Cases,
                json =>
                {
                    foreach (var other in json.AsArray().Where(one => one!["name"]!.GetValue<string>() != name).ToArray())
                        json.AsArray().Remove(other);
                }
            );
        }

        /// <summary>Changes the largest number of a tensor, and its name if wanted.</summary>
        public void Change(string name, string? to = null)
        {
            var path = _copy.Own(_tensors);
            Dictionary<string, Tensor> tensors;
            using (var file = SafetensorsFile.Open(path))
                tensors = file.Tensors.ToDictionary(pair => pair.Key, pair => pair.Value.ToF32());
            var values = tensors[name].AsSpan();
            var largest = System.Numerics.Tensors.TensorPrimitives.IndexOfMaxMagnitude<float>(values);
            values[largest] *= 1.0001f;
            if (to is not null && tensors.Remove(name, out var renamed))
                tensors[to] = renamed;
            SafetensorsWriter.Write(path, tensors, overwrite: true);
        }

        public void Edit(string path, Func<double, double> change) =>
            _copy.Edit(Cases, ["0", .. path.Split('/')], value => change(value!.GetValue<double>()));

        public void Remove() => _copy.Remove(_tensors);

        public string[] Failures() => _copy.Failures(Verifier);

        public void Dispose() => _copy.Dispose();
    }
}
