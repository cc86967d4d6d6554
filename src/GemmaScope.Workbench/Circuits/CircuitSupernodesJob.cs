using System.Text.Json;
using GemmaScope.Circuits;
using GemmaScope.Models;
using GemmaScope.Store;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="CircuitSupernodesJob"/> does.</summary>
public sealed record CircuitSupernodesJobOptions
{
    /// <summary>The prompt, the transcoders and the graph. Of a graph that exists already the text is not used.</summary>
    public required CircuitJobOptions Circuit { get; init; }

    /// <summary>A graph of this model and these transcoders that exists already; null to trace the text.</summary>
    public GraphDocument? Graph { get; init; }

    /// <summary>Texts over which it is seen which features fire alike.</summary>
    public TextBatches Texts { get; init; } = new() { Text = [Files.DemoFiles.Texts], Tokens = 20_000 };

    /// <summary>How groups are made and tested.</summary>
    public SupernodeOptions Groups { get; init; } = new();

    /// <summary>A database that knows the features, by whose labels groups are named; null for none.</summary>
    public IFeatureDatabase? Known { get; init; }

    /// <summary>Finds out what is wrong before a model is loaded.</summary>
    /// <exception cref="GemmaScopeException">A number is out of range, or a text does not exist.</exception>
    public void Check()
    {
        Circuit.Check();
        Texts.Check();
        Groups.Check();
    }
}

/// <summary>Proposes which features of a graph are one thing, and tests it by intervention (<see cref="SupernodeProposal"/>).</summary>
public static class CircuitSupernodesJob
{
    /// <summary>Traces the prompt, reads the texts, makes groups and tests them.</summary>
    /// <param name="microscope">The model.</param>
    /// <param name="options">The graph, the texts and the test.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="GemmaScopeException">As of <see cref="CircuitJob.RunAsync"/>; a graph is not of this model and these transcoders; a
    /// text cannot be read.</exception>
    public static async Task<CircuitSupernodesResult> RunAsync(
        Microscope microscope,
        CircuitSupernodesJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options.Check();
        var circuit = options.Graph is { } graph ? RetracedGraph.Options(microscope, options.Circuit, graph) : options.Circuit;
        using var opened = await OpenedCircuit.OpenAsync(microscope, circuit, progress, cancellationToken).ConfigureAwait(false);
        return await Task.Run(() => Group(microscope, circuit, options, opened, progress, cancellationToken), CancellationToken.None)
            .ConfigureAwait(false);
    }

    private static CircuitSupernodesResult Group(
        Microscope microscope,
        CircuitJobOptions circuit,
        CircuitSupernodesJobOptions options,
        OpenedCircuit opened,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var graph = opened.Graph;
        var document =
            options.Graph
            ?? graph.Prune(circuit.NodeShare, circuit.EdgeShare, cancellationToken).ToDocument(opened.Naming(microscope, circuit));
        var nodes = RetracedGraph.Nodes(graph, document, progress);
        CircuitFeature[] features = [.. nodes.Keys.Select(node => FeatureOf(graph, node)).Distinct()];
        var together = CoActivation.Measure(
            microscope.Model,
            graph.Model.Transcoders,
            features,
            options.Texts.Read(microscope.Model.Tokenizer, progress: Reading(progress)),
            cancellationToken
        );
        var found = SupernodeProposal.Find(
            graph,
            [.. nodes.Keys],
            together,
            options.Groups,
            progress is null ? null : new GroupReports(progress),
            cancellationToken
        );
        var names = new SupernodeNames(microscope, graph, document, nodes, options.Known);
        CircuitSupernode[] groups = [.. found.Select(one => Describe(graph, document, nodes, names, one))];
        return new(
            microscope.ModelName,
            document.Metadata.PromptTokens,
            nodes.Count,
            features.Count(one => together.Fired(one) < options.Groups.LeastTokens),
            together.Tokens,
            options.Texts.Name,
            options.Groups.Mode,
            groups,
            WithSupernodes(document, groups)
        );
    }

    private static CircuitSupernode Describe(
        AttributionGraph graph,
        GraphDocument document,
        IReadOnlyDictionary<int, string> nodes,
        SupernodeNames names,
        ProposedSupernode one
    ) =>
        new(
            names.Of(one.Nodes),
            [
                .. one.Nodes.Select(node =>
                {
                    var feature = graph.Feature(node);
                    return new CircuitSupernodeMember(
                        nodes[node],
                        feature.Layer,
                        feature.Feature,
                        feature.Position,
                        document.Metadata.PromptTokens[feature.Position],
                        names.Label(node)
                    );
                }),
            ],
            one.IsValidated,
            one.CoFiring,
            one.EdgeSimilarity,
            one.StandIn,
            one.ControlMean,
            one.ControlMost,
            one.Controls,
            one.BetterControls,
            one.Agreement,
            one.ControlAgreement,
            one.Joint
        );

    /// <summary>The graph with the validated groups as its saved view, behind those that it had: no node is in two.</summary>
    private static GraphDocument WithSupernodes(GraphDocument document, IReadOnlyList<CircuitSupernode> groups)
    {
        var taken = document.View.Supernodes.SelectMany(Texts).ToHashSet();
        var added = groups.Where(group => group.IsValidated && !group.Members.Any(member => taken.Contains(member.Node))).ToArray();
        return document with
        {
            View = document.View with
            {
                PinnedIds =
                [
                    .. document.View.PinnedIds.Concat(added.SelectMany(group => group.Members.Select(member => member.Node))).Distinct(),
                ],
                Supernodes =
                [
                    .. document.View.Supernodes,
                    .. added.Select(group =>
                        JsonSerializer.SerializeToElement((string[])[group.Name, .. group.Members.Select(member => member.Node)])
                    ),
                ],
            },
        };

        static IEnumerable<string> Texts(JsonElement group) =>
            group.ValueKind == JsonValueKind.Array
                ? group.EnumerateArray().Where(one => one.ValueKind == JsonValueKind.String).Select(one => one.GetString()!).Skip(1)
                : [];
    }

    private static CircuitFeature FeatureOf(AttributionGraph graph, int node) =>
        graph.Feature(node) is var one ? new(one.Layer, one.Feature) : default;

    /// <summary>Reports of the reading of texts, by a name of their own.</summary>
    private static Named? Reading(IProgress<JobReport>? progress) => progress is null ? null : new Named(progress);

    private sealed class Named(IProgress<JobReport> progress) : IProgress<JobReport>
    {
        public void Report(JobReport value) => progress.Report(value is JobStage stage ? stage with { Name = "reading" } : value);
    }

    private sealed class GroupReports(IProgress<JobReport> progress) : IProgress<(int Done, int Total)>
    {
        public void Report((int Done, int Total) value) => progress.Report(new JobStage("testing", value.Done, value.Total, "groups"));
    }
}
