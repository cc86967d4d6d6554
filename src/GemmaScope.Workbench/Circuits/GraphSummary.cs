using GemmaScope.Circuits;

namespace GemmaScope.Workbench;

/// <summary>A graph file in a few lines: what is in it and the strongest ways to each target.</summary>
/// <param name="Slug">Its name.</param>
/// <param name="Model">The model, as the program that made it names it.</param>
/// <param name="Prompt">The prompt.</param>
/// <param name="Features">Nodes that are features.</param>
/// <param name="Errors">Nodes that are errors.</param>
/// <param name="Tokens">Nodes that are tokens.</param>
/// <param name="Links">Edges.</param>
/// <param name="Targets">The targets and the strongest ways to them.</param>
/// <param name="Check">What interventions said of it when it was made; null where the file does not carry that.</param>
public sealed record GraphSummary(
    string Slug,
    string Model,
    string Prompt,
    int Features,
    int Errors,
    int Tokens,
    int Links,
    IReadOnlyList<GraphTargetSummary> Targets,
    GraphCheck? Check = null
)
{
    /// <summary>Sums a graph up.</summary>
    /// <param name="graph">The graph, of any program.</param>
    /// <param name="paths">Paths of each target, from 0.</param>
    /// <exception cref="ArgumentProblemException">The number is negative.</exception>
    public static GraphSummary Of(GraphDocument graph, int paths = 3)
    {
        ArgumentNullException.ThrowIfNull(graph);
        if (paths < 0)
            throw new ArgumentProblemException($"is {paths}; it must be 0 or more", new Setting("Paths"));
        int Count(GraphNodeKind kind) => graph.Nodes.Count(node => node.Kind == kind);
        return new(
            graph.Metadata.Slug,
            graph.Metadata.Scan,
            graph.Metadata.Prompt,
            Count(GraphNodeKind.Feature),
            Count(GraphNodeKind.Error),
            Count(GraphNodeKind.Token),
            graph.Links.Count,
            [
                .. GraphPaths
                    .Targets(graph)
                    .Select(target => new GraphTargetSummary(
                        CircuitPathResult.Text(graph, target),
                        CircuitJob.Paths(graph, target, paths)
                    )),
            ],
            GraphCheck.Of(graph)
        );
    }
}

/// <summary>A target of a graph file.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Paths">The strongest ways to it, the strongest first.</param>
public sealed record GraphTargetSummary(string Name, IReadOnlyList<CircuitPathResult> Paths);
