namespace GemmaScope.Circuits;

/// <summary>Which part of a large graph is wanted: its strongest nodes, of some positions or by words, and what is around some nodes.</summary>
public sealed record GraphPartQuery
{
    /// <summary>Nodes and links at most, that one part may have.</summary>
    public const int MostNodes = 3000,
        MostLinks = 100_000;

    /// <summary>How many of the strongest nodes, from 0.</summary>
    public int Nodes { get; init; } = 300;

    /// <summary>Ids of nodes that come along, each with its neighbours.</summary>
    public IReadOnlyList<string> Around { get; init; } = [];

    /// <summary>How many of the strongest neighbours in each direction, from 0.</summary>
    public int Neighbours { get; init; } = 12;

    /// <summary>The first position that the strongest are taken from; null for the first of all.</summary>
    public int? From { get; init; }

    /// <summary>The last one; null for the last of all.</summary>
    public int? To { get; init; }

    /// <summary>Words that the id, label or token of the strongest must have; null for none.</summary>
    public string? Find { get; init; }

    /// <summary>Links at most, from 0; the strongest, those of nodes around which one looks first.</summary>
    public int Links { get; init; } = 10_000;

    /// <summary>Throws where a number is out of range.</summary>
    /// <exception cref="ArgumentProblemException">One is.</exception>
    public void Check()
    {
        Require(Nodes is >= 0 and <= MostNodes, nameof(Nodes), Nodes, $"0 to {MostNodes}");
        Require(Neighbours is >= 0 and <= MostNodes, nameof(Neighbours), Neighbours, $"0 to {MostNodes}");
        Require(Links is >= 0 and <= MostLinks, nameof(Links), Links, $"0 to {MostLinks}");
        Require(Around.Count <= MostNodes, nameof(Around), Around.Count, $"of {MostNodes} nodes at most");

        static void Require(bool holds, string name, int value, string range)
        {
            if (!holds)
                throw new ArgumentProblemException($"is {value}; it must be {range}", new Setting(name));
        }
    }
}

/// <summary>A part of a graph.</summary>
/// <param name="Graph">The part as a graph. Of each node, <c>into</c> says how much leads to it in the whole graph, in absolute
/// weights.</param>
/// <param name="AllNodes">Nodes of the whole graph.</param>
/// <param name="AllLinks">Links of the whole graph.</param>
/// <param name="Found">Nodes of these positions that have the words.</param>
/// <param name="Influence">The part of the influence of all nodes that those of this part have; null where the graph says nothing of
/// influence.</param>
public sealed record GraphPart(GraphDocument Graph, int AllNodes, long AllLinks, int Found, double? Influence);
