using GemmaScope.Behaviour;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>
/// What each edit of the runs, and of the weights in memory, does to the logits and scores; that orthogonalised weights equal one of the
/// ablations; and that the tied table edited in place equals none.
/// </summary>
internal static class RefusalEditChecks
{
    public static IEnumerable<Check> Verify(RefusalHost host)
    {
        var (layer, position) = (host.Expected.Integers("edited_direction") ?? []) is [var first, var second]
            ? (first, second)
            : throw host.Expected.Missing("edited_direction");
        float[] direction = [.. EvaluationPartVerifier.F32(host.Golden, "edited.mean_difference").AsSpan()],
            unit = [.. EvaluationPartVerifier.F32(host.Golden, "edited.direction").AsSpan()];
        yield return Check.Close("edited.mean_difference", host.Directions[layer, position].Span, direction, RefusalHost.Logits);
        yield return Check.Close("edited.direction", OrthonormalBasis.Of([direction])[0], unit, RefusalHost.Cosines);

        var shown = host.Expected.Objects("shown_prompts").Select(one => Shown(host, one)).ToArray();
        foreach (var check in Projections(host, shown, unit))
            yield return check;

        using var untied = host.Model.Orthogonalised(direction, alsoUnembedding: false);
        using var tied = host.Model.Orthogonalised(direction, alsoUnembedding: true);
        foreach (var check in Weights(host, untied))
            yield return check;
        var config = host.Model.Config;
        var runs = new Dictionary<string, (GemmaModel Model, IReadOnlyList<Edit> Edits)>
        {
            ["clean"] = (host.Model, []),
            ["ablate_written"] = (host.Model, DirectionEdits.AblateWritten(config, direction)),
            ["ablate_module_outputs"] = (host.Model, DirectionEdits.AblateModuleOutputs(config, direction)),
            ["ablate_embedding_and_raw_outputs"] = (host.Model, DirectionEdits.AblateEmbeddingAndRawOutputs(config, direction)),
            ["add_everywhere"] = (host.Model, DirectionEdits.Add(config, layer, direction)),
            ["add_after_bos"] = (host.Model, DirectionEdits.Add(config, layer, direction, positions: 1..)),
            ["subtract_after_bos"] = (host.Model, DirectionEdits.Add(config, layer, direction, -1, 1..)),
            ["orthogonalised_untied"] = (untied, []),
            ["orthogonalised_tied_trap"] = (tied, []),
        };
        var logits = runs.ToDictionary(
            run => run.Key,
            run => shown.Select(prompt => LogitsOf(run.Value.Model, prompt, run.Value.Edits)).ToArray()
        );
        foreach (var check in Logits(host, logits).Concat(Scores(host, runs)).Concat(Summary(host, logits, direction, shown)))
            yield return check;
    }

    private static IEnumerable<Check> Logits(RefusalHost host, Dictionary<string, float[][]> logits)
    {
        foreach (var (mode, prompts) in logits)
        foreach (var (number, got) in prompts.Index())
        {
            var want = EvaluationPartVerifier.F32(host.Golden, $"{mode}.{number}.logits").AsSpan();
            yield return want.Length == got.Length
                ? Check.Within($"{mode}.{number}.logits", Largest(got, want), RefusalHost.Logits)
                : Check.That($"{mode}.{number}.logits", false, $"{got.Length} values instead of {want.Length}");
        }
    }

    private static IEnumerable<Check> Scores(RefusalHost host, Dictionary<string, (GemmaModel Model, IReadOnlyList<Edit> Edits)> runs)
    {
        var scores = host.Expected.Section("refusal_scores") ?? throw host.Expected.Missing("refusal_scores");
        foreach (var mode in scores.Keys)
        {
            var want = scores.Section(mode)!;
            if (!runs.TryGetValue(mode, out var run))
            {
                yield return Check.That($"refusal_scores.{mode}", false, "is no edit that is known");
                continue;
            }
            foreach (var set in want.Keys)
            {
                var (got, golden) = (host.ScoresOf(set, run.Edits, run.Model), Golden.Numbers(want, set));
                yield return got.Length == golden.Length
                    ? Check.Within($"refusal_scores.{mode}.{set}", got.Zip(golden, (a, b) => Math.Abs(a - b)).Max(), RefusalHost.Scores)
                    : Check.That($"refusal_scores.{mode}.{set}", false, $"{got.Length} scores instead of {golden.Length}");
            }
        }
    }

