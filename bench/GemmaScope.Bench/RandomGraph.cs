using GemmaScope.Circuits;

namespace GemmaScope.Bench;

/// <summary>Attribution graphs of any size with the shape of real ones: few nodes have most of the influence, edges lead upwards and to the
/// right, and most come from near by.</summary>
internal static class RandomGraph
{
    /// <summary>A graph.</summary>
    /// <param name="tokens">Tokens of the prompt.</param>
    /// <param name="layers">Layers of the model.</param>
    /// <param name="features">Feature nodes.</param>
    /// <param name="errors">Error nodes.</param>
    /// <param name="links">Links at most; the same pair is drawn once.</param>
    /// <param name="seed">Seed.</param>
    public static GraphDocument Make(int tokens, int layers, int features, int errors, int links, int seed = 7)
    {
        var random = new Random(seed);
        var nodes = new List<GraphDocumentNode>();
        for (var i = 0; i < features; i++)
            nodes.Add(Node($"{i % layers}_{i}_{1 + random.Next(tokens - 1)}", $"{i % layers}", GraphDocumentNode.FeatureNode));
        for (var i = 0; i < Math.Min(errors, layers * (tokens - 1)); i++)
            nodes.Add(Node($"error_{i % layers}_{1 + i / layers}", $"{i % layers}", GraphDocumentNode.ErrorNode));
        for (var i = 0; i < tokens; i++)
            nodes.Add(Node($"E_{i % 1000}_{i}", "E", GraphDocumentNode.TokenNode));
        // Influence falls as one over the rank.
        int[] ranks = [.. Enumerable.Range(1, nodes.Count)];
        random.Shuffle(ranks);
        double total = Enumerable.Range(1, nodes.Count).Sum(rank => 1.0 / rank),
            reached = 0;
        var shares = new double[nodes.Count + 1];
        for (var rank = 1; rank <= nodes.Count; rank++)
            shares[rank] = reached += 1 / (rank * total);
        for (var i = 0; i < nodes.Count; i++)
            nodes[i] = nodes[i] with { Influence = Math.Round(shares[ranks[i]], 9) };
        for (var i = 0; i < 3; i++)
            nodes.Add(
                Node($"{layers + 1}_{i}_{tokens - 1}", $"{layers + 1}", GraphDocumentNode.TargetNode) with
                {
                    Label = $"Output \"word {i}\" (p={0.5 / (i + 1):0.000})",
                    Probability = 0.5 / (i + 1),
                    IsTarget = i == 0,
                }
            );
        var targets = nodes.Where(node => node.FeatureType is GraphDocumentNode.FeatureNode or GraphDocumentNode.TargetNode).ToArray();
        var drawn = new HashSet<(int, int)>(links);
        var made = new List<GraphLink>(links);
        for (var i = 0; i < 4 * links && made.Count < links; i++)
        {
            var (source, target) = (random.Next(nodes.Count), random.Next(targets.Length));
            if (
                Row(nodes[source]) < Row(targets[target])
                && nodes[source].Position <= targets[target].Position
                && drawn.Add((source, target))
            )
                made.Add(new(nodes[source].NodeId, targets[target].NodeId, Math.Round(Math.Pow(random.NextDouble() * 2 - 1, 5), 6)));
        }
        return new GraphDocument
        {
            Metadata = new()
            {
                Slug = $"random-{tokens}",
                Scan = "random",
                Prompt = $"{tokens} words",
                PromptTokens = [.. Enumerable.Range(0, tokens).Select(i => $" word{i}")],
                SchemaVersion = 1,
            },
            View = new(),
            Nodes = nodes,
            Links = made,
        };
    }

    private static int Row(GraphDocumentNode node) => node.Layer == "E" ? -1 : int.Parse(node.Layer, null);

    private static GraphDocumentNode Node(string id, string layer, string type)
    {
        var parts = id.Split('_');
        return new()
        {
            NodeId = id,
            Feature = type == GraphDocumentNode.FeatureNode ? Paired(long.Parse(layer, null), long.Parse(parts[1], null)) : -1,
            Layer = layer,
            Position = int.Parse(parts[^1], null),
            FeatureType = type,
            JsNodeId = $"{layer}_{parts[1]}-0",
            Label = type == GraphDocumentNode.FeatureNode ? $"feature about subject {parts[1]}" : "",
            Activation = type == GraphDocumentNode.FeatureNode ? 1 : null,
        };
    }

    /// <summary>Cantor's number of a layer and an index.</summary>
    private static long Paired(long layer, long index) => (layer + index) * (layer + index + 1) / 2 + index;
}
