using System.Text.Json;
using GemmaScope.Circuits;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="CircuitGraphCheckJob"/> does.</summary>
public sealed record CircuitGraphCheckJobOptions
{
    /// <summary>The graph, of this program or another.</summary>
    public required GraphDocument Graph { get; init; }

    /// <summary>The transcoders; none for those that the graph names, or the demo model's own.</summary>
    public IReadOnlyList<string> Transcoders { get; init; } = [];

    /// <summary>Where the transcoders read, of files that do not say it; null to take their word.</summary>
    public string? Site { get; init; }

    /// <summary>Positions at the start that count as constants, from 1; null for what the graph says.</summary>
    public int? ZeroPositions { get; init; }

    /// <summary>How many features are turned off, and whether circuits are measured; its <see cref="CircuitCheckJobOptions.Circuit"/> does not
    /// count.</summary>
    public CircuitCheckJobOptions Check { get; init; } = new() { Circuit = new() { Text = "" } };
}

/// <summary>Proves a graph that comes from a file: turns its features off in its model and compares what happens with what its edges say.</summary>
public static class CircuitGraphCheckJob
{
    /// <summary>Runs the graph's prompt, and measures in all three modes.</summary>
    /// <param name="microscope">The model that the graph was made with.</param>
    /// <param name="options">The graph, its transcoders, and how many features are turned off.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="GemmaScopeException">A setting is out of range, the transcoders cannot be found, the graph is of another model or of
    /// other transcoders, or it has no target that is known.</exception>
    public static async Task<CircuitCheckResult> RunAsync(
        Microscope microscope,
        CircuitGraphCheckJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(microscope);
        ArgumentNullException.ThrowIfNull(options);
        var (graph, origin) = (options.Graph, GraphOrigin.Of(options.Graph));
        options.Check.Check();
        var circuit = new CircuitJobOptions
        {
            Text = graph.Metadata.Prompt,
            Transcoders = options.Transcoders.Count > 0 ? options.Transcoders : origin?.Transcoders ?? [],
            Site = options.Site ?? origin?.Site,
            Targets = origin?.Targets ?? [],
            ZeroPositions = options.ZeroPositions ?? GraphPrompt.ZeroPositions(graph),
        };
        var tokens = GraphPrompt.Tokens(graph, origin, microscope);
        using var opened = await OpenedReplacement
            .OpenAsync(microscope, circuit, progress, cancellationToken, tokens)
            .ConfigureAwait(false);
        return await Task.Run(
                () => Measure(microscope, options, circuit, opened.Model, progress, cancellationToken),
                CancellationToken.None
            )
            .ConfigureAwait(false);
    }

    private static CircuitCheckResult Measure(
        Microscope microscope,
        CircuitGraphCheckJobOptions options,
        CircuitJobOptions circuit,
        ReplacementModel model,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var (graph, check) = (options.Graph, options.Check);
        var activations = GraphRecheck.Activations(graph, model);
        if (activations.Firing == 0)
            throw new ArgumentProblemException(
                activations.Features == 0
                    ? "the graph has no feature that could be turned off"
                    : $"none of the graph's {activations.Features} features fires in this model with these transcoders; it was made with others",
                new Setting(nameof(options.Transcoders))
            );
        if (activations.Firing < activations.Features)
            progress.Note(
                $"{activations.Features - activations.Firing} of the graph's {activations.Features} features do not fire here, as the graph says "
                    + "they do; was it made with these transcoders?"
            );
        var names = graph
            .Nodes.Where(node => node.Kind == GraphNodeKind.Target)
            .Select(node => node.Label.Length > 0 ? node.Label : node.NodeId)
            .ToArray();
        var targets = GraphPrompt.Targets(graph, circuit, model, microscope, progress);
        var (agreement, effects) = CircuitChecks.InAllModes(
            Math.Min(check.Strongest + check.Random, activations.Firing),
            progress,
            (mode, report) =>
                GraphRecheck.Measure(graph, model, targets, mode, check.Strongest, check.Random, check.Seed, report, cancellationToken)
        );
        return new(
            microscope.ModelName,
            names,
            Number("replacement_score"),
            Number("completeness_score"),
            GraphOrigin.Info(graph, "identity_holds") is not { ValueKind: JsonValueKind.False },
            agreement,
            CircuitChecks.Effects(effects, names, model, microscope.Model.Tokenizer),
            check.Curve ? Curves() : null,
            activations
        );

        double Number(string field) =>
            GraphOrigin.Info(graph, field) is { ValueKind: JsonValueKind.Number } number ? number.GetDouble() : double.NaN;

        // Files hold what was pruned; the order of all features needs the rows of all.
        CircuitFaithfulnessResult Curves()
        {
            using var whole = AttributionGraph.Compute(
                model,
                [.. targets.OfType<CircuitTarget>()],
                new() { MaxFeatures = circuit.Budget },
                cancellationToken: cancellationToken
            );
            return CircuitChecks.Curves(microscope, check, whole, progress, cancellationToken);
        }
    }
}
