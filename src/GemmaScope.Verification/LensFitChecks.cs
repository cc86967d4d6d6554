using System.Text.Json;
using GemmaScope.Files;
using GemmaScope.Lenses;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>Jacobians: of each prompt, their running mean, prompts of mixed length, the merge of shards, variants, classic mistakes.</summary>
internal static class LensFitChecks
{
    private static readonly JacobianFitOptions Plain = new();

    public static IEnumerable<Check> Verify(LensHost host)
    {
        yield return Golden.Count("skip_first", Plain.SkipFirst, host.Expected, "skip_first");
        var prompts = host.Prompts("fit_prompts");
        var each = new Dictionary<int, float[]>[prompts.Length];
        var running = host.Expected.Section("running_mean") ?? throw host.Expected.Missing("running_mean");
        var changes = running.Element.GetProperty("mean_rel_change").Deserialize<double?[]>()!;
        var identity = Golden.Numbers(running, "identity_distance");
        using (var fit = new JacobianFit(host.Model))
        {
            foreach (var (j, prompt) in prompts.Index())
            {
                fit.Add(prompt);
                each[j] = Copy(fit.Last);
                foreach (var layer in host.Layers)
                    if (host.Has($"J.prompt.{j}.{layer}"))
                        yield return host.Matrix($"J.prompt.{j}.{layer}", each[j][layer]);
                yield return Near($"identity_distance.{j}", fit.Progress!.IdentityDistance, identity[j]);
                yield return changes[j] is { } change
                    ? Near($"mean_rel_change.{j}", fit.Progress.Change ?? double.NaN, change)
                    : Check.That($"mean_rel_change.{j}", fit.Progress.Change is null);
            }
            using var lens = fit.ToLens();
            foreach (var layer in host.Layers)
                yield return host.Matrix($"J.mean.{layer}", lens[layer].AsSpan());
        }
        foreach (var check in Mixed(host).Concat(Merged(host, prompts)).Concat(Variants(host, prompts[0], each[0])))
            yield return check;
    }

    private static IEnumerable<Check> Mixed(LensHost host)
    {
        var want = host.Expected.Section("mixed") ?? throw host.Expected.Missing("mixed");
        using var fit = new JacobianFit(
            host.Model,
            Plain with
            {
                MaxSeqLen = want.Integer("max_seq_len") ?? throw want.Missing("max_seq_len"),
            }
        );
        List<int> skipped = [],
            valid = [];
        foreach (var (number, prompt) in host.Prompts("mixed_prompts").Index())
        {
            var before = fit.Positions;
            if (fit.Add(prompt))
                valid.Add((int)(fit.Positions - before));
            else
                skipped.Add(number);
        }
        yield return Golden.Count("mixed.n_prompts", fit.Prompts, want, "n_prompts");
        yield return Check.That("mixed.skipped", skipped.SequenceEqual(want.Integers("skipped") ?? []));
        yield return Check.That("mixed.valid_positions", valid.SequenceEqual(want.Integers("valid_positions") ?? []));
        using var lens = fit.ToLens();
        foreach (var layer in host.Layers)
            if (host.Has($"J.mixed.{layer}"))
                yield return host.Matrix($"J.mixed.{layer}", lens[layer].AsSpan());
    }

    private static IEnumerable<Check> Merged(LensHost host, int[][] prompts)
    {
        var want = host.Expected.Section("merge") ?? throw host.Expected.Missing("merge");
        List<JacobianLens> parts = [];
        var start = 0;
        foreach (var count in want.Integers("shards") ?? throw want.Missing("shards"))
        {
            using var fit = new JacobianFit(host.Model);
            foreach (var prompt in prompts[start..(start + count)])
                fit.Add(prompt);
            parts.Add(fit.ToLens());
            start += count;
        }
        using var merged = JacobianLens.Merge(parts);
        double unweighted = 0;
        foreach (var layer in host.Layers)
        {
            var mean = host.Values($"J.mean.{layer}");
            yield return Check.Within($"merge.{layer}", LensHost.Apart(merged[layer].AsSpan(), mean), LensHost.Matrices);
            float[] plain = [.. Enumerable.Range(0, mean.Length).Select(i => parts.Average(part => part[layer].AsSpan()[i]))];
            unweighted = Math.Max(unweighted, LensHost.Apart(plain, mean));
        }
        yield return Check.That("merge.n_prompts", merged.Origin.Prompts == prompts.Length);
        yield return Near("merge.unweighted_off_by", unweighted, want, "unweighted_off_by");
        foreach (var part in parts)
            part.Dispose();
    }

