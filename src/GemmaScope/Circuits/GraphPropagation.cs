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

    /// <summary>What each source adds to a weighted sum of the targets along all ways: by its edges, and through features, each of which
    /// hands on a change in proportion. [sources of the graph] One pass over the rows, from the targets back.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="weights">One of each target.</param>
    /// <param name="cancellationToken">Stops between rows.</param>
    public static double[] Totals(AttributionGraph graph, IReadOnlyList<double> weights, CancellationToken cancellationToken)
    {
        var (row, totals) = (new float[graph.FirstTarget], new double[graph.FirstTarget]);
        for (var target = 0; target < weights.Count; target++)
            Add(graph.FirstTarget + target, weights[target]);
        // A feature has all that it adds when those above it have handed on theirs.
        for (var node = graph.FeatureCount - 1; node >= 0; node--)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Add(node, totals[node] / graph.Feature(node).Activation);
        }
        return totals;

        void Add(int node, double factor)
        {
            if (factor == 0)
                return;
            graph.Row(node, row);
            for (var source = 0; source < row.Length; source++)
                totals[source] += factor * row[source];
        }
    }

    /// <summary>What each feature adds to the targets' mean, by their weights, along all ways.</summary>
    public static double[] Total(AttributionGraph graph, CancellationToken cancellationToken)
    {
        var (weights, sum) = (graph.Weights, graph.Weights.Sum());
        return Totals(graph, Array.ConvertAll(weights, one => sum > 0 ? one / sum : 1.0 / weights.Length), cancellationToken)[
            ..graph.FeatureCount
        ];
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
