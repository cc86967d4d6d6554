using GemmaScope.Activations;
using GemmaScope.Files;

namespace GemmaScope.Verification;

/// <summary>
/// Checks activations with known features: a folder with expected.json and expected.safetensors that hold the chance a synthetic model is
/// made of, what follows from it, refined encodings, and cases of scores.
/// </summary>
public sealed class SynthVerifier : IVerifier
{
    private const string File = "expected.json",
        Tensors = "expected.safetensors";

    /// <inheritdoc/>
    public string Form => "synth";

    /// <inheritdoc/>
    public bool Recognizes(string folder)
    {
        var file = Path.Combine(folder, File);
        if (!System.IO.File.Exists(file) || !System.IO.File.Exists(Path.Combine(folder, Tensors)))
            return false;
        try
        {
            var json = JsonFile.Read(file);
            return json.Has("generator") && json.Has("config") && json.Has("benchmark_16k");
        }
        catch (FileFormatException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public IEnumerable<Check> Verify(string folder, VerifyOptions options)
    {
        var expected = JsonFile.Read(Path.Combine(folder, File));
        using var data = SafetensorsFile.Open(Path.Combine(folder, Tensors));
        foreach (var check in new SynthModelChecks(expected, data).All())
            yield return check;
        if (expected.Section("encoder") is { } encoder)
            foreach (var check in VerificationRunner.Guarded("encoder", new SynthEncoderChecks(encoder, data).All()))
                yield return check with
                {
                    Name = $"encoder.{check.Name}",
                };
        var cases = expected.Section("cases") ?? throw expected.Missing("cases");
        foreach (var name in cases.Keys)
        foreach (var check in VerificationRunner.Guarded("case", new SynthScoreChecks(cases.Section(name)!, data, name).All()))
            yield return check with
            {
                Name = $"{name}.{check.Name}",
            };
    }

    /// <summary>The config of a fixture in our terms.</summary>
    internal static SyntheticConfig Config(JsonSection expected)
    {
        var config = Section(expected, "config");
        JsonSection zipf = Section(config, "zipf"),
            trees = Section(config, "hierarchy"),
            steps = Section(config, "orthogonalisation"),
            std = Section(config, "std_magnitudes");
        var means = Golden.Numbers(config, "mean_magnitudes");
        return new()
        {
            Features = Integer(config, "num_features"),
            Width = Integer(config, "hidden_dim"),
            ZipfExponent = Number(zipf, "exponent"),
            MaxProbability = Number(zipf, "max_prob"),
            MinProbability = Number(zipf, "min_prob"),
            Roots = Integer(trees, "total_root_nodes"),
            Branching = Integer(trees, "branching_factor"),
            Depth = Integer(trees, "max_depth"),
            CorrelationRank = Integer(config, "rank"),
            CorrelationScale = Number(config, "correlation_scale"),
            OrthogonalisationSteps = Integer(steps, "num_steps"),
            OrthogonalisationRate = Number(steps, "lr"),
            FirstMean = means[0],
            LastMean = means[1],
            StdMean = Number(std, "mean"),
            StdSpread = Number(std, "std"),
            BiasNorm = Number(config, "bias_norm"),
        };
    }

    internal static JsonSection Section(JsonSection json, string key) => json.Section(key) ?? throw json.Missing(key);

    private static int Integer(JsonSection json, string key) => (int)(json.Integer(key) ?? throw json.Missing(key));

    private static double Number(JsonSection json, string key) => json.Number(key) ?? throw json.Missing(key);
}