    private static IEnumerable<Check> Projections(RefusalHost host, int[][] shown, float[] unit)
    {
        Site[] sites = [.. Enumerable.Range(0, host.Model.Config.Layers).Select(Site.ResidPre)];
        foreach (var (number, prompt) in shown.Index())
        {
            using var run = host.Model.Run(prompt, capture: sites);
            float[] got = [.. sites.SelectMany(site => Enumerable.Range(0, prompt.Length).Select(row => Dot(run[site].Row(row), unit)))];
            yield return Check.Close(
                $"projection.{number}",
                got,
                EvaluationPartVerifier.F32(host.Golden, $"projection.{number}").AsSpan(),
                RefusalHost.Logits
            );
        }
    }

    private static IEnumerable<Check> Weights(RefusalHost host, GemmaModel untied)
    {
        var last = untied.Config.Layers - 1;
        foreach (
            var (name, view) in ((string, WeightView)[])
                [
                    ("embed_tokens", WeightView.Of(untied.Weights.Embedding, WeightLayout.OutIn)),
                    ($"layers.{last}.o_proj", untied.Weights.Layers[last].Output),
                    ($"layers.{last}.down_proj", untied.Weights.Layers[last].Down),
                ]
        )
            yield return Check.Close(
                $"orthogonalised.{name}",
                Values(view),
                EvaluationPartVerifier.F32(host.Golden, $"orthogonalised.{name}").AsSpan(),
                RefusalHost.Cosines
            );
    }

    /// <summary>What the reference says of itself holds of ours too.</summary>
    private static IEnumerable<Check> Summary(RefusalHost host, Dictionary<string, float[][]> logits, float[] direction, int[][] shown)
    {
        var want = host.Expected.Section("checks") ?? throw host.Expected.Missing("checks");
        const string untied = "orthogonalised_untied",
            raw = "ablate_embedding_and_raw_outputs";
        yield return Check.Within(
            "orthogonalised_untied_equals_ablation_of_embedding_and_raw_outputs",
            Apart(logits[untied], logits[raw]),
            RefusalHost.Logits
        );
        yield return EvaluationPartVerifier.Defined(
            "tied_trap_differs_by",
            Apart(logits["orthogonalised_tied_trap"], logits[untied]),
            want,
            "tied_trap_differs_by",
            2 * RefusalHost.Logits
        );
        yield return EvaluationPartVerifier.Defined(
            "written_differs_from_orthogonalised_by",
            Apart(logits["ablate_written"], logits[untied]),
            want,
            "written_differs_from_orthogonalised_by",
            2 * RefusalHost.Logits
        );
        var changes = want.Section("largest_logit_change") ?? throw want.Missing("largest_logit_change");
        foreach (var mode in changes.Keys)
            yield return EvaluationPartVerifier.Defined(
                $"largest_logit_change.{mode}",
                Apart(logits[mode], logits["clean"]),
                changes,
                mode,
                2 * RefusalHost.Logits
            );
        var config = host.Model.Config;
        Site[] sites = [.. Enumerable.Range(0, config.Layers).Select(Site.ResidPost)];
        var left = 0f;
        foreach (var prompt in shown)
        {
            using var run = host.Model.Run(prompt, capture: sites, edits: DirectionEdits.AblateWritten(config, direction));
            foreach (var site in sites)
                for (var row = 0; row < prompt.Length; row++)
                    left = Math.Max(left, Math.Abs(Dot(run[site].Row(row), OrthonormalBasis.Of([direction])[0])));
        }
        yield return Check.Within("residual_along_direction_after_ablate_written", left, RefusalHost.Logits);
    }

    private static int[] Shown(RefusalHost host, JsonSection one) =>
        host.All(one.Text("set") ?? throw one.Missing("set"))[one.Integer("index") ?? throw one.Missing("index")];

    private static float[] LogitsOf(GemmaModel model, int[] prompt, IReadOnlyList<Edit> edits)
    {
        using var run = model.Run(prompt, edits: edits, logits: LogitRows.All);
        return run.Logits!.AsSpan().ToArray();
    }

    private static unsafe float[] Values(WeightView view) => [.. new ReadOnlySpan<float>(view.Data, checked(view.Inputs * view.Outputs))];

    private static double Apart(float[][] a, float[][] b) => a.Zip(b, (x, y) => Largest(x, y)).Max();

    private static double Largest(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double largest = 0;
        for (var i = 0; i < a.Length; i++)
            // Written so that a NaN on either side stays.
            largest = Math.Abs((double)a[i] - b[i]) is var error && error <= largest ? largest : error;
        return largest;
    }

    private static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (var i = 0; i < a.Length; i++)
            sum += (double)a[i] * b[i];
        return (float)sum;
    }
}
