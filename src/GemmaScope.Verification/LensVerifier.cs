using GemmaScope.Files;

namespace GemmaScope.Verification;

/// <summary>
/// Checks a folder on lenses: Jacobians of prompts and their mean, variants and classic mistakes, read-outs, interventions, tuned lenses.
/// The model lies in a folder <c>host</c> above.
/// </summary>
public sealed class LensVerifier : IVerifier
{
    private static readonly string[] Keys = ["fit_prompts", "eval_prompt", "skip_first", "layers"];

    /// <inheritdoc/>
    public string Form => "lens";

    /// <inheritdoc/>
    public bool Recognizes(string folder)
    {
        var file = Path.Combine(folder, "expected.json");
        if (!File.Exists(file) || !File.Exists(Path.Combine(folder, "expected.safetensors")))
            return false;
        try
        {
            var expected = JsonFile.Read(file);
            return Keys.All(expected.Has);
        }
        catch (FileFormatException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public IEnumerable<Check> Verify(string folder, VerifyOptions options)
    {
        using var host = new LensHost(folder);
        foreach (
            var check in Shapes(host)
                .Concat(LensFitChecks.Verify(host))
                .Concat(LensReadChecks.Verify(host))
                .Concat(LensEditChecks.Verify(host))
                .Concat(LensTunedChecks.Verify(host))
        )
            yield return check;
        yield return Check.That(
            "all arrays compared",
            !host.Uncompared.Any(),
            host.Uncompared.Any() ? $"not compared: {string.Join(", ", host.Uncompared.Take(5))}" : $"{host.Golden.Tensors.Count} arrays"
        );
    }

    private static IEnumerable<Check> Shapes(LensHost host)
    {
        var config = host.Model.Config;
        yield return Golden.Count("d_model", config.Width, host.Expected, "d_model");
        yield return Golden.Count("vocab", config.VocabularyRows, host.Expected, "vocab");
        yield return EvaluationPartVerifier.Defined("cap", config.FinalCap, host.Expected, "cap", 0);
        yield return Check.That("layers", host.Layers.SequenceEqual(Enumerable.Range(0, config.Layers - 1)));
        var tensors = host.Expected.Section("tensors") ?? throw host.Expected.Missing("tensors");
        var tally = new Tally("tensors");
        foreach (var name in tensors.Keys)
            tally.CompareAll(
                name,
                [.. (host.Has(name) ? host.Golden[name].Shape : default).ToArray().Select(size => (int)size)],
                tensors.Integers(name) ?? []
            );
        yield return tally.ToCheck();
    }
}
