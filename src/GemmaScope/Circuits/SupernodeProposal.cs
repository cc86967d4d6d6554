using System.Numerics.Tensors;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Circuits;

/// <summary>
/// Finds features of a graph that play one role, and tests them by intervention.
/// <para>
/// <b>Grouping.</b> Two features are as alike as the less alike of two things: how they fire over texts
/// (<see cref="CoActivation.Correlation"/>), and their edges in this graph: the cosine of what they contribute to later nodes, each weighed by
/// its influence, or the mean of that and the cosine of what is contributed to them where it is less. Groups are joined while their average
/// similarity reaches the threshold. Features of different positions stay apart unless that is asked for; features that hardly fire in the texts stay
/// alone.
/// </para>
/// <para>
/// <b>Test.</b> Members of one role are interchangeable. Each member in turn is turned off while the others are scaled up, by the factor
/// that by their single effects would make up for it best, at most fivefold. The score (<see cref="ProposedSupernode.StandIn"/>) is 1 − Σ
/// ‖what is left of the effect‖ / Σ ‖effect of turning the member off alone‖. Effects are vectors over all that lies behind the whole group
/// and counts: later features of the graph and targets as shares of what is added up to them, times their influence, and the 100 likeliest
/// next tokens. To first order the score is 1 − √(1 − cos²) of the effects of a member and the others; that others do make up for it is
/// found by running the model. Random groups of the same sizes from the same layers and, where enough fire there, positions are scored in
/// the same way. A group is validated where half of the loss is made good (<see cref="SupernodeOptions.LeastStandIn"/>) and no random group
/// does as well.
/// </para>
/// <para>
/// <b>What it does not show.</b> That members are interchangeable in other prompts, or mean the same to a person. That a group is whole, or
/// that no other cut is as good. The control is of any features that fire there: as groups are chosen by edges of the same graph, to beat
/// it is needed and not much; the size of the score says more. One group in twenty passes by chance. Effects that never reach a node of the
/// graph, a target or a likely token count nowhere.
/// </para>
/// </summary>
public static class SupernodeProposal
{
    /// <summary>The factor by which a member is scaled up to stand in for another, beyond 1, at most.</summary>
    private const double MostAdded = 4;

    /// <summary>Random groups below this number are no control, and other positions are taken too.</summary>
    private const int FewControls = 5;

    /// <summary>Random groups that may do as well, as a share of all and the group itself.</summary>
    private const double Chance = 0.05;

    /// <summary>The groups, those with the best scores first; also those that are not validated.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="nodes">The features that may be grouped: nodes of the pruned graph.</param>
    /// <param name="together">How they fire over texts; holds them all.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="progress">Told how many groups are tested, and how many there are.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="ArgumentProblemException">A setting is out of range, or a node is no feature.</exception>
    public static IReadOnlyList<ProposedSupernode> Find(
        AttributionGraph graph,
        IReadOnlyList<int> nodes,
        CoActivation together,
        SupernodeOptions? options = null,
        IProgress<(int Done, int Total)>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(nodes);
        ArgumentNullException.ThrowIfNull(together);
        options ??= new();
        options.Check();
        var candidates = Candidates(graph, nodes, options.MostFeatures);
        var alike = new Likeness(graph, candidates, together, options.LeastTokens, cancellationToken);
        int[][] groups =
        [
            .. Enumerable
                .Range(0, candidates.Length)
                .GroupBy(i => options.AcrossPositions ? 0 : graph.Feature(candidates[i]).Position)
                .Select(block => block.ToArray())
                .SelectMany(block =>
                    AverageLinkage
                        .Groups(block.Length, (a, b) => alike.Of(block[a], block[b]), options.Threshold)
                        .Select(group => Array.ConvertAll(group, i => block[i]))
                ),
        ];
        if (groups.Length == 0)
            return [];
        progress?.Report((0, groups.Length));
        var test = new SubstitutionTest(new DownstreamEffects(graph, candidates, options.Mode, cancellationToken), MostAdded);
        var found = new List<ProposedSupernode>();
        foreach (var group in groups)
        {
            int[] members = Array.ConvertAll(group, i => candidates[i]);
            var own = test.Of(members, cancellationToken);
            var controls = Controls(graph, members, options, new Random(options.Seed))
                .Select(control => test.Of(control, cancellationToken))
                .ToArray();
            var better = controls.Count(one => one.StandIn >= own.StandIn);
            found.Add(
                new(
                    members,
                    Likeness.Mean(group, alike.Firing),
                    Likeness.Mean(group, alike.Edges),
                    own.StandIn,
                    controls.Length > 0 ? controls.Average(one => one.StandIn) : null,
                    controls.Length > 0 ? controls.Max(one => one.StandIn) : null,
                    controls.Length,
                    better,
                    own.Agreement,
                    controls.Length > 0 ? controls.Average(one => one.Agreement) : null,
                    test.Joint(members, cancellationToken),
                    controls.Length > 0
                        && own.StandIn >= options.LeastStandIn
                        && better <= Math.Max(0, (int)(Chance * (controls.Length + 1)) - 1)
                )
            );
            progress?.Report((found.Count, groups.Length));
        }
        return [.. found.OrderByDescending(one => one.IsValidated).ThenByDescending(one => one.StandIn)];
    }

