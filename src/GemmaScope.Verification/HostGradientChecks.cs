using System.Numerics.Tensors;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>
/// The gradients of a host folder: tensors <c>grad.{target}.{site}</c> (full) and <c>frozen.{target}.{site}</c>, with tolerance
/// max|a − b| ≤ 1e-4 · ‖b‖, the values of the frozen targets, and the identity that makes attribution graphs add up. Nothing if there are
/// none.
/// </summary>
internal static class HostGradientChecks
{
    private const double Tolerance = 1e-4;

    public static IEnumerable<Check> Verify(GemmaModel model, int[] prompt, SafetensorsFile golden, JsonSection expected)
    {
        if (expected.Section("gradients") is not { } spec)
            yield break;
        foreach (var (name, wanted) in Targets(golden, "grad."))
        foreach (var check in Full(model, prompt, Target(name, spec, golden), name, wanted))
            yield return check;
        foreach (var (name, wanted) in Targets(golden, "frozen."))
        foreach (var check in Frozen(model, prompt, Target(name, spec, golden), name, wanted, spec))
            yield return check;
    }

    private static IEnumerable<Check> Full(
        GemmaModel model,
        int[] prompt,
        GradientTarget target,
        string name,
        Dictionary<Site, Tensor> wanted
    )
    {
        using var gradients = model.Gradients(prompt, target, wanted.Keys, GradientMode.Full, Arithmetic.Exact);
        foreach (var (site, want) in wanted)
            yield return Close($"grad.{name}.{site}", gradients[site], want);
    }

    private static IEnumerable<Check> Frozen(
        GemmaModel model,
        int[] prompt,
        GradientTarget target,
        string name,
        Dictionary<Site, Tensor> wanted,
        JsonSection spec
    )
    {
        Site[] writes =
        [
            Site.Embed,
            .. Enumerable
                .Range(0, model.Config.Layers)
                .SelectMany(layer => (Site[])[Site.MlpOut(layer), new(SiteKind.PleOut, layer)])
                .Where(model.Config.Has),
        ];
        Site[] capture = BackwardPass.IsFinal(target.Site) ? writes : [.. writes, target.Site];
        using var run = model.RunDifferentiable(prompt, GradientMode.Frozen, capture, arithmetic: Arithmetic.Exact);
        using var gradients = run.Gradients(target, wanted.Keys.Concat(writes));
        foreach (var (site, want) in wanted)
            yield return Close($"frozen.{name}.{site}", gradients[site], want);

        var value = spec.Section("frozen")?.Number($"value_{name}") ?? throw spec.Missing($"frozen.value_{name}");
        var scale = Math.Max(1, Math.Abs(value));
        yield return Check.Within($"frozen.{name} value", Math.Abs(gradients.Value - value) / scale, Tolerance);
        double sum = 0;
        foreach (var site in writes)
            sum += TensorPrimitives.Dot<float>(gradients[site].AsSpan(), run.Activations[site].AsSpan());
        yield return Check.Within($"frozen.{name} value = sum of <gradient, what was written>", Math.Abs(sum - value) / scale, Tolerance);
    }

    /// <summary>Golden gradients by target: {prefix}{target}.{embed or blocks.layer.kind}.</summary>
    private static IEnumerable<(string Name, Dictionary<Site, Tensor> Wanted)> Targets(SafetensorsFile golden, string prefix) =>
        from pair in golden.Tensors
        where pair.Key.StartsWith(prefix, StringComparison.Ordinal)
        let parts = pair.Key[prefix.Length..].Split('.')
        let site = parts switch
        {
            [_, "blocks", var layer, var kind] => $"{kind}.{layer}",
            [_, var kind] => kind,
            _ => "",
        }
        where Site.TryParse(site, out _)
        group (Site: Site.Parse(site), pair.Value) by parts[0] into target
        select (target.Key, target.ToDictionary(item => item.Site, item => item.Value));

    private static GradientTarget Target(string name, JsonSection spec, SafetensorsFile golden)
    {
        return name switch
        {
            "logit" => GradientTarget.Logit(Required(spec, "position"), Required(spec, "token")),
            "demeaned" => GradientTarget.DemeanedLogit(Required(spec, "position"), Required(spec, "token")),
            "ce" => GradientTarget.CrossEntropy,
            "probe" => Probe(spec.Section("frozen") ?? throw spec.Missing("frozen"), golden),
            _ => throw spec.Bad(name, "is no kind of target that is known: logit, demeaned, ce, probe"),
        };
    }

    private static GradientTarget Probe(JsonSection frozen, SafetensorsFile golden)
    {
        var kind = frozen.Text("probe_site") ?? throw frozen.Missing("probe_site");
        var site = Site.Parse($"{kind}.{Required(frozen, "probe_layer")}");
        return GradientTarget.Probe(site, Required(frozen, "probe_position"), golden["frozen.probe.vector"].AsSpan().ToArray());
    }

    private static int Required(JsonSection section, string key) => section.Integer(key) ?? throw section.Missing(key);

    private static Check Close(string name, Tensor got, Tensor want)
    {
        if (!got.Shape.SequenceEqual(want.Shape))
            return Check.That(name, false, $"shape {got} instead of {want}");
        double error = 0,
            norm = Math.Sqrt(TensorPrimitives.SumOfSquares<float>(want.AsSpan()));
        for (var i = 0; i < want.Length; i++)
        {
            // Written so that a NaN on either side becomes the error.
            var difference = Math.Abs((double)got.AsSpan()[i] - want.AsSpan()[i]);
            error = difference <= error ? error : difference;
        }
        // Behind the target all gradients are exactly 0.
        return Check.Within(name, norm == 0 ? error : error / norm, norm == 0 ? 0 : Tolerance);
    }
}
