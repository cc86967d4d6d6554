namespace GemmaScope.Circuits;

/// <summary>What a graph predicts for features that are turned off: the sum over all ways to a target, as a feature whose pre-activation
/// changes passes the change on in proportion (METHODS §4.5: contributions are linear in the activations).</summary>
internal static class GraphPropagation
{
    /// <summary>The change of each target for each feature that is turned off alone: [nodes, targets].</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="nodes">The features, by their node.</param>
    /// <param name="direct">Whether the other features stay as they were, so that only edges to the targets count.</param>
    /// <param name="cancellationToken">Stops between rows.</param>
    public static double[,] Ablated(AttributionGraph graph, int[] nodes, bool direct, CancellationToken cancellationToken)
    {
        var row = new float[graph.FirstTarget];
        // Of each feature in the graph its change relative to its activation, for each of the features turned off.
        var relative = new double[graph.FeatureCount][];
        for (var i = 0; i < nodes.Length; i++)
            (relative[nodes[i]] ??= new double[nodes.Length])[i] = -1;
        for (var node = 0; node < graph.FeatureCount && !direct; node++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            graph.Row(node, row);
            if (Change(row, relative, nodes.Length, node) is not { } change)
                continue;
            var own = relative[node] ??= new double[nodes.Length];
            var activation = graph.Feature(node).Activation;
            for (var i = 0; i < nodes.Length; i++)
                if (nodes[i] != node)
                    own[i] = change[i] / activation;
        }
        var result = new double[nodes.Length, graph.Targets.Count];
        for (var target = 0; target < graph.Targets.Count; target++)
        {
            graph.Row(graph.FirstTarget + target, row);
            var change = Change(row, relative, nodes.Length, graph.FeatureCount);
            for (var i = 0; i < nodes.Length; i++)
                result[i, target] = change?[i] ?? 0;
        }
        return result;
    }

    /// <summary>What each feature adds to the targets' mean, by their weights, along all paths: the change for a feature that is turned off
    /// alone, with the other sign. One pass over the rows, from the targets back.</summary>
    public static double[] Total(AttributionGraph graph, CancellationToken cancellationToken)
    {
        var (effects, row) = (new double[graph.FeatureCount], new float[graph.FirstTarget]);
        var weights = graph.Weights;
        var total = weights.Sum();
        for (var target = 0; target < weights.Length; target++)
            Add(graph.FirstTarget + target, total > 0 ? weights[target] / total : 1.0 / weights.Length, graph.FeatureCount);
        for (var node = graph.FeatureCount - 1; node >= 0; node--)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (effects[node] != 0)
                Add(node, effects[node] / graph.Feature(node).Activation, node);
        }
        return effects;

        void Add(int node, double factor, int below)
        {
            graph.Row(node, row);
            for (var source = 0; source < below; source++)
                effects[source] += factor * row[source];
        }
    }

    /// <summary>Σ contribution · relative change of the sources below a node, or null where none changes.</summary>
    private static double[]? Change(float[] row, double[]?[] relative, int count, int below)
    {
        double[]? change = null;
        for (var source = 0; source < below; source++)
        {
            if (row[source] == 0 || relative[source] is not { } of)
                continue;
            change ??= new double[count];
            for (var i = 0; i < count; i++)
                change[i] += row[source] * of[i];
        }
        return change;
    }
}
