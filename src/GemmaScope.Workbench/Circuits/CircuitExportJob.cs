using GemmaScope.Circuits;
using GemmaScope.Files;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="CircuitExportJob"/> does.</summary>
public sealed record CircuitExportJobOptions
{
    /// <summary>The graph: a file of this or another program, or the name of one that is kept.</summary>
    public required string Graph { get; init; }

    /// <summary>The file to make; its ending says the form: .json (the public one), .graphml, or .csv, for which two files are made,
    /// <c>NAME.nodes.csv</c> and <c>NAME.edges.csv</c>.</summary>
    public required string Out { get; init; }

    /// <summary>Nodes are kept until they have this share of the influence; null for all.</summary>
    public double? NodeShare { get; init; }

    /// <summary>Edges are kept until they have this share of what flows; null for all.</summary>
    public double? EdgeShare { get; init; }

    /// <summary>Nodes that stay in any case, by their ids or as <see cref="CircuitNodes"/> names them.</summary>
    public IReadOnlyList<string> Keep { get; init; } = [];

    /// <summary>Whether files may be replaced.</summary>
    public bool Overwrite { get; init; }

    /// <summary>Finds out what is wrong before anything is read.</summary>
    /// <exception cref="GemmaScopeException">A share is out of range, the ending says no form, or a file is there.</exception>
    public void Check()
    {
        foreach (var (share, name) in new[] { (NodeShare, nameof(NodeShare)), (EdgeShare, nameof(EdgeShare)) })
            if (share is not (null or > 0 and <= 1))
                throw new ArgumentProblemException($"is {share}; it must be above 0 and at most 1", new Setting(name));
        if (Keep.Count > 0 && NodeShare is null && EdgeShare is null)
            throw new ArgumentProblemException("without a share nothing is left out", new Setting(nameof(Keep)));
        foreach (var file in GraphTables.Files(Out))
            AtomicFile.Check(file, Overwrite);
    }
}

/// <summary>What <see cref="CircuitExportJob"/> wrote.</summary>
/// <param name="Files">The files.</param>
/// <param name="Nodes">Nodes in them.</param>
/// <param name="Links">Edges in them.</param>
/// <param name="AllNodes">Nodes of the graph before it was pruned.</param>
/// <param name="AllLinks">Edges of the graph before it was pruned.</param>
public sealed record CircuitExportResult(IReadOnlyList<string> Files, int Nodes, int Links, int AllNodes, int AllLinks);

/// <summary>Writes a graph for other programs, pruned on request.</summary>
public static class CircuitExportJob
{
    /// <summary>Reads, prunes and writes.</summary>
    /// <param name="options">The graph and the form.</param>
    /// <param name="progress">Told what it does.</param>
    /// <param name="cancellationToken">Stops before it is written.</param>
    /// <exception cref="GemmaScopeException">There is no such graph, a setting cannot be, or a file cannot be written.</exception>
    public static Task<CircuitExportResult> RunAsync(
        CircuitExportJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        return Task.Run(
            () =>
            {
                progress.Stage("reading");
                var whole = GraphDocument.Read(SavedGraphs.Find(options.Graph));
                cancellationToken.ThrowIfCancellationRequested();
                var graph =
                    options.NodeShare is null && options.EdgeShare is null
                        ? whole
                        : whole.Prune(options.NodeShare ?? 1, options.EdgeShare ?? 1, Ids(whole, options.Keep));
                cancellationToken.ThrowIfCancellationRequested();
                GraphTables.Write(graph, options.Out, options.Overwrite);
                return new CircuitExportResult(
                    GraphTables.Files(options.Out),
                    graph.Nodes.Count,
                    graph.Links.Count,
                    whole.Nodes.Count,
                    whole.Links.Count
                );
            },
            cancellationToken
        );
    }

    /// <summary>Ids of nodes that may be named by what they are.</summary>
    private static string[] Ids(GraphDocument graph, IReadOnlyList<string> names)
    {
        if (names.Count == 0)
            return [];
        var known = graph
            .Nodes.Where(node => CircuitNodes.NameOf(graph, node) is not null)
            .ToLookup(node => CircuitNodes.NameOf(graph, node)!);
        return [.. names.Select(name => known[name].FirstOrDefault()?.NodeId ?? name)];
    }
}
