using System.Globalization;
using GemmaScope.Circuits;

namespace GemmaScope.Workbench;

/// <summary>A graph that comes from a file, traced again: what was kept of it is too little to test it on the model.</summary>
internal static class RetracedGraph
{
    /// <summary>What traces the prompt of a graph and explains what it explains.</summary>
    /// <exception cref="ArgumentProblemException">The prompt cannot be read back from the graph.</exception>
    public static CircuitJobOptions Options(Microscope microscope, CircuitJobOptions circuit, GraphDocument graph)
    {
        var tokenizer = microscope.Model.Tokenizer;
        var (tokens, addBos) = (graph.Metadata.PromptTokens, circuit.AddBos);
        addBos &= tokenizer.BosId is { } bos && tokens.Count > 0 && tokens[0] == tokenizer.Display(bos);
        var text = string.Concat(tokens.Skip(addBos ? 1 : 0));
        if (!tokenizer.Encode(text, addBos).Select(tokenizer.Display).SequenceEqual(tokens))
            throw new ArgumentProblemException(
                $"the prompt of the graph is of another tokenizer than that of {microscope.ModelName}; name the model it was made with",
                graph.Metadata.Slug
            );
        return circuit with { Text = text, AddBos = addBos, Targets = circuit.Targets.Count > 0 ? circuit.Targets : Targets(graph) };
    }

    /// <summary>The features of the graph that a file has, each with its id there.</summary>
    /// <exception cref="ArgumentProblemException">The file has features, and none of them fires in this model.</exception>
    public static IReadOnlyDictionary<int, string> Nodes(AttributionGraph graph, GraphDocument document, IProgress<JobReport>? progress)
    {
        var known = Enumerable
            .Range(0, graph.FeatureCount)
            .ToDictionary(node => graph.Feature(node) is var one ? (one.Layer, (long)one.Feature, one.Position) : default);
        var (nodes, missing) = (new SortedDictionary<int, string>(), 0);
        foreach (var node in document.Nodes)
            if (document.FeatureOf(node) is not var (layer, index))
                continue;
            else if (known.TryGetValue((layer, index, node.Position), out var found))
                nodes.TryAdd(found, node.NodeId);
            else
                missing++;
        if (nodes.Count == 0 && missing > 0)
            throw new ArgumentProblemException(
                $"none of its {missing} features fires in this model; name the transcoders it was made with",
                document.Metadata.Slug
            );
        if (missing > 0)
            progress.Note($"{missing} features of the graph do not fire in this model, or are beyond the budget, and are left alone.");
        return nodes;
    }

    /// <summary>The tokens that a graph explains, where all its targets are tokens that are not simply the likeliest.</summary>
    private static string[] Targets(GraphDocument graph)
    {
        GraphDocumentNode[] targets = [.. graph.Nodes.Where(node => node.Kind == GraphNodeKind.Target)];
        return targets.All(node => node is { Feature: not null, Probability: 1 })
            ? [.. targets.Select(node => string.Create(CultureInfo.InvariantCulture, $"#{node.Feature}"))]
            : [];
    }
}
