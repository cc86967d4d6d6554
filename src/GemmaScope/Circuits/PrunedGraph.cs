namespace GemmaScope.Circuits;

/// <summary>A graph without what hardly matters.</summary>
public sealed class PrunedGraph
{
    internal PrunedGraph(AttributionGraph graph, GraphPruning pruning, double[] cumulative, double nodeShare, double edgeShare) =>
        (Graph, Pruning, CumulativeInfluence, NodeShare, EdgeShare) = (graph, pruning, cumulative, nodeShare, edgeShare);

    /// <summary>The whole graph.</summary>
    public AttributionGraph Graph { get; }

    /// <summary>Share of the influence that the kept nodes reach.</summary>
    public double NodeShare { get; }

    /// <summary>Share of the scores that the kept edges reach.</summary>
    public double EdgeShare { get; }

    /// <summary>The nodes that stay, rising.</summary>
    public IReadOnlyList<int> Nodes => [.. Enumerable.Range(0, Graph.NodeCount).Where(node => Pruning.Nodes[node])];

    /// <summary>The edges that stay, by target and source.</summary>
    public IReadOnlyList<GraphEdge> Edges => Pruning.Edges;

    /// <summary>At each node of the whole graph the share of all influence that it and the stronger nodes have: what sliders of viewers
    /// cut at.</summary>
    public IReadOnlyList<double> CumulativeInfluence { get; }

    internal GraphPruning Pruning { get; }

    /// <summary>The graph in the public form.</summary>
    public GraphDocument ToDocument(GraphNaming naming) => new GraphExport(this, naming).Document();
}
