using System.Numerics.Tensors;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>The interventions of a host folder: what each name does is fixed, where and how strongly is read from the folder.</summary>
internal static class HostInterventions
{
    public static IEnumerable<Check> Verify(GemmaModel model, int[] prompt, SafetensorsFile golden, JsonSection expected, double tolerance)
    {
        if (expected.Section("interventions") is not { } interventions)
            yield break;
        foreach (var name in interventions.Keys)
        {
            var check = $"interv.{name}.logits";
            if (!golden.Tensors.TryGetValue(check, out var want))
                continue;
            if (Edits(name, interventions.Section(name)!, golden) is not { } edits)
            {
                yield return Check.That(check, false, "this kind of intervention is not known");
                continue;
            }
            using var run = model.Run(prompt, edits: edits, logits: LogitRows.All, arithmetic: Arithmetic.Exact);
            yield return Check.Close(check, run.Logits!.AsSpan(), want.AsSpan(), tolerance);
        }
    }

    private static IEnumerable<Edit>? Edits(string name, JsonSection spec, SafetensorsFile golden)
    {
        var site = spec.Text("site") ?? throw spec.Missing("site");
        var layers = spec.Integers("layers") ?? throw spec.Missing("layers");
        var positions =
            spec.Text("positions") is { } text && text.StartsWith(">=", StringComparison.Ordinal)
                ? new Positions(int.Parse(text[2..]), int.MaxValue)
                : Positions.All;
        Func<Site, Edit>? make = name switch
        {
            "zero_mlp_out" or "zero_ple_out" or "zero_experts_out" => at => Edit.Zero(at, positions),
            "add_resid_post" => at =>
                Edit.Add(at, golden["interv.vector"].AsSpan().ToArray(), (float)(spec.Number("scale") ?? 1), positions),
            "mean_z" or "mean_v_normed" => at => Edit.Function(at, (rows, _) => SetToMean(rows), positions),
            "project_out" => at => Edit.ProjectOut(at, golden["interv.unit_direction"].AsSpan().ToArray(), positions),
            _ => null,
        };
        return make is null ? null : layers.Select(layer => make(Site.Parse($"{site}.{layer}")));
    }

    private static void SetToMean(MatrixView rows)
    {
        var mean = new float[rows.Columns];
        for (var i = 0; i < rows.Rows; i++)
            TensorPrimitives.Add(mean, rows.Row(i), mean);
        TensorPrimitives.Divide(mean, rows.Rows, mean);
        for (var i = 0; i < rows.Rows; i++)
            mean.CopyTo(rows.Row(i));
    }
}
