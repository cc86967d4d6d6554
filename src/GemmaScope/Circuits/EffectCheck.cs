using GemmaScope.Evaluation;
using GemmaScope.Models;

namespace GemmaScope.Circuits;

/// <summary>The effect of turning one feature off on one target.</summary>
/// <param name="Feature">The feature.</param>
/// <param name="Strong">Whether it is one of the strongest nodes, or one of the control.</param>
/// <param name="Target">Number of the target.</param>
/// <param name="Predicted">What the graph says. Constrained: minus its edge to the target, as nothing else can answer. Else: along all paths
/// through features.</param>
/// <param name="Measured">What the model does: the target's value then minus before.</param>
public readonly record struct MeasuredEffect(ActiveFeature Feature, bool Strong, int Target, double Predicted, double Measured);

/// <summary>How well a graph's predictions agree with measurements.</summary>
/// <param name="Count">Pairs of a feature and a target.</param>
/// <param name="Spearman">Rank correlation of predicted and measured; null where one side is constant or there are fewer than two.</param>
/// <param name="SignAgreement">Share of the pairs whose signs agree, of those where neither is 0; null where there is none.</param>
/// <param name="SignCount">How many those are.</param>
public sealed record EffectAgreement(int Count, double? Spearman, double? SignAgreement, int SignCount)
{
    /// <summary>What is smaller than this part of the largest effect is the rounding of two runs, and counts as 0.</summary>
    private const double Noise = 1e-5;

    /// <summary>Measures the agreement of some effects.</summary>
    public static EffectAgreement Of(IReadOnlyList<MeasuredEffect> effects)
    {
        var floor = Noise * effects.Select(one => Math.Max(Math.Abs(one.Predicted), Math.Abs(one.Measured))).DefaultIfEmpty().Max();
        double[] predicted = [.. effects.Select(one => WithoutNoise(one.Predicted))],
            measured = [.. effects.Select(one => WithoutNoise(one.Measured))];
        int[] signs = [.. predicted.Zip(measured, (one, other) => Math.Sign(one) * Math.Sign(other)).Where(sign => sign != 0)];
        return new(
            effects.Count,
            Correlation.Spearman(predicted, measured),
            signs.Length == 0 ? null : signs.Count(sign => sign > 0) / (double)signs.Length,
            signs.Length
        );

        double WithoutNoise(double effect) => Math.Abs(effect) <= floor ? 0 : effect;
    }
}

/// <summary>
/// The proof of a graph (METHODS §6.9): its strongest features, and random ones as control, are turned off one by one, and the change of
/// each target is compared with what the graph predicts.
/// </summary>
public static class EffectCheck
{
    /// <summary>Turns features off and measures.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="mode">What stays as it was. Constrained, predictions are exact; the more is free, the more takes part of what
    /// attribution cannot see.</param>
    /// <param name="strongest">How many of the strongest features.</param>
    /// <param name="random">How many random ones of the rest that fire.</param>
    /// <param name="seed">Seed of their choice.</param>
    /// <param name="progress">Told after each feature.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="ArgumentProblemException">A number is negative, or both are 0.</exception>
    public static IReadOnlyList<MeasuredEffect> Measure(
        AttributionGraph graph,
        InterventionMode mode,
        int strongest = 10,
        int random = 10,
        int seed = 0,
        IProgress<int>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(graph);
        var model = graph.Model;
        RowTarget[] targets = [.. graph.Targets.Select(target => target.Resolve(model))];
        int[] all = [.. Enumerable.Range(0, graph.FeatureCount)];
        var (strong, control) = Choose(all, all.OrderByDescending(node => graph.Influence[node]), strongest, random, seed);
        int[] nodes = [.. strong, .. control];
        var predicted = GraphPropagation.Ablated(graph, nodes, direct: mode == InterventionMode.Constrained, cancellationToken);
        var effects = new List<MeasuredEffect>();
        foreach (var (i, node) in nodes.Index())
        {
            var feature = graph.Feature(node);
            var values = Ablated(model, targets, feature, mode, cancellationToken);
            for (var target = 0; target < targets.Length; target++)
                effects.Add(new(feature, i < strong.Length, target, predicted[i, target], values[target] - targets[target].Value));
            progress?.Report(i + 1);
        }
        return effects;
    }

    /// <summary>The values of targets in a run with a feature turned off.</summary>
    internal static double[] Ablated(
        ReplacementModel model,
        RowTarget[] targets,
        ActiveFeature feature,
        InterventionMode mode,
        CancellationToken cancellationToken
    ) =>
        Intervention.Values(
            model,
            targets,
            [FeatureChange.Ablate(feature.Layer, feature.Feature, Positions.At(feature.Position))],
            mode,
            cancellationToken
        );

    /// <summary>The strongest of some nodes, and random ones of the rest.</summary>
    /// <param name="nodes">The nodes.</param>
    /// <param name="byStrength">The same, the strongest first.</param>
    /// <param name="strongest">How many of the first.</param>
    /// <param name="random">How many others.</param>
    /// <param name="seed">Seed of their choice.</param>
    internal static (T[] Strong, T[] Control) Choose<T>(
        IReadOnlyList<T> nodes,
        IEnumerable<T> byStrength,
        int strongest,
        int random,
        int seed
    )
    {
        if (strongest < 0 || random < 0 || strongest + random == 0)
            throw new ArgumentProblemException($"{strongest} strongest and {random} random ones; at least one is needed", "features");
        T[] strong = [.. byStrength.Take(strongest)];
        var taken = strong.ToHashSet();
        T[] rest = [.. nodes.Where(node => !taken.Contains(node))];
        // The choice is to be the same on every machine.
        new Random(seed).Shuffle(rest);
        return (strong, [.. rest.Take(random)]);
    }
}
