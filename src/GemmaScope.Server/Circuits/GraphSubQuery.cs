using System.Text.Json;
using System.Text.Json.Serialization;
using GemmaScope.Circuits;

namespace GemmaScope.Server.Circuits;

/// <summary>Which part of a graph is asked for, as it stands in the address.</summary>
/// <param name="Nodes">How many of the strongest nodes.</param>
/// <param name="Node">Ids of nodes that come along with their strongest neighbours.</param>
/// <param name="Neighbours">How many neighbours in each direction.</param>
/// <param name="From">The first position of the strongest.</param>
/// <param name="To">The last one.</param>
/// <param name="Find">Words that they must have.</param>
internal sealed record GraphSubQuery(
    int? Nodes = null,
    string[]? Node = null,
    int? Neighbours = null,
    int? From = null,
    int? To = null,
    string? Find = null
)
{
    /// <summary>The part of a graph file, which says how much of the whole it is.</summary>
    public GraphDocument Read(GraphFile file)
    {
        var standard = new GraphPartQuery();
        var part = file.Part(
            standard with
            {
                Nodes = Nodes ?? standard.Nodes,
                Around = Node ?? [],
                Neighbours = Neighbours ?? standard.Neighbours,
                From = From,
                To = To,
                Find = Find,
            }
        );
        var whole = new GraphPartOf(part.AllNodes, part.AllLinks, part.Found, part.Influence);
        return part.Graph with
        {
            Others = new Dictionary<string, JsonElement>(part.Graph.Others ?? new Dictionary<string, JsonElement>())
            {
                ["part"] = JsonSerializer.SerializeToElement(whole),
            },
        };
    }
}

/// <summary>How much of a graph a part is.</summary>
/// <param name="Nodes">Nodes of the whole.</param>
/// <param name="Links">Links of the whole.</param>
/// <param name="Found">Nodes of these positions and words.</param>
/// <param name="Influence">The share of influence that the part has.</param>
internal sealed record GraphPartOf(
    [property: JsonPropertyName("nodes")] int Nodes,
    [property: JsonPropertyName("links")] long Links,
    [property: JsonPropertyName("found")] int Found,
    [property: JsonPropertyName("influence")] double? Influence
);
