using GemmaScope.Circuits;
using GemmaScope.Evaluation;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>The study of <see cref="CircuitPairsJob"/> on the pairs of one case.</summary>
internal sealed class PairStudy(
    GemmaModel model,
    TranscoderSet set,
    CircuitPairsJobOptions options,
    IProgress<long>? progress,
    CancellationToken cancellationToken
)
{
    private static readonly InterventionMode[] Modes = [InterventionMode.AttentionFrozen, InterventionMode.Free];
    private long _done;

    /// <summary>A feature at changed words, or at the words that both prompts have.</summary>
    private readonly record struct Role(int Layer, int Feature, bool Changed);

    public PairCase Of(string name, IReadOnlyList<EncodedPair> pairs)
    {
        var known = pairs.Select(Leads).Where(one => one is { Lead: > 0, Other: < 0 }).ToArray();
        var (found, tested) = Split(known);
        var (features, replacement, completeness) = Find(found);
        return new(
            name,
            pairs.Count,
            known.Length,
            found.Length,
            tested.Length,
            MeanEstimate.Of([.. known.Select(one => one.Lead)]),
            MeanEstimate.Of([.. known.Select(one => one.Other)]),
            replacement,
            completeness,
            features,
            Test(tested, [.. features.Select(one => new Role(one.Layer, one.Feature, one.Changed))])
        );
    }

    /// <summary>The lead of the answer after both prompts.</summary>
    private KnownPair Leads(EncodedPair pair)
    {
        var known = new KnownPair(pair, Lead(pair.Prompt), Lead(pair.Other));
        progress?.Report(++_done);
        return known;

        double Lead(int[] prompt)
        {
            using var run = model.Run(prompt, logits: LogitRows.Last, cancellationToken: cancellationToken);
            return BeforeCap(run.LastLogits()[pair.Answer]) - BeforeCap(run.LastLogits()[pair.Wrong]);
        }

        // What graphs explain: a cap would make the same push count less where the lead is large.
        double BeforeCap(double logit) => model.Config.FinalCap is { } cap ? cap * Math.Atanh(logit / cap) : logit;
    }

    /// <summary>Pairs with one prompt stay together, so that no feature is tested on a prompt by which it was found.</summary>
    private (KnownPair[] Found, KnownPair[] Tested) Split(KnownPair[] known)
    {
        var prompts = known.GroupBy(one => string.Join(' ', one.Pair.Prompt)).ToArray();
        new Random(options.Seed).Shuffle(prompts);
        var half = (prompts.Length + 1) / 2;
        return ([.. prompts.Take(half).SelectMany(one => one)], [.. prompts.Skip(half).SelectMany(one => one)]);
    }

    private (IReadOnlyList<PairFeature> Features, MeanEstimate? Replacement, MeanEstimate? Completeness) Find(KnownPair[] found)
    {
        var (sums, scores) = (
            new Dictionary<Role, (double Effect, int Fires, int Other)>(),
            new List<(double Replacement, double Whole)>()
        );
        foreach (var one in found)
        {
            using var prompt = Replacement(one.Pair.Prompt);
            using var other = Replacement(one.Pair.Other);
            using var graph = AttributionGraph.Compute(
                prompt,
                [Target(one.Pair)],
                new() { MaxFeatures = options.Circuit.Budget },
                cancellationToken: cancellationToken
            );
            scores.Add((graph.ReplacementScore, graph.CompletenessScore));
            var there = Activations(other, one.Pair.OtherChanged);
            foreach (var (role, effect) in Effects(graph, one.Pair, other))
            {
                var sum = sums.GetValueOrDefault(role);
                sums[role] = (sum.Effect + effect, sum.Fires + 1, sum.Other + (there.Contains(role) ? 1 : 0));
            }
        }
        return (
            [
                .. sums.OrderByDescending(one => one.Value.Effect)
                    .Where(one => one.Value.Effect > 0)
                    .Take(options.Top)
                    .Select(one => new PairFeature(
                        one.Key.Layer,
                        one.Key.Feature,
                        one.Key.Changed,
                        one.Value.Effect / found.Length,
                        one.Value.Fires / (double)found.Length,
                        one.Value.Other / (double)found.Length
                    )),
            ],
            MeanEstimate.Of([.. scores.Select(one => one.Replacement)]),
            MeanEstimate.Of([.. scores.Select(one => one.Whole)])
        );
    }

    /// <summary>What each feature's difference between the prompts adds to the lead: all that it adds, in proportion to how much of its
    /// activation the other prompt does not have.</summary>
    private static Dictionary<Role, double> Effects(AttributionGraph graph, EncodedPair pair, ReplacementModel other)
    {
        var elsewhere = other.Features.GroupBy(one => (one.Layer, one.Feature)).ToDictionary(one => one.Key, one => one.ToArray());
        var (totals, effects) = (graph.TotalContributions(0), new Dictionary<Role, double>());
        for (var node = 0; node < graph.FeatureCount; node++)
        {
            var feature = graph.Feature(node);
            var role = new Role(feature.Layer, feature.Feature, pair.Changed[feature.Position]);
            var there = (elsewhere.GetValueOrDefault((feature.Layer, feature.Feature)) ?? [])
                .Where(one => pair.Partner[feature.Position] is { } place ? one.Position == place : pair.OtherChanged[one.Position])
                .Select(one => one.Activation)
                .DefaultIfEmpty()
                .Max();
            effects[role] = effects.GetValueOrDefault(role) + totals[node] * (1 - there / feature.Activation);
        }
        return effects;
    }

    private static HashSet<Role> Activations(ReplacementModel prompt, bool[] changed) =>
        [.. prompt.Features.Select(one => new Role(one.Layer, one.Feature, changed[one.Position]))];

    private List<PairEffect> Test(KnownPair[] tested, Role[] features)
    {
        var counts = ((int[])[1, 3, 10]).Append(features.Length).Where(count => count <= features.Length && count > 0).Distinct().Order();
        var sizes = counts.Select(count => (int?)count).Append(null).ToArray();
        var rows = Modes.SelectMany(mode => sizes.Select(size => new EffectRows(mode, size))).ToArray();
        foreach (var (number, one) in tested.Index())
        {
            using var prompt = Replacement(one.Pair.Prompt);
            CircuitTarget[] target = [Target(one.Pair)];
            var before = Intervention.Values(prompt, target, [], InterventionMode.Free, cancellationToken)[0];
            foreach (var row in rows)
            {
                var chosen = Firing(prompt, one.Pair, row.Size is { } size ? features[..size] : null);
                row.Fired.Add(chosen.Count);
                var after = After(chosen);
                row.Drops.Add(before - after);
                row.Flips.Add(Flips(after));
                if (row.Size is not null)
                {
                    // One number a pair, so that the interval is over pairs.
                    double[] random =
                    [
                        .. Enumerable
                            .Range(number * options.Draws, options.Draws)
                            .Select(draw => After(Random(prompt, one.Pair, chosen, new(options.Seed + draw)))),
                    ];
                    row.RandomDrops.Add(before - random.Average());
                    row.RandomFlips.Add(random.Average(Flips));
                }

                double After(IReadOnlyList<ActiveFeature> off) =>
                    off.Count == 0
                        ? before
                        : Intervention.Values(
                            prompt,
                            target,
                            [
                                .. off.Select(feature =>
                                    FeatureChange.Ablate(feature.Layer, feature.Feature, Positions.At(feature.Position))
                                ),
                            ],
                            row.Mode,
                            cancellationToken
                        )[0];
            }
        }
        return [.. rows.Where(row => row.Drops.Count > 0).Select(row => row.Result())];
    }

    private static double Flips(double lead) => lead < 0 ? 1 : 0;

    /// <summary>Where the features of some roles fire; of null all that fire at changed words.</summary>
    private static List<ActiveFeature> Firing(ReplacementModel prompt, EncodedPair pair, Role[]? roles)
    {
        var wanted = roles?.ToHashSet();
        return
        [
            .. prompt.Features.Where(one =>
                wanted is null ? pair.Changed[one.Position] : wanted.Contains(new Role(one.Layer, one.Feature, pair.Changed[one.Position]))
            ),
        ];
    }

    /// <summary>For each chosen feature another one that fires at the same kind of place, or none where all are chosen.</summary>
    private static List<ActiveFeature> Random(ReplacementModel prompt, EncodedPair pair, List<ActiveFeature> chosen, Random random)
    {
        var drawn = new List<ActiveFeature>();
        foreach (var place in chosen.GroupBy(one => pair.Changed[one.Position]))
        {
            ActiveFeature[] others = [.. prompt.Features.Where(one => pair.Changed[one.Position] == place.Key).Except(chosen)];
            random.Shuffle(others);
            drawn.AddRange(others.Take(place.Count()));
        }
        return drawn;
    }

    private ReplacementModel Replacement(int[] prompt) =>
        ReplacementModel.Of(model, set, prompt, options.Circuit.ZeroPositions, cancellationToken: cancellationToken);

    private static CircuitTarget Target(EncodedPair pair) => CircuitTarget.Difference(pair.Answer, pair.Wrong);

    private sealed record KnownPair(EncodedPair Pair, double Lead, double Other);

    private sealed class EffectRows(InterventionMode mode, int? size)
    {
        public InterventionMode Mode { get; } = mode;

        public int? Size { get; } = size;

        public List<double> Drops { get; } = [];

        public List<double> RandomDrops { get; } = [];

        public List<double> Flips { get; } = [];

        public List<double> RandomFlips { get; } = [];

        public List<double> Fired { get; } = [];

        public PairEffect Result() =>
            new(
                Mode,
                Size,
                Fired.Average(),
                MeanEstimate.Of(Drops)!,
                MeanEstimate.Of(RandomDrops),
                Flips.Average(),
                RandomFlips.Count == 0 ? null : RandomFlips.Average()
            );
    }
}
