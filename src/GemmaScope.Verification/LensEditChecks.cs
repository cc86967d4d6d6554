using GemmaScope.Files;
using GemmaScope.Lenses;
using GemmaScope.Models;

namespace GemmaScope.Verification;

/// <summary>Writing through a lens: what each change leaves in the first block that is changed, and the model's logits after it.</summary>
internal static class LensEditChecks
{
    private static readonly Dictionary<string, LensEditKind> Kinds = new()
    {
        ["steer"] = LensEditKind.Steer,
        ["add"] = LensEditKind.Add,
        ["ablate"] = LensEditKind.Ablate,
        ["swap_projection"] = LensEditKind.SwapProjection,
        ["swap_coordinates"] = LensEditKind.SwapCoordinates,
        ["swap_coordinates_clamped"] = LensEditKind.SwapClamped,
    };

    public static IEnumerable<Check> Verify(LensHost host)
    {
        var prompt = host.Ids("eval_prompt");
        using var jacobian = host.Lens();
        using var logit = new LogitLens();
        using var clean = host.Model.Run(prompt, logits: LogitRows.All);
        foreach (var one in host.Expected.Objects("interventions"))
        {
            var name = one.Text("name") ?? throw one.Missing("name");
            var op = one.Text("op") ?? throw one.Missing("op");
            if (!Kinds.TryGetValue(op, out var kind))
            {
                yield return Check.That($"interv.{name}", false, $"'{op}' is no change that is known");
                continue;
            }
            int[] layers = [.. one.Integers("layers") ?? throw one.Missing("layers")];
            int[] tokens = [.. one.Integers("tokens") ?? [one.Integer("source") ?? throw one.Missing("source")]];
            Lens lens = one.Text("lens") == LogitLens.Name ? logit : jacobian;
            var edits = LensEdits.Of(
                host.Model,
                lens,
                new()
                {
                    Kind = kind,
                    Tokens = tokens,
                    Other = one.Integer("target"),
                    Strength = one.Number("strength") ?? one.Number("alpha") ?? 1,
                    Layers = layers,
                    Positions = one.Integers("positions"),
                },
                prompt
            );
            var site = Site.ResidPost(layers[0]);
            using var run = host.Model.Run(prompt, capture: [site], edits: edits, logits: LogitRows.All);
            if (host.Has($"interv.{name}.logits"))
                yield return Check.Close(
                    $"interv.{name}.logits",
                    run.Logits!.AsSpan(),
                    host.Values($"interv.{name}.logits"),
                    LensHost.Logits
                );
            if (host.Has($"interv.{name}.edited"))
                yield return Check.Close(
                    $"interv.{name}.edited",
                    run[site].AsSpan(),
                    host.Values($"interv.{name}.edited"),
                    LensHost.Logits
                );
            if (one.Number("max_logit_change") is { } change)
                yield return Check.Within(
                    $"interv.{name}.max_logit_change",
                    Math.Abs(LensHost.Largest(run.Logits!.AsSpan(), clean.Logits!.AsSpan()) - change),
                    60 * LensHost.Logits
                );
            if (one.Number("norm_of_sum") is { } norm)
                yield return LensFitChecks.Near($"interv.{name}.norm_of_sum", NormOfSum(host.Model, lens, layers[0], tokens), norm);
        }
    }

    private static double NormOfSum(GemmaModel model, Lens lens, int layer, int[] tokens)
    {
        var sum = new double[model.Config.Width];
        foreach (var token in tokens)
        {
            var direction = lens.Direction(model, layer, token);
            var norm = Math.Sqrt(direction.Sum(value => (double)value * value));
            for (var i = 0; i < sum.Length; i++)
                sum[i] += direction[i] / norm;
        }
        return Math.Sqrt(sum.Sum(value => value * value));
    }
}
