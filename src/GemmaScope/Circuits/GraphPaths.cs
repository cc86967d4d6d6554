namespace GemmaScope.Circuits;

/// <summary>A way through a graph, from where it begins to a target.</summary>
/// <param name="Nodes">The nodes, the first source first.</param>
/// <param name="Weights">The weight of each link between them.</param>
/// <param name="Share">Product of the links' shares: of all that enters a node by kept links, how much comes by this one.</param>
public sealed record GraphPath(IReadOnlyList<GraphDocumentNode> Nodes, IReadOnlyList<double> Weights, double Share);

/// <summary>Finds the strongest ways through a graph.</summary>
public static class GraphPaths
{
    /// <summary>The targets of a graph: logits, the likeliest first, or, where there are none, nodes that nothing follows.</summary>
    public static IReadOnlyList<GraphDocumentNode> Targets(GraphDocument graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        GraphDocumentNode[] targets =
        [
            .. graph.Nodes.Where(node => node.Kind == GraphNodeKind.Target).OrderByDescending(node => node.Probability),
        ];
        if (targets.Length > 0)
            return targets;
        var sources = graph.Links.Select(link => link.Source).ToHashSet();
        return [.. graph.Nodes.Where(node => node.Kind == GraphNodeKind.Feature && !sources.Contains(node.NodeId))];
    }

    /// <summary>The ways to a target with the largest shares, largest first. Links that lead in circles are not followed.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="target">Where they end.</param>
    /// <param name="most">How many.</param>
    public static IReadOnlyList<GraphPath> Strongest(GraphDocument graph, GraphDocumentNode target, int most = 1)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(target);
        var nodes = graph.Nodes.ToDictionary(node => node.NodeId);
        var incoming = graph.Links.Where(link => link.Weight != 0).ToLookup(link => link.Target);
        var found = new Dictionary<string, Step[]>();
        foreach (var id in Upwards(target.NodeId, incoming))
        {
            var total = incoming[id].Sum(link => Math.Abs(link.Weight));
            var steps = incoming[id]
                .Where(link => found.ContainsKey(link.Source))
                .SelectMany(link =>
                    found[link.Source].Select(before => new Step(link, before, before.Share * Math.Abs(link.Weight) / total))
                )
                .OrderByDescending(step => step.Share)
                .Take(most)
                .ToArray();
            found[id] = steps.Length > 0 ? steps : [new Step(null, null, 1)];
        }
        return [.. found[target.NodeId].Where(step => step.Link is not null).Select(step => Path(step, nodes))];
    }

    private sealed record Step(GraphLink? Link, Step? Before, double Share);

    private static GraphPath Path(Step last, Dictionary<string, GraphDocumentNode> nodes)
    {
        var links = new List<GraphLink>();
        for (var step = last; step?.Link is { } link; step = step.Before)
            links.Insert(0, link);
        return new(
            [nodes[links[0].Source], .. links.Select(link => nodes[link.Target])],
            [.. links.Select(link => link.Weight)],
            last.Share
        );
    }

    /// <summary>All nodes that lead to one, each after its sources; without recursion, as a file may hold a chain of any length.</summary>
    private static List<string> Upwards(string target, ILookup<string, GraphLink> incoming)
    {
        var (order, seen, stack) = (
            new List<string>(),
            new HashSet<string> { target },
            new Stack<(string Id, IEnumerator<GraphLink> Links)>()
        );
        stack.Push((target, incoming[target].GetEnumerator()));
        while (stack.Count > 0)
        {
            var (id, links) = stack.Peek();
            if (!links.MoveNext())
            {
                order.Add(id);
                stack.Pop();
            }
            else if (seen.Add(links.Current.Source))
                stack.Push((links.Current.Source, incoming[links.Current.Source].GetEnumerator()));
        }
        return order;
    }
}