    private static IEnumerable<Check> Variants(LensHost host, int[] prompt, Dictionary<int, float[]> own)
    {
        var last = host.Model.Config.Layers - 1;
        var fits = new Dictionary<string, JacobianFitOptions>
        {
            ["skip4"] = Plain with { SkipFirst = 4 },
            ["self_only"] = Plain with { Paths = JacobianPaths.OwnPosition },
            ["pair_mean"] = Plain with { MeanOverPairs = true },
            ["penultimate"] = Plain with { TargetLayer = last - 1 },
        };
        foreach (var (name, options) in fits)
        {
            var got = Fit(host.Model, prompt, options);
            foreach (var (layer, values) in got)
                if (host.Has($"variant.{name}.{layer}"))
                    yield return host.Matrix($"variant.{name}.{layer}", values);
        }
        var traps = host.Expected.Section("traps_J_relative") ?? throw host.Expected.Missing("traps_J_relative");
        var mistakes = new Dictionary<string, Func<Dictionary<int, float[]>>>
        {
            ["skip_first_0"] = () => Fit(host.Model, prompt, Plain with { SkipFirst = 0 }),
            ["bos_only_skipped"] = () => Fit(host.Model, prompt, Plain with { SkipFirst = 1 }),
            ["last_position_kept"] = () => Fit(host.Model, prompt, Plain with { KeepLast = true }),
            ["self_only"] = () => Fit(host.Model, prompt, fits["self_only"]),
            ["pair_mean_instead_of_sum"] = () => Fit(host.Model, prompt, fits["pair_mean"]),
            ["target_after_final_norm"] = () => AfterNorm(host, prompt),
            ["transposed"] = () => own.ToDictionary(one => one.Key, one => Transposed(one.Value, host.Model.Config.Width)),
        };
        foreach (var name in traps.Keys)
            yield return mistakes.TryGetValue(name, out var mistake)
                ? Near(
                    $"traps.{name}",
                    mistake() is var got ? host.Layers.Min(layer => LensHost.Apart(got[layer], own[layer])) : 0,
                    traps,
                    name
                )
                : Check.That($"traps.{name}", false, "is no mistake that is known");
    }

    private static Dictionary<int, float[]> Fit(GemmaModel model, int[] prompt, JacobianFitOptions options)
    {
        using var fit = new JacobianFit(model, options);
        fit.Add(prompt);
        return Copy(fit.Last);
    }

    /// <summary>The same by the general backward pass, one output at a time, from the wrong tensor.</summary>
    private static Dictionary<int, float[]> AfterNorm(LensHost host, int[] prompt)
    {
        var (width, skip) = (host.Model.Config.Width, Plain.SkipFirst);
        var maps = host.Layers.ToDictionary(layer => layer, _ => new float[width * width]);
        Site[] sites = [.. host.Layers.Select(Site.ResidPost)];
        using var run = host.Model.RunDifferentiable(prompt, from: sites[0]);
        for (var output = 0; output < width; output++)
        {
            var at = output;
            var target = GradientTarget.Function(
                new Site(SiteKind.FinalNormOut),
                (_, gradient) =>
                {
                    for (var position = skip; position < prompt.Length - 1; position++)
                        gradient.Row(position)[at] = 1;
                    return 0;
                }
            );
            using var gradients = run.Gradients(target, sites);
            foreach (var layer in host.Layers)
                for (var position = skip; position < prompt.Length - 1; position++)
                for (var column = 0; column < width; column++)
                    maps[layer][output * width + column] +=
                        gradients[Site.ResidPost(layer)].Row(position)[column] / (prompt.Length - 1 - skip);
        }
        return maps;
    }

    private static float[] Transposed(float[] matrix, int width)
    {
        var turned = new float[matrix.Length];
        for (var i = 0; i < width; i++)
        for (var j = 0; j < width; j++)
            turned[j * width + i] = matrix[i * width + j];
        return turned;
    }

    private static Dictionary<int, float[]> Copy(IReadOnlyDictionary<int, Tensor> maps) =>
        maps.ToDictionary(one => one.Key, one => one.Value.AsSpan().ToArray());

    internal static Check Near(string name, double got, JsonSection want, string key) =>
        Near(name, got, want.Number(key) ?? throw want.Missing(key));

    internal static Check Near(string name, double got, double want) =>
        Check.Within(name, Math.Abs(got - want) / Math.Max(Math.Abs(want), 1e-12), LensHost.Matrices);
}