    /// <summary>The tokens that features together promote most: what they write, summed, read by the unembedding behind the final norm's
    /// gain.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="nodes">Its features.</param>
    /// <param name="most">How many tokens.</param>
    public static IReadOnlyList<int> PromotedTokens(AttributionGraph graph, IReadOnlyList<int> nodes, int most = 3)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(nodes);
        var (host, config) = (graph.Model.Model, graph.Model.Model.Config);
        using var written = Tensor.Zeros(1, config.Width);
        using var logits = Tensor.Uninitialized(1, host.Weights.Embedding.Rows);
        var vector = new float[config.Width];
        foreach (var one in nodes.Select(graph.Feature))
        {
            var transcoder = graph.Model.Transcoders[one.Layer]!;
            for (var layer = one.Layer; layer <= transcoder.LastTarget; layer++)
            {
                transcoder.Decoder(layer, one.Feature, vector);
                TensorPrimitives.MultiplyAdd(vector, one.Activation, written.Row(0), written.Row(0));
            }
        }
        host.ApplyFinalGain(written.AsMatrix());
        host.DirectLogits(written.AsMatrix(), logits.AsMatrix());
        return [.. new TopTokens().Select(logits.Row(0)[..config.RealVocabulary], most).ToArray().Select(TopTokens.Id)];
    }

    /// <summary>The features with the most influence, rising.</summary>
    private static int[] Candidates(AttributionGraph graph, IReadOnlyList<int> nodes, int most)
    {
        foreach (var node in nodes)
            if ((uint)node >= (uint)graph.FeatureCount)
                throw new ArgumentProblemException($"{node} is no feature; the graph has 0 to {graph.FeatureCount - 1}", nameof(nodes));
        return [.. nodes.Distinct().OrderByDescending(node => graph.Influence[node]).ThenBy(node => node).Take(most).Order()];
    }

    /// <summary>Random groups that have a feature of the same layer for each member, at its position where enough others fire there, none
    /// of them of the group; each once.</summary>
    private static List<int[]> Controls(AttributionGraph graph, int[] members, SupernodeOptions options, Random random)
    {
        // The choice is to be the same on every machine.
        foreach (var samePosition in (bool[])[true, false])
        {
            var pools = Array.ConvertAll(members, member => Pool(graph, member, members, samePosition));
            var drawn = new HashSet<string>();
            List<int[]> groups = [];
            for (var trial = 0; trial < 20 * options.Controls && groups.Count < options.Controls; trial++)
            {
                int[] group = [.. pools.Where(pool => pool.Length > 0).Select(pool => pool[random.Next(pool.Length)]).Distinct().Order()];
                if (group.Length == members.Length && drawn.Add(string.Join(',', group)))
                    groups.Add(group);
            }
            if (groups.Count >= Math.Min(FewControls, options.Controls) || (!samePosition && groups.Count > 0))
                return groups;
        }
        return [];
    }

    private static int[] Pool(AttributionGraph graph, int member, int[] members, bool samePosition)
    {
        var one = graph.Feature(member);
        return
        [
            .. Enumerable
                .Range(0, graph.FeatureCount)
                .Where(node =>
                    graph.Feature(node) is var other
                    && other.Layer == one.Layer
                    && (!samePosition || other.Position == one.Position)
                    && !members.Contains(node)
                ),
        ];
    }

    /// <summary>How alike the candidates are.</summary>
    private sealed class Likeness(
        AttributionGraph graph,
        int[] candidates,
        CoActivation together,
        int leastTokens,
        CancellationToken cancellationToken
    )
    {
        private readonly EdgeProfiles _edges = new(graph, candidates, cancellationToken);

        public double? Of(int a, int b) => Firing(a, b) is { } firing && Edges(a, b) is { } edges ? Math.Min(firing, edges) : null;

        public double? Firing(int a, int b)
        {
            var (one, other) = (Feature(a), Feature(b));
            return Math.Min(together.Fired(one), together.Fired(other)) >= leastTokens ? together.Correlation(one, other) : null;
        }

        public double? Edges(int a, int b) => _edges.Similarity(a, b);

        public static double Mean(int[] group, Func<int, int, double?> of) =>
            group.SelectMany((a, i) => group.Skip(i + 1).Select(b => of(a, b))).OfType<double>().Average();

        private CircuitFeature Feature(int i) => graph.Feature(candidates[i]) is var one ? new(one.Layer, one.Feature) : default;
    }
}
