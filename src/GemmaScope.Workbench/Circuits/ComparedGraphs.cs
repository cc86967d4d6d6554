using GemmaScope.Circuits;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>Two graphs node by node, at positions that belong together.</summary>
internal sealed class ComparedGraphs
{
    private readonly Tokenizer _tokenizer;
    private readonly List<ComparedNode> _onlyFirst = [];
    private readonly List<ComparedPair> _pairs = [];

    public ComparedGraphs(AttributionGraph first, AttributionGraph second, Tokenizer tokenizer)
    {
        _tokenizer = tokenizer;
        var alignment = TokenAlignment.Of(first.Model.Prompt, second.Model.Prompt);
        var rest = Nodes(second).ToDictionary(node => (node.Kind, node.Layer, node.Index, node.Position));
        foreach (var node in Nodes(first))
            if (alignment[node.Position] is { } position && rest.Remove((node.Kind, node.Layer, node.Index, position), out var other))
                _pairs.Add(new(node, other, other.Activation - node.Activation, other.Share - node.Share));
            else
                _onlyFirst.Add(node);
        (OnlyFirst, OnlySecond) = (Strongest(_onlyFirst), Strongest(rest.Values));
    }

    /// <summary>Nodes of the first alone, the most influential first.</summary>
    public IReadOnlyList<ComparedNode> OnlyFirst { get; }

    /// <summary>Nodes of the second alone.</summary>
    public IReadOnlyList<ComparedNode> OnlySecond { get; }

    /// <summary>Features of both.</summary>
    public int SharedFeatures => _pairs.Count(pair => pair.First.Kind == GraphNodeKind.Feature);

    /// <summary>Nodes of both, the largest change of influence first.</summary>
    public IEnumerable<ComparedPair> ByInfluence() =>
        _pairs.Where(pair => pair.ShareChange is not (null or 0)).OrderByDescending(pair => Math.Abs(pair.ShareChange!.Value));

    /// <summary>Features of both, the largest change of activation first.</summary>
    public IEnumerable<ComparedPair> ByActivation() =>
        _pairs.Where(pair => pair.ActivationChange is not (null or 0)).OrderByDescending(pair => Math.Abs(pair.ActivationChange!.Value));

    /// <summary>Features, whether or not the budget took them, errors that are not 0, and tokens.</summary>
    private IEnumerable<ComparedNode> Nodes(AttributionGraph graph)
    {
        var (prompt, total) = (graph.Model.Prompt, graph.Influence.Take(graph.FirstTarget).Sum());
        double Share(int node) => total > 0 ? graph.Influence[node] / total : 0;
        var chosen = new HashSet<ActiveFeature>();
        for (var node = 0; node < graph.FirstTarget; node++)
        {
            var one = graph.Node(node);
            var (index, activation) = (one.Index, (double?)null);
            if (one.Kind == GraphNodeKind.Feature)
            {
                chosen.Add(graph.Feature(node));
                activation = graph.Feature(node).Activation;
            }
            else if (one.Kind == GraphNodeKind.Error && one.Position < graph.Model.ZeroPositions)
                continue;
            yield return new(one.Kind, one.Layer, index, one.Position, Text(prompt, one.Position), activation, Share(node));
        }
        foreach (var feature in graph.Model.Features)
            if (!chosen.Contains(feature))
                yield return new(
                    GraphNodeKind.Feature,
                    feature.Layer,
                    feature.Feature,
                    feature.Position,
                    Text(prompt, feature.Position),
                    feature.Activation,
                    null
                );
    }

    private string Text(IReadOnlyList<int> prompt, int position) => _tokenizer.Display(prompt[position]);

    private static ComparedNode[] Strongest(IEnumerable<ComparedNode> nodes) =>
        [.. nodes.OrderByDescending(node => node.Share ?? -1).ThenByDescending(node => node.Activation)];
}
