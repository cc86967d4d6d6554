using System.Numerics.Tensors;

namespace GemmaScope.Circuits;

/// <summary>
/// An attribution graph (METHODS §4.5): how features, errors and token embeddings add up to each other's pre-activations and to the targets
/// of one prompt. Nodes are numbered: features by layer, position and index, errors by layer and position, tokens, targets. Rows lie in
/// memory or in a temporary file and are read one at a time; the graph must be disposed before its <see cref="ReplacementModel"/>.
/// </summary>
public sealed class AttributionGraph : IDisposable
{
    /// <summary>The largest error of the identity, relative to max(1, |value|), of a graph that is complete.</summary>
    public const double IdentityTolerance = 1e-4;

    private readonly AttributionBuilder _built;
    private readonly StoredRows _rows;
    private readonly int[] _chosen;
    private readonly GraphInfluence _influence;

    private AttributionGraph(AttributionBuilder built, int[] order)
    {
        (_built, Order) = (built, order);
        _chosen = [.. order.Order()];
        _rows = new StoredRows(
            built.Store,
            built.Model,
            built.Targets.Count,
            _chosen.Length == built.Model.Features.Count ? null : _chosen
        );
        _influence = GraphInfluence.Of(_rows, Weights);
    }

    /// <summary>The prompt and its replacement model.</summary>
    public ReplacementModel Model => _built.Model;

    /// <summary>What it explains.</summary>
    public IReadOnlyList<CircuitTarget> Targets => _built.Targets;

    /// <summary>Number of nodes.</summary>
    public int NodeCount => _rows.Nodes;

    /// <summary>How many of them are features; they come first.</summary>
    public int FeatureCount => _rows.Features;

    /// <summary>How many are errors; they follow the features.</summary>
    public int ErrorCount => _rows.Errors;

    /// <summary>How many are tokens; they follow the errors. Targets come last.</summary>
    public int TokenCount => _rows.Tokens;

    /// <summary>The number of the first target.</summary>
    public int FirstTarget => _rows.Sources;

    /// <summary>Whether features were left out because of the budget.</summary>
    public bool IsReduced => _chosen.Length < Model.Features.Count;

    /// <summary>Σ contributions + biases − value, its largest amount over all rows.</summary>
    public double IdentityError => _built.IdentityError;

    /// <summary>The same, relative to max(1, |value|).</summary>
    public double RelativeIdentityError => _built.RelativeIdentityError;

    /// <summary>Whether the identity holds, so that the graph is the whole computation: nothing is lost or counted twice.</summary>
    public bool IsComplete => RelativeIdentityError <= IdentityTolerance;

    /// <summary>The influence of each node on the targets (METHODS §4.5 step 8).</summary>
    public IReadOnlyList<double> Influence => _influence.Influence;

    /// <summary>Share of the targets' weight that comes from tokens and not from errors, from 0 to 1 (METHODS §4.5 step 10).</summary>
    public double ReplacementScore => _influence.Replacement;

    /// <summary>Share of the contributions to nodes, weighted by influence, that no error makes (METHODS §4.5 step 10).</summary>
    public double CompletenessScore => _influence.Completeness;

    /// <summary>The chosen features in the order in which they were chosen, as numbers in <see cref="ReplacementModel.Features"/>.</summary>
    internal int[] Order { get; }

    /// <summary>The chosen features rising.</summary>
    internal IReadOnlyList<int> Chosen => _chosen;

    internal GraphRows Rows => _rows;

    internal double[] Weights => [.. Targets.Select(target => target.Weight)];

    /// <summary>Computes the graph of some targets.</summary>
    /// <param name="model">The prompt.</param>
    /// <param name="targets">What is explained; all belong to one graph.</param>
    /// <param name="options">Budget and memory; null for the defaults.</param>
    /// <param name="progress">Told of every batch of rows.</param>
    /// <param name="cancellationToken">Stops between layers of a batch.</param>
    /// <exception cref="ArgumentProblemException">There is no target, one does not exist in this prompt, or a setting is out of
    /// range.</exception>
    public static AttributionGraph Compute(
        ReplacementModel model,
        IReadOnlyList<CircuitTarget> targets,
        AttributionOptions? options = null,
        IProgress<AttributionProgress>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(targets);
        var builder = new AttributionBuilder(model, targets, options ?? new(), progress, cancellationToken);
        try
        {
            return new AttributionGraph(builder, builder.Execute());
        }
        catch
        {
            builder.Dispose();
            throw;
        }
    }

