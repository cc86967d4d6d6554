using System.Runtime.CompilerServices;
using System.Text.Json;
using GemmaScope.Circuits;
using GemmaScope.Server.Pages;

namespace GemmaScope.Server.Circuits;

/// <summary>Graphs whose features have what the database knows of them: a name, how often they fire, and where their card is. A graph is named
/// once for its page and its data, as long as the database stays the same.</summary>
/// <param name="library">The database, or null.</param>
internal sealed class NamedGraphs(FeatureLibrary? library)
{
    /// <summary>The fields that are added to a node: its name, the share of tokens it fires on, and the address of its card.</summary>
    private const string Name = "label",
        Density = "density",
        Card = "card";

    private readonly ConditionalWeakTable<GraphDocument, Named> _named = [];

    /// <summary>Names the features of a graph.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="prefix">The path under which a proxy shows the server, which addresses of cards begin with.</param>
    public GraphDocument Of(GraphDocument graph, string prefix)
    {
        if (library is null)
            return graph;
        var version = library.Now().Version;
        if (_named.TryGetValue(graph, out var known) && known.Version == version && known.Prefix == prefix)
            return known.Graph;
        var made = new Named(version, prefix, Make(graph, library, prefix));
        _named.AddOrUpdate(graph, made);
        return made.Graph;
    }

    private static GraphDocument Make(GraphDocument graph, FeatureLibrary library, string prefix)
    {
        var features = CircuitFeatures.Of(library, graph.Metadata.Scan, Transcoders(graph), graph.Nodes.Select(graph.FeatureOf));
        return graph with
        {
            Nodes =
            [
                .. graph.Nodes.Select(node =>
                    graph.FeatureOf(node) is var (layer, index) && features.Find(layer, index) is { } found
                        ? node with
                        {
                            Others = Others(node, found, prefix),
                        }
                        : node
                ),
            ],
        };
    }

    /// <summary>The transcoders that a graph names.</summary>
    public static IReadOnlyList<string> Transcoders(GraphDocument graph) =>
        graph.Metadata.Others?.TryGetValue("transcoder_list", out var list) == true && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray().Where(one => one.ValueKind == JsonValueKind.String).Select(one => one.GetString()!)]
            : [];

    private static Dictionary<string, JsonElement> Others(GraphDocumentNode node, CircuitFeature found, string prefix)
    {
        var others = new Dictionary<string, JsonElement>(node.Others ?? new Dictionary<string, JsonElement>())
        {
            [Density] = JsonSerializer.SerializeToElement(found.Density),
            [Card] = JsonSerializer.SerializeToElement(prefix + found.Card),
        };
        // A label that is a rule is said in its words.
        var name = node.Label.Length == 0 ? found.Name : FeatureName.Plain(node.Label, null);
        if (name.Length > 0 && name != node.Label)
            others[Name] = JsonSerializer.SerializeToElement(name);
        return others;
    }

    private sealed record Named(string Version, string Prefix, GraphDocument Graph);
}
