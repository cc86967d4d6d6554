using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>
/// Checks one part of the evaluations on stored inputs: a folder with expected.json, recognised by its keys, and data.safetensors.
/// </summary>
public sealed class EvaluationPartVerifier : IVerifier
{
    private readonly string[] _keys;
    private readonly Func<JsonSection, SafetensorsFile, IEnumerable<Check>> _verify;

    private EvaluationPartVerifier(string form, string[] keys, Func<JsonSection, SafetensorsFile, IEnumerable<Check>> verify) =>
        (Form, _keys, _verify) = (form, keys, verify);

    /// <summary>Probes, DiffMean, bag of words, ranking of latents, pooling, feature splits.</summary>
    public static EvaluationPartVerifier Probing { get; } = new("probing", ["feature_splits", "tolerance"], ProbingChecks.Verify);

    /// <summary>Full and fractional absorption with their branches.</summary>
    public static EvaluationPartVerifier Absorption { get; } =
        new("absorption", ["eps", "full", "fraction", "cases"], AbsorptionChecks.Verify);

    /// <summary>Scores against labels, policies together, correlations.</summary>
    public static EvaluationPartVerifier Metrics { get; } =
        new("metrics", ["classifiers", "policies", "correlations"], ClassifierChecks.Verify);

    /// <summary>Scores of explanations: detection, fuzzing, simulation.</summary>
    public static EvaluationPartVerifier Interpretation { get; } =
        new("autointerp", ["detection", "summary", "simulation"], InterpretationChecks.Verify);

    /// <summary>Scores of steered outputs from their ratings.</summary>
    public static EvaluationPartVerifier SteeringScores { get; } =
        new("steering_score", ["factors", "harmonic_mean", "concepts"], SteeringScoreChecks.Verify);

    /// <summary>Scores of chains of thought from the answers around them.</summary>
    public static EvaluationPartVerifier Reasoning { get; } =
        new("cot", ["early_answering", "adding_mistakes", "hint"], ReasoningChecks.Verify);

    /// <inheritdoc/>
    public string Form { get; }

    /// <inheritdoc/>
    public bool Recognizes(string folder)
    {
        var file = Path.Combine(folder, "expected.json");
        if (!File.Exists(file) || !File.Exists(Path.Combine(folder, "data.safetensors")))
            return false;
        try
        {
            var expected = JsonFile.Read(file);
            return _keys.All(expected.Has);
        }
        catch (FileFormatException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public IEnumerable<Check> Verify(string folder, VerifyOptions options)
    {
        using var data = SafetensorsFile.Open(Path.Combine(folder, "data.safetensors"));
        foreach (var check in _verify(JsonFile.Read(Path.Combine(folder, "expected.json")), data))
            yield return check;
    }

    /// <summary>A number that may be undefined: null on one side only is wrong, whatever the tolerance. The error is absolute.</summary>
    internal static Check Defined(string name, double? got, JsonSection want, string key, double tolerance)
    {
        var expected = want.Element.TryGetProperty(key, out _) ? want.Number(key) : throw want.Missing(key);
        return got is { } number && expected is { } golden
            ? Check.Within(name, Math.Abs(number - golden), tolerance)
            : Check.That(
                name,
                got is null && expected is null,
                $"{got?.ToString() ?? "undefined"}, expected {expected?.ToString() ?? "undefined"}"
            );
    }

    /// <summary>An I32 or U8 tensor as yes and no.</summary>
    internal static bool[] Flags(SafetensorsFile data, string name) =>
        data[name].Type == DType.U8 ? Golden.Flags(data, name) : [.. Golden.Integers(data, name).ToArray().Select(label => label != 0)];

    /// <summary>An f32 tensor widened.</summary>
    internal static double[] Doubles(SafetensorsFile data, string name) =>
        [.. F32(data, name).AsSpan().ToArray().Select(value => (double)value)];

    /// <summary>A tensor that must be f32.</summary>
    internal static Tensor F32(SafetensorsFile data, string name) =>
        data[name] is { Type: DType.F32 } tensor ? tensor : throw new FileFormatException($"the tensor '{name}' must be F32", data.Path);
}
