using System.Text.Json;
using GemmaScope.Circuits;
using GemmaScope.Features;
using GemmaScope.Server.Pages;
using GemmaScope.Store;

namespace GemmaScope.Server.Circuits;

/// <summary>A graph whose features have what the database knows of them: a name, how often they fire, and where their card is.</summary>
internal static class NamedGraph
{
    /// <summary>The fields that are added to a node: its name, the share of tokens it fires on, and the address of its card.</summary>
    private const string Name = "label",
        Density = "density",
        Card = "card";

    /// <summary>Names the features of a graph.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="library">The database, or null.</param>
    /// <param name="prefix">The path under which a proxy shows the server, which addresses of cards begin with.</param>
    public static GraphDocument Of(GraphDocument graph, FeatureLibrary? library, string prefix)
    {
        if (library is null)
            return graph;
        var dictionaries = Dictionaries(graph, library);
        var names = graph
            .Nodes.Select(graph.FeatureOf)
            .OfType<(int Layer, long Index)>()
            .Where(one => dictionaries.ContainsKey(one.Layer) && one.Index < dictionaries[one.Layer].Width)
            .GroupBy(one => one.Layer, one => (int)one.Index)
            .ToDictionary(layer => layer.Key, layer => new NamedFeatures(library, dictionaries[layer.Key], layer.Distinct()));
        return graph with
        {
            Nodes =
            [
                .. graph.Nodes.Select(node =>
                    graph.FeatureOf(node) is var (layer, index)
                    && names.GetValueOrDefault(layer) is { } known
                    && index < dictionaries[layer].Width
                    && known.Row((int)index) is { } row
                        ? node with
                        {
                            Others = Others(
                                node,
                                known.Plain((int)index),
                                row,
                                prefix + FeatureCard.Address(dictionaries[layer], (int)index)
                            ),
                        }
                        : node
                ),
            ],
        };
    }

    private static Dictionary<string, JsonElement> Others(GraphDocumentNode node, string name, FeatureRow row, string card)
    {
        var others = new Dictionary<string, JsonElement>(node.Others ?? new Dictionary<string, JsonElement>())
        {
            [Density] = JsonSerializer.SerializeToElement(row.Density),
            [Card] = JsonSerializer.SerializeToElement(card),
        };
        if (name.Length > 0 && node.Label.Length == 0)
            others[Name] = JsonSerializer.SerializeToElement(name);
        return others;
    }

    /// <summary>The transcoder of each layer that the graph's model has in the database: the one that the graph names, or the only
    /// one.</summary>
    private static Dictionary<int, StoredDictionary> Dictionaries(GraphDocument graph, FeatureLibrary library)
    {
        string[] named =
            graph.Metadata.Others?.TryGetValue("transcoder_list", out var list) == true && list.ValueKind == JsonValueKind.Array
                ?
                [
                    .. list.EnumerateArray()
                        .Where(one => one.ValueKind == JsonValueKind.String)
                        .Select(one => one.GetString()!.Replace('/', '-')),
                ]
                : [];
        return library
            .Now()
            .Dictionaries.Where(one => one.Model == FeatureLinks.ModelName(graph.Metadata.Scan))
            .Where(one => named.Length > 0 ? named.Contains(one.Name) : one.Name.Contains("transcoder", StringComparison.OrdinalIgnoreCase))
            .GroupBy(one => library.Source(one).Layer)
            .Where(layer => layer.Count() == 1)
            .ToDictionary(layer => layer.Key, layer => layer.First());
    }
}
