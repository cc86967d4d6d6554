using GemmaScope.Models;

namespace GemmaScope.Circuits;

/// <summary>Settings of <see cref="CircuitFaithfulness"/>.</summary>
public sealed record FaithfulnessOptions
{
    /// <summary>Random orders of the features, as control; from 0.</summary>
    public int RandomOrders { get; init; } = 5;

    /// <summary>Seed of their choice.</summary>
    public int Seed { get; init; }

    /// <summary>Whether circuits of neurons are measured too.</summary>
    public bool Neurons { get; init; } = true;
}

/// <summary>How far a measurement is.</summary>
/// <param name="Runs">Runs of the model that are done.</param>
/// <param name="Total">Runs there will be at most.</param>
public readonly record struct FaithfulnessProgress(int Runs, int Total);

/// <summary>How much of what the model does circuits of rising size do alone.</summary>
/// <param name="Full">m of the whole model: the mean of the graph's targets, by their weights.</param>
/// <param name="ReferenceTokens">Positions that means were taken over.</param>
/// <param name="Curves">Features, and what they are compared with.</param>
public sealed record CircuitFaithfulnessResult(double Full, long ReferenceTokens, IReadOnlyList<FaithfulnessCurve> Curves);

/// <summary>
/// Keeps the best nodes of a graph and puts the mean over reference texts in the place of all others, in the model as it is, with nothing
/// frozen (<see cref="FaithfulnessCurve"/>). A published comparison (MIB, arXiv 2504.13151) found features of sparse autoencoders no better
/// than neurons; beside features stand random ones and neurons.
/// </summary>
public static class CircuitFaithfulness
{
    /// <summary>More neurons than these are not ranked.</summary>
    private const int MostNeurons = 100_000_000;

    /// <summary>Measures circuits of all sizes.</summary>
    /// <param name="graph">The graph: its features are the nodes, its targets what is measured.</param>
    /// <param name="means">What stands for nodes that are not kept.</param>
    /// <param name="options">Controls; null for the defaults.</param>
    /// <param name="progress">Told after each run.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="ArgumentProblemException">No feature fires, or a number is out of range.</exception>
    public static CircuitFaithfulnessResult Measure(
        AttributionGraph graph,
        ReferenceMeans means,
        FaithfulnessOptions? options = null,
        IProgress<FaithfulnessProgress>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(means);
        options ??= new();
        if (options.RandomOrders < 0)
            throw new ArgumentProblemException($"is {options.RandomOrders}; it must be 0 or more", nameof(options.RandomOrders));
        var model = graph.Model;
        if (model.Features.Count == 0)
            throw new ArgumentProblemException("no feature fires in this text, so that there is no circuit to keep", "text");
        var target = Measured(graph).Resolve(model);
        var (features, bare) = (new FeatureCircuit(model, means, errorsKept: true), new FeatureCircuit(model, means, errorsKept: false));
        var neurons = options.Neurons && NeuronCircuit.Nodes(model) is > 0 and <= MostNeurons ? new NeuronCircuit(model, means) : null;

        var gradients = GradientsOf(model, target, neurons is not null, cancellationToken);
        double[] byGraph = ByGraph(graph, features, cancellationToken),
            byGradient,
            ofNeurons;
        try
        {
            (byGradient, ofNeurons) = (features.Scores(gradients), neurons?.Scores(gradients, cancellationToken) ?? []);
        }
        finally
        {
            foreach (var one in gradients)
                one.Dispose();
        }

        var runs = new CircuitRuns(model, target, progress, cancellationToken);
        var sizes = runs.Sizes(features.Count);
        List<Func<FaithfulnessCurve>> curves =
        [
            () => runs.Curve(FaithfulnessKind.Features, features, byGraph, sizes),
            () => runs.Curve(FaithfulnessKind.FeaturesByGradient, features, byGradient, sizes),
        ];
        runs.Expect(2, sizes.Count);
        if (options.RandomOrders > 0)
            curves.Add(() => runs.Random(features, options.RandomOrders, options.Seed, sizes));
        runs.Expect(options.RandomOrders, sizes.Count);
        curves.Add(() => runs.Curve(FaithfulnessKind.FeaturesWithoutErrors, bare, byGraph, sizes));
        runs.Expect(2, sizes.Count);
        if (neurons is not null)
        {
            curves.Add(() => runs.Curve(FaithfulnessKind.Neurons, neurons, ofNeurons, runs.Sizes(neurons.Count)));
            curves.Add(() => runs.Curve(FaithfulnessKind.AsManyNeurons, neurons, ofNeurons, sizes));
            runs.Expect(4, sizes.Count);
        }
        return new(target.Value, means.Tokens, [.. curves.Select(curve => curve())]);
    }

    /// <summary>One number for all targets: their mean, by their weights.</summary>
    internal static CircuitTarget Measured(AttributionGraph graph)
    {
        var total = graph.Targets.Sum(target => target.Weight);
        return CircuitTarget.Sum(
            "targets",
            [.. graph.Targets.Select(target => (target, total > 0 ? target.Weight / total : 1.0 / graph.Targets.Count))]
        );
    }

    /// <summary>What each feature adds to the number along all paths of the graph, as much as ablation takes away; 0 for those that a budget
    /// left out.</summary>
    private static double[] ByGraph(AttributionGraph graph, FeatureCircuit features, CancellationToken cancellationToken)
    {
        var scores = new double[features.Count];
        var effects = GraphPropagation.Total(graph, cancellationToken);
        for (var node = 0; node < graph.FeatureCount; node++)
            scores[graph.Chosen[node]] = effects[node] * features.Ablated(graph.Feature(node));
        return scores;
    }

    /// <summary>The gradient of the number in the model as it is, for each site that the target reads.</summary>
    internal static IReadOnlyList<Gradients> GradientsOf(
        ReplacementModel model,
        RowTarget target,
        bool neurons,
        CancellationToken cancellationToken
    )
    {
        Site[] sites =
        [
            .. Enumerable.Range(0, model.Layers).Select(Site.MlpOut),
            .. neurons ? model.Transcoders.Layers.Select(NeuronCircuit.Site) : [],
        ];
        return
        [
            .. target
                .Injections.GroupBy(one => one.Site)
                .Select(group =>
                    model.Model.Gradients(
                        model.Tokens,
                        GradientTarget.Function(
                            group.Key,
                            (activations, gradient) =>
                            {
                                foreach (var one in group)
                                    System.Numerics.Tensors.TensorPrimitives.Add(
                                        gradient.Row(one.Position),
                                        one.Vector,
                                        gradient.Row(one.Position)
                                    );
                                return 0;
                            }
                        ),
                        sites,
                        arithmetic: Numerics.Arithmetic.Exact,
                        cancellationToken: cancellationToken
                    )
                ),
        ];
    }
}
