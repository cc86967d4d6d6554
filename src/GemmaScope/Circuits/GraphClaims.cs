namespace GemmaScope.Circuits;

/// <summary>What the edges of a graph file predict for features that are turned off.</summary>
internal sealed class GraphClaims
{
    private readonly Dictionary<string, List<GraphLink>> _outgoing = [];
    private readonly GraphDocumentNode[] _features;

    public GraphClaims(GraphDocument graph)
    {
        Targets = [.. graph.Nodes.Where(node => node.Kind == GraphNodeKind.Target)];
        // What a feature reaches lies in later layers: of equal ones the order does not matter.
        _features = [.. graph.Nodes.Where(node => graph.FeatureOf(node) is not null).OrderBy(node => graph.FeatureOf(node)!.Value.Layer)];
        foreach (var link in graph.Links)
        {
            if (!_outgoing.TryGetValue(link.Source, out var links))
                _outgoing[link.Source] = links = [];
            links.Add(link);
        }
    }

    /// <summary>The targets, in the order of the file.</summary>
    public IReadOnlyList<GraphDocumentNode> Targets { get; }

    /// <summary>The features, the most influential first: by what the file says, else by their edges to targets.</summary>
    public IReadOnlyList<GraphDocumentNode> ByInfluence()
    {
        var targets = Targets.Select(node => node.NodeId).ToHashSet();
        // The file holds the share that a node and all stronger ones have: the less, the stronger.
        return
        [
            .. _features
                .OrderBy(node => node.Influence ?? double.MaxValue)
                .ThenByDescending(node =>
                    _outgoing
                        .GetValueOrDefault(node.NodeId)
                        ?.Where(link => targets.Contains(link.Target))
                        .Sum(link => Math.Abs(link.Weight))
                    ?? 0
                ),
        ];
    }

    /// <summary>The change of each target; null where the graph says nothing.</summary>
    /// <param name="node">The feature that is turned off.</param>
    /// <param name="direct">Whether its edges to the targets count alone; else all paths do, as far as activations are known.</param>
    public double?[] Ablated(GraphDocumentNode node, bool direct)
    {
        if (direct)
            return
            [
                .. Targets.Select(target =>
                    _outgoing.GetValueOrDefault(node.NodeId)?.FirstOrDefault(link => link.Target == target.NodeId) is { } edge
                        ? -edge.Weight
                        : (double?)null
                ),
            ];
        // Of each node what its value changes by; a feature passes the change on in proportion.
        var changes = new Dictionary<string, double>();
        Pass(node, -1);
        foreach (var feature in _features)
            if (feature != node && feature.Activation is > 0 and var activation && changes.TryGetValue(feature.NodeId, out var change))
                Pass(feature, change / activation);
        return [.. Targets.Select(target => (double?)changes.GetValueOrDefault(target.NodeId))];

        void Pass(GraphDocumentNode from, double relative)
        {
            foreach (var link in _outgoing.GetValueOrDefault(from.NodeId) ?? [])
                changes[link.Target] = changes.GetValueOrDefault(link.Target) + relative * link.Weight;
        }
    }
}
