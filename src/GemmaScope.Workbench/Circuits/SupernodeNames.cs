using System.Text.RegularExpressions;
using GemmaScope.Circuits;
using GemmaScope.Dictionaries;
using GemmaScope.Store;

namespace GemmaScope.Workbench;

/// <summary>
/// Names groups of features: by the words that labels of most members share, in the order of the label of the strongest; else by the tokens
/// that the members together promote.
/// </summary>
internal sealed partial class SupernodeNames
{
    private const int MostWords = 5,
        MostTokens = 2,
        LeastLetters = 3;

    private static readonly HashSet<string> Empty =
    [
        "and",
        "the",
        "that",
        "this",
        "with",
        "from",
        "for",
        "are",
        "not",
        "its",
        "into",
        "when",
        "where",
        "which",
        "feature",
        "features",
        "token",
        "tokens",
        "word",
        "words",
        "text",
        "texts",
        "related",
        "mentions",
        "references",
    ];

    private readonly Microscope _microscope;
    private readonly AttributionGraph _graph;
    private readonly Dictionary<int, string> _labels = [];

    /// <param name="microscope">The model.</param>
    /// <param name="graph">The graph.</param>
    /// <param name="document">The same as it is exchanged, whose labels count first.</param>
    /// <param name="nodes">Its features, with their ids there.</param>
    /// <param name="known">A database that knows features, or null.</param>
    public SupernodeNames(
        Microscope microscope,
        AttributionGraph graph,
        GraphDocument document,
        IReadOnlyDictionary<int, string> nodes,
        IFeatureDatabase? known
    )
    {
        (_microscope, _graph) = (microscope, graph);
        var own = document.Nodes.Where(node => node.Label.Length > 0).ToDictionary(node => node.NodeId, node => node.Label);
        foreach (var layer in nodes.Keys.GroupBy(node => graph.Feature(node).Layer))
        {
            var meanings =
                Dictionary(layer.Key) is { } dictionary && known is not null
                    ? known.Meanings(microscope.ModelName, dictionary, [.. layer.Select(node => graph.Feature(node).Feature).Distinct()])
                    : null;
            foreach (var node in layer)
                if ((own.GetValueOrDefault(nodes[node]) ?? meanings?.GetValueOrDefault(graph.Feature(node).Feature)?.Label) is { } label)
                    _labels[node] = label;
        }
    }

    /// <summary>What a feature is about, or null.</summary>
    public string? Label(int node) => _labels.GetValueOrDefault(node);

    /// <summary>The name of a group.</summary>
    public string Of(IReadOnlyList<int> nodes)
    {
        string[] labels = [.. nodes.OrderByDescending(node => _graph.Influence[node]).Select(Label).OfType<string>()];
        return Shared(labels, nodes.Count)
            ?? string.Join(
                ", ",
                SupernodeProposal
                    .PromotedTokens(_graph, nodes, MostTokens)
                    .Select(token => $"“{_microscope.Model.Tokenizer.Display(token)}”")
            );
    }

    /// <summary>The words that more than half of the members' labels have, or null where there is none.</summary>
    /// <param name="labels">The labels, the strongest member's first.</param>
    /// <param name="members">How many members there are, with a label or without.</param>
    internal static string? Shared(IReadOnlyList<string> labels, int members)
    {
        var counts = labels
            .SelectMany(label => Words(label).Distinct(StringComparer.OrdinalIgnoreCase))
            .CountBy(word => word, StringComparer.OrdinalIgnoreCase)
            .Where(word => word.Value > 1 && 2 * word.Value > members)
            .Select(word => word.Key)
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        return counts.Count == 0
            ? null
            : string.Join(' ', labels.SelectMany(Words).Where(counts.Contains).Distinct(StringComparer.OrdinalIgnoreCase).Take(MostWords));
    }

    private static IEnumerable<string> Words(string label) =>
        Word()
            .Matches(label)
            .Select(match => match.Value)
            .Where(word => word.Length >= LeastLetters && !Empty.Contains(word.ToLowerInvariant()));

    private SparseDictionary? Dictionary(int layer) =>
        _graph.Model.Transcoders is { IsCrossLayer: false } set
            ? set.Dictionaries.FirstOrDefault(one => one.InputSite.Layer == layer)
            : null;

    [GeneratedRegex(@"[\p{L}\p{N}'’-]+")]
    private static partial Regex Word();
}
