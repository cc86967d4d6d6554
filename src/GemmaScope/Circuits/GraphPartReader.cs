using System.Text.Json;

namespace GemmaScope.Circuits;

/// <summary>Reads a part of a graph file: what it takes grows with the part and with the number of nodes, and not with the links.</summary>
internal sealed class GraphPartReader(GraphFile file)
{
    /// <summary>The field of a node that says how much leads to it in the whole graph.</summary>
    public const string Into = "into";

    private readonly Dictionary<int, GraphDocumentNode> _nodes = [];

    public GraphPart Read(GraphPartQuery query)
    {
        var around = query.Around.Select(Number).ToHashSet();
        foreach (var node in around)
        {
            Add(node);
            foreach (var edges in (GraphSection[])[GraphSection.InEdges, GraphSection.OutEdges])
            foreach (var edge in file.Edges(edges, node)[..Math.Min(query.Neighbours, file.Edges(edges, node).Length)])
                Add(file.Checked(edge.Node));
        }
        var found = AddStrongest(query);
        var (links, kept) = (Links(around, query.Links), _nodes.Keys.Order().ToArray());
        double all = 0,
            shown = 0;
        for (var node = 0; node < file.NodeCount; node++)
            all += file.Record(node).Influence;
        foreach (var node in kept)
            shown += file.Record(node).Influence;
        var graph = file.Head with
        {
            Nodes = [.. kept.Select(Described)],
            Links = [.. links.Select(link => new GraphLink(_nodes[link.Source].NodeId, _nodes[link.Target].NodeId, link.Weight))],
        };
        return new(graph, file.NodeCount, file.LinkCount, found, all > 0 ? shown / all : null);
    }

    private int Number(string id) =>
        file.Find(id) ?? throw new ArgumentProblemException($"there is no node '{id}' in this graph", new Setting("Around"));

    private GraphDocumentNode Add(int node)
    {
        if (!_nodes.TryGetValue(node, out var known))
            _nodes[node] = known = file.Node(node);
        return known;
    }

    /// <summary>The strongest nodes that are wanted; says how many there are.</summary>
    private int AddStrongest(GraphPartQuery query)
    {
        var words = (query.Find ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var (found, taken) = (0, 0);
        foreach (var number in file.Order)
        {
            var node = file.Checked(number);
            var position = file.Record(node).Position;
            if (position < (query.From ?? int.MinValue) || position > (query.To ?? int.MaxValue))
                continue;
            if (words.Length > 0 && !Has(node, words))
                continue;
            found++;
            if (taken++ < query.Nodes)
                Add(node);
        }
        return found;
    }

    private bool Has(int number, string[] words)
    {
        var node = file.Node(number);
        var tokens = file.Metadata.PromptTokens;
        var token = node.Position >= 0 && node.Position < tokens.Count ? tokens[node.Position] : "";
        return words.All(word =>
            node.NodeId.Contains(word, StringComparison.OrdinalIgnoreCase)
            || (node.Label ?? "").Contains(word, StringComparison.OrdinalIgnoreCase)
            || token.Contains(word, StringComparison.OrdinalIgnoreCase)
        );
    }

    /// <summary>The links between the nodes of the part.</summary>
    private IEnumerable<(int Source, int Target, float Weight)> Links(HashSet<int> around, int most)
    {
        var links = new List<(int Source, int Target, float Weight)>();
        foreach (var target in _nodes.Keys)
        foreach (var edge in file.Edges(GraphSection.InEdges, target))
            if (_nodes.ContainsKey(file.Checked(edge.Node)))
                links.Add((edge.Node, target, edge.Weight));
        return links
            .OrderByDescending(link => around.Contains(link.Source) || around.Contains(link.Target))
            .ThenByDescending(link => Math.Abs(link.Weight))
            .ThenBy(link => (link.Target, link.Source))
            .Take(most);
    }

    private GraphDocumentNode Described(int node) =>
        _nodes[node] with
        {
            Others = new Dictionary<string, JsonElement>(_nodes[node].Others ?? new Dictionary<string, JsonElement>())
            {
                [Into] = JsonSerializer.SerializeToElement(file.Record(node).Into),
            },
        };
}
