using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>Refined encodings of a small dictionary: steps of iterated shrinkage, and leave-one-out.</summary>
internal sealed class SynthEncoderChecks(JsonSection expected, SafetensorsFile data)
{
    private const double Tolerance = 1e-5;

    public IEnumerable<Check> All()
    {
        var (thresholds, eta, hidden) = (data["encoder.thresholds"], Vector("eta"), data["expected.hidden"].AsMatrix());
        using var dictionary = new DictionaryParameters
        {
            Activation = ActivationFunction.JumpRelu,
            Encoder = data["encoder.W_enc"],
            Decoder = data["encoder.W_dec"],
            EncoderBias = Vector("b_enc"),
            DecoderBias = Vector("b_dec"),
            Threshold = thresholds.Row(0).ToArray(),
            SubtractsDecoderBias = true,
        }.ToDictionary("encoder");
        var active = Golden.Numbers(expected, "active");
        for (var steps = 0; steps <= eta.Length; steps++)
        {
            var lista = new ListaEncoder(
                dictionary,
                [.. eta.Take(steps).Select(step => (double)step)],
                [.. Enumerable.Range(1, steps).Select(step => thresholds.Row(step).ToArray())]
            );
            foreach (var check in Same($"lista_{steps}", lista.Encode(hidden), active[steps]))
                yield return check;
        }
        var (kept, features) = (Golden.Numbers(expected, "kept"), dictionary.Encode(hidden));
        foreach (var (i, tau) in Golden.Numbers(expected, "tau").Index())
        foreach (var check in Same($"leave_one_out_{i}", LeaveOneOut.Filter(dictionary, hidden, features, tau), kept[i]))
            yield return check;
    }

    private IEnumerable<Check> Same(string name, SparseActivations got, double count)
    {
        var want = data[$"encoder.{name}"];
        using var dense = Golden.Dense(got, 0, got.Width);
        ReadOnlySpan<float> ours = dense.AsSpan(),
            theirs = want.AsSpan();
        var support = ours.Length == theirs.Length;
        for (var i = 0; support && i < ours.Length; i++)
            support = ours[i] > 0 == theirs[i] > 0;
        return
        [
            Check.That($"{name}.support", support && got.Count == count, $"{got.Count} active, expected {count}"),
            Check.Within(name, Golden.Error(ours, theirs), Tolerance),
        ];
    }

    private float[] Vector(string name) => data[$"encoder.{name}"].AsSpan().ToArray();
}
