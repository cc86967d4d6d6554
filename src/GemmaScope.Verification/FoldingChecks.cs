using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>Folding rules: the parameters after, and that activations and reconstructions stay what the rule says.</summary>
internal static class FoldingChecks
{
    public static IEnumerable<Check> Verify(string folder)
    {
        var expected = JsonFile.Read(Path.Combine(folder, "folding", "expected.json"));
        foreach (var name in expected.Keys)
        {
            if (expected.Section(name) is not { } rule || rule.Text("file") is not { } file)
                continue;
            using var golden = SafetensorsFile.Open(Path.Combine(folder, file));
            foreach (var check in Rule(name, rule, golden))
                yield return check;
        }
    }

    private static IEnumerable<Check> Rule(string name, JsonSection rule, SafetensorsFile golden)
    {
        var training = rule.Number("C");
        var activation = rule.Number("scaling_factor");
        var before = Read(golden, subtracts: training is not null || activation is not null || golden.Tensors.ContainsKey("before.b_gate"));
        before.InputScale =
            training is { } c ? 1 / (float)c
            : activation is { } s ? (float)s
            : 1;
        var x = golden["x"].AsMatrix();
        var plain = Run(before, x);

        // The training form's own output is on the scale of x / C.
        if (training is { } scale)
        {
            yield return Near($"{name}.f_train", plain.Dense, golden, "f_train");
            yield return Near($"{name}.x_hat_train", Scaled(plain.Decoded, 1 / scale), golden, "x_hat_train");
        }
        before.InputScale = training is null ? before.InputScale : 1;
        var norms = Fold(before, training, activation is not null);
        foreach (var check in Parameters(name, before, golden))
            yield return check;
        if (norms is not null && golden.Tensors.ContainsKey("norms"))
            yield return Check.Within($"{name}.norms", Golden.Error(norms, golden["norms"].AsSpan()), DictionaryVerifier.Tolerance);

        var folded = Run(before, x);
        yield return Check.That(
            $"{name}.L0",
            Enumerable.Range(0, x.Rows).All(row => folded.Features.L0(row) == plain.Features.L0(row)),
            $"{x.Rows} rows equal before and after"
        );
        yield return Near($"{name}.x_hat", folded.Decoded, golden, training is null ? "x_hat" : "x_hat_raw");
        yield return training is not null ? Near($"{name}.f", folded.Dense, golden, "f_raw")
        : activation is not null ? Near($"{name}.f", folded.Dense, golden, "f")
        : Near($"{name}.f", Unscaled(folded.Dense, norms!), golden, "f_before");
    }

    private static float[]? Fold(DictionaryParameters parameters, double? training, bool activation)
    {
        if (training is { } scale)
            Folding.InputScale(parameters, scale);
        else if (activation)
            Folding.ActivationScale(parameters);
        else
            return Folding.DecoderNorms(parameters);
        return null;
    }

    private static DictionaryParameters Read(SafetensorsFile golden, bool subtracts)
    {
        float[]? Vector(string name) => golden.Tensors.TryGetValue("before." + name, out var tensor) ? tensor.AsSpan().ToArray() : null;
        var function =
            Vector("b_gate") is not null ? ActivationFunction.Gated
            : Vector("threshold") is not null ? ActivationFunction.JumpRelu
            : ActivationFunction.Relu;
        return new DictionaryParameters
        {
            Activation = function,
            Encoder = golden["before.W_enc"].ToF32(),
            Decoder = golden["before.W_dec"].ToF32(),
            DecoderBias = Vector("b_dec") ?? [],
            EncoderBias = Vector("b_enc"),
            Threshold = Vector("threshold"),
            GateBias = Vector("b_gate"),
            MagnitudeBias = Vector("b_mag"),
            MagnitudeLog = Vector("r_mag"),
            SubtractsDecoderBias = subtracts,
        };
    }

    private static IEnumerable<Check> Parameters(string name, DictionaryParameters got, SafetensorsFile golden)
    {
        (string Name, float[]? Values)[] all =
        [
            ("W_enc", got.Encoder.AsSpan().ToArray()),
            ("W_dec", got.Decoder.AsSpan().ToArray()),
            ("b_dec", got.DecoderBias),
            ("b_enc", got.EncoderBias),
            ("threshold", got.Threshold),
            ("b_gate", got.GateBias),
            ("b_mag", got.MagnitudeBias),
            ("r_mag", got.MagnitudeLog),
        ];
        foreach (var (tensor, values) in all)
            if (golden.Tensors.TryGetValue("after." + tensor, out var want))
                yield return Check.Within($"{name}.{tensor}", Golden.Error(values, want.AsSpan()), DictionaryVerifier.Tolerance);
    }

    private static (SparseActivations Features, Tensor Dense, Tensor Decoded) Run(DictionaryParameters parameters, MatrixView x)
    {
        using var dictionary = parameters.ToDictionary("folding");
        var features = dictionary.Encode(x);
        return (features, Golden.Dense(features, 0, features.Width), dictionary.Decode(features, x));
    }

    private static Check Near(string name, Tensor got, SafetensorsFile golden, string tensor) =>
        Check.Within(name, Golden.Error(got.AsSpan(), golden[tensor].AsSpan()), DictionaryVerifier.Tolerance);

    private static Tensor Scaled(Tensor tensor, double factor)
    {
        foreach (ref var value in tensor.AsSpan())
            value = (float)(value * factor);
        return tensor;
    }

    private static Tensor Unscaled(Tensor features, float[] norms)
    {
        for (long row = 0; row < features.Rows; row++)
        for (var i = 0; i < norms.Length; i++)
            features.Row(row)[i] /= norms[i];
        return features;
    }
}
