using GemmaScope.Circuits;
using GemmaScope.Files;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="CircuitImportJob"/> does.</summary>
public sealed record CircuitImportJobOptions
{
    /// <summary>The graph, of this or another program (.json, also .gz, .zst).</summary>
    public required string Graph { get; init; }

    /// <summary>The folder it is kept in; null for the user's own graphs.</summary>
    public string? To { get; init; }

    /// <summary>What it is called there; null for the name it has.</summary>
    public string? Name { get; init; }

    /// <summary>Whether a graph of this name may be replaced.</summary>
    public bool Overwrite { get; init; }
}

/// <summary>What <see cref="CircuitImportJob"/> kept.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="File">Where it is.</param>
/// <param name="Graph">What is in it.</param>
public sealed record CircuitImportResult(string Name, string File, GraphSummary Graph);

/// <summary>Keeps a graph of this or another program among a user's own, where the microscope shows it.</summary>
public static class CircuitImportJob
{
    /// <summary>Reads the graph, finds out whether it is whole, and keeps it.</summary>
    /// <param name="options">The graph and where it goes.</param>
    /// <param name="progress">Told what it does.</param>
    /// <param name="cancellationToken">Stops before it is written.</param>
    /// <exception cref="GemmaScopeException">It is no whole graph, one of this name is there, or it cannot be written.</exception>
    public static Task<CircuitImportResult> RunAsync(
        CircuitImportJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(options);
        return Task.Run(
            () =>
            {
                var folder = SavedGraphs.Folder(options.To);
                progress.Stage("reading");
                var graph = GraphDocument.Read(options.Graph);
                cancellationToken.ThrowIfCancellationRequested();
                var name = SavedGraphs.Safe(options.Name ?? graph.Metadata.Slug);
                var file = SavedGraphs.FileOf(folder, name);
                if (!options.Overwrite && File.Exists(file))
                    throw new ArgumentProblemException(
                        $"a graph {name} is kept already",
                        file,
                        remedy: new Remedy(
                            $"give it another name ({new Setting(nameof(options.Name))}), or replace that one ({new Setting(nameof(options.Overwrite))})"
                        )
                    );
                (graph with { Metadata = graph.Metadata with { Slug = name } }).Write(file, options.Overwrite);
                return new CircuitImportResult(name, file, GraphSummary.Of(graph, 1));
            },
            cancellationToken
        );
    }
}