    /// <summary>What a node is.</summary>
    public GraphNode Node(int node)
    {
        var tokens = TokenCount;
        if (node < FeatureCount)
            return Feature(node) is var one ? new(GraphNodeKind.Feature, one.Layer, one.Position, one.Feature) : default;
        if (node < FeatureCount + ErrorCount)
            return new(GraphNodeKind.Error, (node - FeatureCount) / tokens, (node - FeatureCount) % tokens, -1);
        if (node < FirstTarget)
            return node - FeatureCount - ErrorCount is var position
                ? new(GraphNodeKind.Token, -1, position, Model.Tokens[position])
                : default;
        return new(GraphNodeKind.Target, Model.Layers, Targets[node - FirstTarget].Position ?? tokens - 1, node - FirstTarget);
    }

    /// <summary>The feature of a node below <see cref="FeatureCount"/>.</summary>
    public ActiveFeature Feature(int node) => Model.Features[_chosen[node]];

    /// <summary>What each source contributes to a node's value: [<see cref="FirstTarget"/>]. Zeros for errors and tokens, which have no
    /// sources. Not for several threads at once.</summary>
    /// <exception cref="ArgumentProblemException">There is no such node, or the row has another length.</exception>
    public void Row(int node, Span<float> row)
    {
        if ((uint)node >= (uint)NodeCount || row.Length != FirstTarget)
            throw new ArgumentProblemException($"node {node} of {NodeCount}, room for {row.Length} of {FirstTarget} numbers", "node");
        if (node >= FeatureCount && node < FirstTarget)
            row.Clear();
        else
            _rows.Read(node, row);
    }

    /// <summary>What reaches a feature or target beside its row.</summary>
    public GraphBias Bias(int node)
    {
        var facts = Facts(node);
        var row = new float[FirstTarget];
        double kept = 0;
        Row(node, row);
        foreach (var part in row)
            kept += part;
        return new(facts.EncoderBias, facts.DecoderBias, facts.Zeroed, IsReduced ? facts.Total - kept : 0);
    }

    /// <summary>The value of a feature (its pre-activation) or target in the run.</summary>
    public double Value(int node) => Facts(node).Value;

    /// <summary>What each source adds to a target along all ways, [<see cref="FirstTarget"/>]: by its edge, and through features, each of
    /// which hands on what it receives in proportion to its activation. Turned off alone, a feature is predicted to change the target by
    /// minus this where attention and norms stay as they were.</summary>
    /// <param name="target">Number of the target, from 0.</param>
    /// <param name="cancellationToken">Stops between rows.</param>
    /// <exception cref="ArgumentProblemException">There is no such target.</exception>
    public double[] TotalContributions(int target, CancellationToken cancellationToken = default) =>
        (uint)target < (uint)Targets.Count
            ? GraphPropagation.Totals(this, [.. Targets.Select((_, i) => i == target ? 1.0 : 0)], cancellationToken)
            : throw new ArgumentProblemException($"target {target} of {Targets.Count}", nameof(target));

    /// <summary>Prunes the graph (METHODS §4.5 step 9).</summary>
    /// <param name="nodeShare">Nodes stay whose influence reaches this share together, above 0 and at most 1.</param>
    /// <param name="edgeShare">The same for edges.</param>
    /// <param name="cancellationToken">Stops between rows.</param>
    /// <exception cref="ArgumentProblemException">A share is out of range.</exception>
    public PrunedGraph Prune(double nodeShare = 0.8, double edgeShare = 0.98, CancellationToken cancellationToken = default)
    {
        foreach (var share in (double[])[nodeShare, edgeShare])
            if (share is not (> 0 and <= 1))
                throw new ArgumentProblemException($"is {share}; it must be above 0 and at most 1", "share");
        return new(
            this,
            GraphPruning.Of(_rows, Weights, _influence.Influence, nodeShare, edgeShare, cancellationToken),
            GraphPruning.Cumulative(_influence.Influence),
            nodeShare,
            edgeShare
        );
    }

    /// <summary>Frees the rows.</summary>
    public void Dispose() => _built.Dispose();

    private RowFacts Facts(int node) =>
        node < FeatureCount ? _built.Facts[_chosen[node]]
        : node >= FirstTarget && node < NodeCount ? _built.Facts[Model.Features.Count + node - FirstTarget]
        : throw new ArgumentProblemException($"node {node} is no feature or target", "node");
}
