using System.Text.Json;
using GemmaScope.Files;
using GemmaScope.Lenses;
using GemmaScope.Models;

namespace GemmaScope.Verification;

/// <summary>Tuned lenses, trained anew: losses before every step and at the end, the maps, what they read.</summary>
internal static class LensTunedChecks
{
    public static IEnumerable<Check> Verify(LensHost host)
    {
        if (host.Expected.Section("tuned") is not { } tuned)
            yield break;
        var prompts = host.Prompts("fit_prompts");
        var evaluated = host.Ids("eval_prompt");
        using var run = host.Model.Run(evaluated, capture: host.Layers.Select(Site.ResidPost), logits: LogitRows.None);
        foreach (var name in tuned.Keys)
        {
            var want = tuned.Section(name)!;
            var options = new TunedFitOptions
            {
                Steps = want.Integer("steps") ?? throw want.Missing("steps"),
                LearningRate = want.Number("lr") ?? throw want.Missing("lr"),
            };
            if (name == "plain")
                options = options with { Momentum = 0, Nesterov = false, Decay = false, WeightDecay = 0, Clip = null };
            var losses = want.Element.GetProperty("loss_per_layer").Deserialize<double[][]>()!;
            using var fit = new TunedFit(host.Model, options);
            double worst = 0;
            for (var step = 0; step < options.Steps; step++)
                worst = Math.Max(worst, Worst(fit.Train(prompts), losses[step]));
            var (last, agreement) = fit.Measure(prompts);
            yield return Check.Within($"tuned.{name}.loss_per_layer", Math.Max(worst, Worst(last, losses[^1])), LensHost.Losses);
            yield return Check.Within(
                $"tuned.{name}.top1_agreement_per_layer",
                agreement.Zip(Golden.Numbers(want, "top1_agreement_per_layer"), (a, b) => Math.Abs(a - b)).Max(),
                1e-9
            );
            yield return Golden.Count($"tuned.{name}.tokens", prompts.Sum(prompt => prompt.Length), want, "tokens");
            using var lens = fit.ToLens();
            foreach (var layer in host.Layers)
            {
                if (host.Has($"tuned.{name}.{layer}.A"))
                    yield return host.Matrix($"tuned.{name}.{layer}.A", lens[layer].A.AsSpan());
                if (host.Has($"tuned.{name}.{layer}.b"))
                    yield return host.Matrix($"tuned.{name}.{layer}.b", lens[layer].B.AsSpan());
                if (host.Has($"tuned.{name}.{layer}.logits"))
                    yield return Check.Close(
                        $"tuned.{name}.{layer}.logits",
                        LensReadChecks.Rows(
                            LensReadChecks.Read(host.Model, lens, layer, run[Site.ResidPost(layer)]),
                            host.Ids("positions_full"),
                            host.Model.Config.VocabularyRows
                        ),
                        host.Values($"tuned.{name}.{layer}.logits"),
                        LensHost.Logits
                    );
            }
        }
    }

    private static double Worst(double[] got, double[] want) =>
        got.Zip(want, (a, b) => Math.Abs(a - b) / Math.Max(Math.Abs(b), 1e-12)).Max();
}
