namespace GemmaScope.Circuits;

/// <summary>
/// The links of a graph file as rows, so that a file is weighed and pruned as a graph that was just computed is. Features are put into an
/// order in which every link leads upwards.
/// </summary>
internal sealed class DocumentRows : GraphRows
{
    private readonly (int Source, float Weight)[][] _incoming;

    private DocumentRows(GraphDocument graph, GraphDocumentNode[] order, Dictionary<string, int> numbers)
    {
        (Order, Numbers) = (order, numbers);
        int Count(GraphNodeKind kind) => order.Count(node => node.Kind == kind);
        (Features, Errors, Tokens, Targets) = (
            Count(GraphNodeKind.Feature),
            Count(GraphNodeKind.Error),
            Count(GraphNodeKind.Token),
            Count(GraphNodeKind.Target)
        );
        var incoming = graph
            .Links.Where(link => numbers[link.Source] < Sources)
            .ToLookup(link => numbers[link.Target], link => (numbers[link.Source], (float)link.Weight));
        // Nothing leads to an error or a token.
        _incoming =
        [
            .. Enumerable.Range(0, order.Length).Select(node => node < Features || node >= Sources ? incoming[node].ToArray() : []),
        ];
    }

    /// <summary>The nodes by their numbers.</summary>
    public GraphDocumentNode[] Order { get; }

    /// <summary>The number of each node.</summary>
    public IReadOnlyDictionary<string, int> Numbers { get; }

    /// <inheritdoc/>
    public override int Features { get; }

    /// <inheritdoc/>
    public override int Errors { get; }

    /// <inheritdoc/>
    public override int Tokens { get; }

    /// <inheritdoc/>
    public override int Targets { get; }

    /// <exception cref="ArgumentProblemException">Links between features lead in a circle.</exception>
    public static DocumentRows Of(GraphDocument graph)
    {
        GraphDocumentNode[] order =
        [
            .. Upwards(graph),
            .. graph.Nodes.Where(node => node.Kind == GraphNodeKind.Error),
            .. graph.Nodes.Where(node => node.Kind == GraphNodeKind.Token),
            .. graph.Nodes.Where(node => node.Kind == GraphNodeKind.Target),
        ];
        return new(graph, order, order.Select((node, i) => (node.NodeId, i)).ToDictionary());
    }

    /// <inheritdoc/>
    public override void Read(int node, Span<float> sources)
    {
        sources.Clear();
        foreach (var (source, weight) in _incoming[node])
            sources[source] += weight;
    }

    /// <summary>Features, each after those that lead to it.</summary>
    private static List<GraphDocumentNode> Upwards(GraphDocument graph)
    {
        var features = graph.Nodes.Where(node => node.Kind == GraphNodeKind.Feature).ToDictionary(node => node.NodeId);
        var between = graph.Links.Where(link => features.ContainsKey(link.Source) && features.ContainsKey(link.Target)).ToArray();
        var (following, waiting) = (between.ToLookup(link => link.Source), features.Keys.ToDictionary(id => id, _ => 0));
        foreach (var link in between)
            waiting[link.Target]++;
        var ready = new Queue<string>(graph.Nodes.Select(node => node.NodeId).Where(id => waiting.GetValueOrDefault(id, -1) == 0));
        var order = new List<GraphDocumentNode>(features.Count);
        while (ready.TryDequeue(out var id))
        {
            order.Add(features[id]);
            foreach (var link in following[id])
                if (--waiting[link.Target] == 0)
                    ready.Enqueue(link.Target);
        }
        return order.Count == features.Count
            ? order
            : throw new ArgumentProblemException("links between its features lead in a circle, so that it cannot be pruned", "graph");
    }
}
