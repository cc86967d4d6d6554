using GemmaScope.Circuits;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>Traces how a prompt leads to the next word: the attribution graph of its features.</summary>
public static class CircuitJob
{
    /// <summary>Computes and prunes the graph.</summary>
    /// <param name="microscope">The model; dictionaries of it are not used.</param>
    /// <param name="options">The prompt, the transcoders, and what is explained.</param>
    /// <param name="progress">Told how many rows are done.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="GemmaScopeException">A setting is out of range, the file of rows is of another job, the text too short or too long, a target does not exist, or the
    /// transcoders cannot be read or are of another model.</exception>
    public static async Task<CircuitResult> RunAsync(
        Microscope microscope,
        CircuitJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        using var opened = await OpenedCircuit
            .OpenAsync(microscope, options, progress, cancellationToken, keepsRows: true)
            .ConfigureAwait(false);
        return await Task.Run(() => Result(microscope, options, opened, progress, cancellationToken), CancellationToken.None)
            .ConfigureAwait(false);
    }

    /// <summary>Removes the rows that a job kept, when its graph is where it is to be.</summary>
    public static void RemoveRows(CircuitJobOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        try
        {
            if (options.RowsFile is { } file)
                File.Delete(file);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            // The graph is there; what is left over is named after it, and is replaced or taken next time.
        }
    }

    private static CircuitResult Result(
        Microscope microscope,
        CircuitJobOptions options,
        OpenedCircuit opened,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var (graph, model) = (opened.Graph, opened.Model);
        // Without features there is nothing to turn off.
        var check =
            options.WithCheck && graph.FeatureCount > 0
                ? CircuitChecks.Measure(microscope, new() { Circuit = options, Curve = true }, graph, progress, cancellationToken).Check
                : null;
        var pruned = graph.Prune(options.NodeShare, options.EdgeShare, cancellationToken);
        var document = pruned.ToDocument(opened.Naming(microscope, options));
        document = check?.Into(document) ?? document;
        var ends = document.Nodes.Where(node => node.Kind == GraphNodeKind.Target).ToArray();
        return new CircuitResult(
            microscope.ModelName,
            [.. model.Transcoders.Dictionaries.Select(one => one.Name)],
            model.Transcoders.MissingLayers,
            document.Metadata.PromptTokens,
            model.ZeroPositions,
            model.Features.Count,
            graph.FeatureCount,
            pruned.Nodes.Count,
            pruned.Edges.Count,
            graph.ReplacementScore,
            graph.CompletenessScore,
            graph.IdentityError,
            graph.IsComplete,
            [
                .. graph.Targets.Select(
                    (target, i) =>
                        new CircuitTargetResult(
                            target.Name,
                            target.Weight,
                            graph.Value(graph.FirstTarget + i),
                            Paths(document, ends[i], options.Paths)
                        )
                ),
            ],
            document,
            check
        );
    }

    /// <summary>The strongest paths to a node of a graph.</summary>
    internal static IReadOnlyList<CircuitPathResult> Paths(GraphDocument graph, GraphDocumentNode target, int most) =>
        most == 0 ? [] : [.. GraphPaths.Strongest(graph, target, most).Select(path => CircuitPathResult.Of(graph, path))];
}
