namespace GemmaScope.Circuits;

/// <summary>Whether the features of a graph fire in a run of its prompt as the graph says.</summary>
/// <param name="Features">Features of the graph.</param>
/// <param name="Firing">Those of them that fire at their position.</param>
/// <param name="LargestDifference">The largest difference of an activation that the graph names, relative to it; of a feature that does not
/// fire 1; null where the graph names none.</param>
public readonly record struct RecheckedActivations(int Features, int Firing, double? LargestDifference);

/// <summary>
/// The proof of a graph that comes from a file, of this program or another: its features are turned off one by one in its model, and the
/// change of each target is compared with what the edges of the file say.
/// </summary>
public static class GraphRecheck
{
    /// <summary>Compares activations.</summary>
    /// <param name="graph">The file.</param>
    /// <param name="model">Its prompt, with the transcoders that it was made with.</param>
    public static RecheckedActivations Activations(GraphDocument graph, ReplacementModel model)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(model);
        var (features, firing) = (0, 0);
        double? largest = null;
        foreach (var node in graph.Nodes.Where(node => node.Kind == GraphNodeKind.Feature))
        {
            features++;
            var found = Find(graph, node, model);
            firing += found is null ? 0 : 1;
            if (node.Activation is > 0 and var named)
                largest = Math.Max(largest ?? 0, Math.Abs((found is { } one ? model.Features[one].Activation : 0) - named) / named);
        }
        return new(features, firing, largest);
    }

    /// <summary>Turns features off and measures.</summary>
    /// <param name="graph">The file.</param>
    /// <param name="model">Its prompt, with the transcoders that it was made with.</param>
    /// <param name="targets">What each target of the file is, in their order; null for one that is not known.</param>
    /// <param name="mode">What stays as it was. Constrained, predictions are edges, and pairs without an edge are left out, as a pruned graph
    /// says nothing of them; else all paths of the file count.</param>
    /// <param name="strongest">How many of the strongest features.</param>
    /// <param name="random">How many random ones of the rest that the file has.</param>
    /// <param name="seed">Seed of their choice.</param>
    /// <param name="progress">Told after each feature.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="ArgumentProblemException">A number is out of range, or a target does not exist in this prompt.</exception>
    public static IReadOnlyList<MeasuredEffect> Measure(
        GraphDocument graph,
        ReplacementModel model,
        IReadOnlyList<CircuitTarget?> targets,
        InterventionMode mode,
        int strongest = 10,
        int random = 10,
        int seed = 0,
        IProgress<int>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(targets);
        var claims = new GraphClaims(graph);
        if (targets.Count != claims.Targets.Count)
            throw new ArgumentProblemException($"{targets.Count} are named, and the graph has {claims.Targets.Count}", "targets");
        RowTarget?[] rows = [.. targets.Select(target => target?.Resolve(model))];
        // A feature that does not fire cannot be turned off; that is said by its activation.
        bool Fires(GraphDocumentNode node) => Find(graph, node, model) is not null;
        var (strong, control) = EffectCheck.Choose(
            [.. graph.Nodes.Where(Fires)],
            claims.ByInfluence().Where(Fires),
            strongest,
            random,
            seed
        );
        var effects = new List<MeasuredEffect>();
        foreach (var (i, node) in strong.Concat(control).Index())
        {
            var feature = model.Features[Find(graph, node, model)!.Value];
            var values = EffectCheck.Ablated(model, [.. rows.OfType<RowTarget>()], feature, mode, cancellationToken);
            var predicted = claims.Ablated(node, direct: mode == InterventionMode.Constrained);
            var measured = 0;
            foreach (var (target, row) in rows.Index())
                if (row is not null)
                {
                    var value = values[measured++] - row.Value;
                    if (predicted[target] is { } change)
                        effects.Add(new(feature, i < strong.Length, target, change, value));
                }
            progress?.Report(i + 1);
        }
        return effects;
    }

    /// <summary>The number of a node's feature in the prompt, or null where it does not fire.</summary>
    private static int? Find(GraphDocument graph, GraphDocumentNode node, ReplacementModel model) =>
        graph.FeatureOf(node) is var (layer, index)
        && layer >= 0
        && layer < model.Layers
        && node.Position >= 0
        && node.Position < model.Tokens.Length
        && index <= int.MaxValue
            ? model.Find(layer, node.Position, (int)index)
            : null;
}
