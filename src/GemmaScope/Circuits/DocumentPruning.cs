using System.Text.Json;

namespace GemmaScope.Circuits;

/// <summary>Prunes a graph file as METHODS §4.5 step 9 prunes a graph, with the links that the file has.</summary>
internal static class DocumentPruning
{
    public static GraphDocument Of(GraphDocument graph, double nodeShare, double edgeShare, IReadOnlyCollection<string> keep)
    {
        foreach (var share in (double[])[nodeShare, edgeShare])
            if (share is not (> 0 and <= 1))
                throw new ArgumentProblemException($"is {share}; it must be above 0 and at most 1", "share");
        var rows = DocumentRows.Of(graph);
        if (rows.Targets == 0)
            throw new ArgumentProblemException("has no targets, so that no node has an influence on any", "graph");
        foreach (var id in keep)
            if (!rows.Numbers.ContainsKey(id))
                throw new ArgumentProblemException($"'{id}' is no node of this graph", new Setting("Keep"));
        var weights = Weights(rows);
        var pruned = GraphPruning.Of(
            rows,
            weights,
            GraphInfluence.Of(rows, weights).Influence,
            nodeShare,
            edgeShare,
            [.. keep.Select(id => rows.Numbers[id])]
        );
        var links = pruned.Edges.Select(edge => (edge.Source, edge.Target)).ToHashSet();
        bool Stays(string id) => pruned.Nodes[rows.Numbers[id]];
        return graph with
        {
            Nodes = [.. graph.Nodes.Where(node => Stays(node.NodeId))],
            Links = [.. graph.Links.Where(link => links.Contains((rows.Numbers[link.Source], rows.Numbers[link.Target])))],
            View = View(graph.View, id => rows.Numbers.ContainsKey(id) && Stays(id)),
        };
    }

    /// <summary>Probabilities of logits; 1 each where the file has none.</summary>
    private static double[] Weights(DocumentRows rows)
    {
        double[] weights = [.. rows.Order[^rows.Targets..].Select(node => node.Probability)];
        return Array.Exists(weights, weight => weight > 0) ? weights : Array.ConvertAll(weights, _ => 1.0);
    }

    /// <summary>The saved view without nodes that are gone.</summary>
    private static GraphView View(GraphView view, Func<string, bool> stays) =>
        view with
        {
            PinnedIds = [.. view.PinnedIds.Where(stays)],
            ClickedId = stays(view.ClickedId) ? view.ClickedId : "",
            Supernodes = [.. view.Supernodes.Select(one => Supernode(one, stays)).OfType<JsonElement>()],
        };

    /// <summary>A name and ids; null where none of them is left.</summary>
    private static JsonElement? Supernode(JsonElement group, Func<string, bool> stays)
    {
        if (group.ValueKind != JsonValueKind.Array)
            return group;
        JsonElement[] left =
        [
            .. group.EnumerateArray().Where((one, i) => i == 0 || (one.ValueKind == JsonValueKind.String && stays(one.GetString()!))),
        ];
        return left.Length > 1 ? JsonSerializer.SerializeToElement(left) : null;
    }
}
