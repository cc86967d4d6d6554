using GemmaScope.Circuits;
using GemmaScope.Files;
using GemmaScope.Models;

namespace GemmaScope.Verification;

/// <summary>Features changed in the three modes, against golden runs and against what the graph predicts.</summary>
internal static class GraphInterventionChecks
{
    private const double Values = 1e-4,
        Logits = 5e-4;

    public static IEnumerable<Check> Verify(GraphCase one)
    {
        var file = one.File("interventions.safetensors");
        if (!File.Exists(file))
        {
            yield return Check.That("interventions", !one.Expected.Objects("interventions").Any(), "none listed");
            yield break;
        }
        using var golden = SafetensorsFile.Open(file);
        HashSet<string> compared = [];
        foreach (var listed in one.Expected.Objects("interventions"))
        {
            var name = $"case{GraphCase.Integer(listed, "case")}";
            FeatureChange[] changes =
            [
                .. listed
                    .Objects("changes")
                    .Select(change =>
                        FeatureChange.Clamp(
                            GraphCase.Integer(change, "layer"),
                            GraphCase.Integer(change, "index"),
                            GraphCase.Number(change, "new"),
                            Positions.At(GraphCase.Integer(change, "pos"))
                        )
                    ),
            ];
            foreach (var check in Constrained(one, golden, name, listed, changes, compared))
                yield return check;
            using var clean = one.Host.Run([.. one.Model.Prompt], logits: LogitRows.All, arithmetic: Numerics.Arithmetic.Exact);
            using var attention = Intervention.Run(one.Model, changes, InterventionMode.AttentionFrozen);
            yield return Close(golden, $"{name}.attention_frozen.logits_last", GraphCase.Numbers(attention.LastLogits()), Logits, compared);
            yield return Largest(listed, name, "attention_frozen", attention.Logits!.AsSpan(), clean.Logits!.AsSpan());
            using var free = Intervention.Run(one.Model, changes, InterventionMode.Free);
            yield return Close(golden, $"{name}.free.logits", GraphCase.Numbers(free.Logits!.AsSpan()), Logits, compared);
            yield return Largest(listed, name, "free", free.Logits!.AsSpan(), clean.Logits!.AsSpan());
            yield return TokenByToken(one, name, changes, free.Logits!.AsSpan());
        }
        yield return GraphCase.Unknown(golden, compared, "interventions");
    }

    private static IEnumerable<Check> Constrained(
        GraphCase one,
        SafetensorsFile golden,
        string name,
        JsonSection listed,
        FeatureChange[] changes,
        HashSet<string> compared
    )
    {
        var raw = new Site(SiteKind.LogitsRaw);
        Site[] inputs = [.. one.Set.Layers.Select(layer => one.Set[layer]!.Input)];
        using var run = Intervention.Run(one.Model, changes, capture: [.. inputs, raw, new Site(SiteKind.FinalNormOut)]);
        List<double> pre = [];
        foreach (var layer in one.Set.Layers)
        {
            using var z = one.Set[layer]!.PreActivations(run[inputs[layer]].AsMatrix());
            pre.AddRange(GraphCase.Numbers(z.AsSpan()));
        }
        yield return Close(golden, $"{name}.constrained.pre_activations", pre, Values, compared);
        yield return Close(golden, $"{name}.constrained.logits_raw", GraphCase.Numbers(run[raw].AsSpan()), Logits, compared);
        using var clean = one.Host.Run([.. one.Model.Prompt], capture: [raw], arithmetic: Numerics.Arithmetic.Exact);
        yield return Largest(listed, name, "constrained_raw", run[raw].AsSpan(), clean[raw].AsSpan());

        // (factor − 1) · edge of every changed feature, to every feature and logit.
        var (graph, row) = (one.Graph, new float[one.Graph.FirstTarget]);
        int[] nodes = [.. listed.Integers("node_indices") ?? throw listed.Missing("node_indices")];
        var factor = GraphCase.Number(listed, "factor");
        double worst = 0;
        List<double> logits = [];
        for (var node = 0; node < graph.NodeCount; node++)
        {
            if (node >= graph.FeatureCount && node < graph.FirstTarget)
                continue;
            graph.Row(node, row);
            var predicted = graph.Value(node) + nodes.Sum(source => (factor - 1) * row[source]);
            if (node >= graph.FirstTarget)
                logits.Add(predicted);
            var target =
                node < graph.FeatureCount
                    ? RowTarget.Of(one.Model, graph.Chosen[node])
                    : graph.Targets[node - graph.FirstTarget].Resolve(one.Model);
            worst = Math.Max(worst, Math.Abs(target.Measure(run) - predicted));
        }
        yield return Check.Within($"{name}.constrained = edges", worst, Values);
        yield return GraphCase.Close(
            $"{name}.linear_prediction_last_logits_demeaned",
            logits,
            Golden.Numbers(listed, "linear_prediction_last_logits_demeaned"),
            Values
        );
    }

    /// <summary>The edits that generation takes, with a cache.</summary>
    private static Check TokenByToken(GraphCase one, string name, FeatureChange[] changes, ReadOnlySpan<float> wanted)
    {
        using var cache = one.Host.NewCache();
        var edits = Intervention.Edits(one.Set, changes, one.Host.Config);
        List<double> logits = [];
        foreach (var token in one.Model.Prompt)
        {
            using var step = one.Host.Run(
                [token],
                edits: edits,
                cache: cache,
                logits: LogitRows.All,
                arithmetic: Numerics.Arithmetic.Exact
            );
            logits.AddRange(GraphCase.Numbers(step.Logits!.AsSpan()));
        }
        return GraphCase.Close($"{name}.free.logits, cache, token by token", logits, GraphCase.Numbers(wanted), Logits);
    }

    private static Check Largest(JsonSection listed, string name, string key, ReadOnlySpan<float> got, ReadOnlySpan<float> clean)
    {
        var change = GraphCase.Numbers(got).Zip(GraphCase.Numbers(clean), (after, before) => Math.Abs(after - before)).Max();
        var wanted = listed.Section("max_logit_change") ?? throw listed.Missing("max_logit_change");
        return Check.Within($"{name}.max_logit_change.{key}", Math.Abs(change - GraphCase.Number(wanted, key)), Logits);
    }

    private static Check Close(SafetensorsFile golden, string name, IReadOnlyList<double> got, double tolerance, HashSet<string> compared)
    {
        compared.Add(name);
        return GraphCase.Close(name, got, GraphCase.Numbers(golden, name), tolerance);
    }
}
