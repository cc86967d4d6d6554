namespace GemmaScope.Circuits;

/// <summary>An edge of a pruned graph.</summary>
/// <param name="Target">Node it leads to.</param>
/// <param name="Source">Node it comes from.</param>
/// <param name="Weight">What the source contributes to the target's value; not multiplied by the target's own activation.</param>
/// <param name="Score">Share of the targets' weight that flows through it in the pruned graph (METHODS §4.5 step 9).</param>
public readonly record struct GraphEdge(int Target, int Source, float Weight, double Score);

/// <summary>
/// Pruning of nodes, then of edges, then of what hangs loose (METHODS §4.5 step 9). Rows are read a few times; only edges that stay are
/// ever kept.
/// </summary>
internal sealed class GraphPruning
{
    private GraphPruning(bool[] first, bool[] nodes, double nodeCut, double edgeCut, GraphEdge[] edges) =>
        (First, Nodes, NodeCut, EdgeCut, Edges) = (first, nodes, nodeCut, edgeCut, edges);

    /// <summary>Nodes kept by their influence.</summary>
    public bool[] First { get; }

    /// <summary>Nodes kept in the end.</summary>
    public bool[] Nodes { get; }

    /// <summary>The least influence of a kept node.</summary>
    public double NodeCut { get; }

    /// <summary>The least score of a kept edge.</summary>
    public double EdgeCut { get; }

    /// <summary>Edges kept, by target and source.</summary>
    public GraphEdge[] Edges { get; }

    public static GraphPruning Of(
        GraphRows rows,
        IReadOnlyList<double> weights,
        double[] influence,
        double nodeShare,
        double edgeShare,
        IReadOnlyCollection<int>? always = null,
        CancellationToken cancellationToken = default
    )
    {
        var nodeCut = ShareCut.Find(visit => Array.ForEach(influence, visit), nodeShare);
        var first = Array.ConvertAll(influence, value => value >= nodeCut);
        // Tokens and targets always stay.
        Array.Fill(first, true, rows.Features + rows.Errors, rows.Nodes - rows.Features - rows.Errors);
        foreach (var node in always ?? [])
            first[node] = true;

        var inner = GraphInfluence.Of(rows, weights, first).Influence;
        var scores = new EdgeScores(rows, weights, inner, first);
        var edgeCut = ShareCut.Find(visit => scores.Visit((_, _, _, score) => visit(score), cancellationToken), edgeShare);
        var edges = new List<GraphEdge>();
        scores.Visit(
            (target, source, weight, score) =>
            {
                if (score >= edgeCut)
                    edges.Add(new(target, source, weight, score));
            },
            cancellationToken
        );
        var nodes = (bool[])first.Clone();
        while (DropLoose(rows, nodes, edges, always))
            edges.RemoveAll(edge => !nodes[edge.Target] || !nodes[edge.Source]);
        return new(first, nodes, nodeCut, edgeCut, [.. edges.OrderBy(edge => edge.Target).ThenBy(edge => edge.Source)]);
    }

    /// <summary>At each node the share of all influence that it and those before it in falling order have.</summary>
    public static double[] Cumulative(double[] influence)
    {
        var order = Enumerable.Range(0, influence.Length).OrderByDescending(node => influence[node]).ToArray();
        var (total, running, cumulative) = (influence.Sum(), 0.0, new double[influence.Length]);
        foreach (var node in order)
        {
            running += influence[node];
            cumulative[node] = total == 0 ? 0 : running / total;
        }
        return cumulative;
    }

    /// <summary>Drops features and errors that lead nowhere, and features that nothing leads to; says whether there was one.</summary>
    private static bool DropLoose(GraphRows rows, bool[] nodes, List<GraphEdge> edges, IReadOnlyCollection<int>? always)
    {
        var (leaves, enters) = (new bool[rows.Nodes], new bool[rows.Nodes]);
        foreach (var edge in edges)
            (leaves[edge.Source], enters[edge.Target]) = (true, true);
        // These stay, linked or not.
        foreach (var node in always ?? [])
            (leaves[node], enters[node]) = (true, true);
        var dropped = false;
        for (var node = 0; node < rows.Features + rows.Errors; node++)
        {
            if (!nodes[node] || (leaves[node] && (enters[node] || node >= rows.Features)))
                continue;
            nodes[node] = false;
            dropped = true;
        }
        return dropped;
    }

    private delegate void EdgeVisitor(int target, int source, float weight, double score);

    /// <summary>The scores of all edges between kept nodes, computed anew at each visit.</summary>
    private sealed class EdgeScores(GraphRows rows, IReadOnlyList<double> weights, double[] influence, bool[] kept)
    {
        private readonly float[] _row = new float[rows.Sources];

        public void Visit(EdgeVisitor visit, CancellationToken cancellationToken)
        {
            foreach (var target in rows.Downwards())
            {
                var mass = GraphInfluence.Mass(rows, influence, weights, target);
                if (!kept[target] || mass == 0)
                    continue;
                cancellationToken.ThrowIfCancellationRequested();
                rows.Read(target, _row);
                var share = mass / Math.Max(GraphInfluence.Sum(_row, kept), GraphInfluence.Floor);
                for (var source = 0; source < _row.Length; source++)
                    if (_row[source] != 0 && kept[source])
                        visit(target, source, _row[source], Math.Abs((double)_row[source]) * share);
            }
        }
    }
}
