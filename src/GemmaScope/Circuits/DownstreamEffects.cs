using GemmaScope.Models;

namespace GemmaScope.Circuits;

/// <summary>
/// What a change of features does to everything behind them that counts, as one vector. A later feature of the graph and a target: the
/// change of its value as a share of all that is added up to it, times its influence. A likely next token: the change of its
/// log-probability times the root of its probability (so that the square is twice the divergence, to second order), as a share of what the
/// targets are made of. In the constrained model the part of a feature is minus its edge as a share of the targets' weight.
/// </summary>
internal sealed class DownstreamEffects
{
    private const int Tokens = 100;

    private readonly AttributionGraph _graph;
    private readonly InterventionMode _mode;
    private readonly RowTarget[] _targets;
    private readonly double[] _shares;
    private readonly int[] _nodes,
        _tokens;
    private readonly double[] _roots;
    private readonly double[] _clean;
    private readonly Site[] _sites;
    private readonly Dictionary<int, double[]> _ablated = [];

    /// <param name="graph">The graph.</param>
    /// <param name="nodes">Its features that are looked at.</param>
    /// <param name="mode">What stays as it was.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    public DownstreamEffects(AttributionGraph graph, IReadOnlyList<int> nodes, InterventionMode mode, CancellationToken cancellationToken)
    {
        (_graph, _mode) = (graph, mode);
        _nodes = [.. nodes, .. Enumerable.Range(graph.FirstTarget, graph.Targets.Count)];
        _targets =
        [
            .. nodes.Select(node => RowTarget.Of(graph.Model, graph.Chosen[node])),
            .. graph.Targets.Select(target => target.Resolve(graph.Model)),
        ];
        _sites = [.. _targets.SelectMany(target => target.Injections.Select(one => one.Site)).Distinct()];
        _shares = new double[_nodes.Length];
        double made = 0,
            weight = 0;
        var row = new float[graph.FirstTarget];
        for (var i = 0; i < _nodes.Length; i++)
        {
            graph.Row(_nodes[i], row);
            _shares[i] = EdgeProfiles.NodeShare(graph, _nodes[i], row);
            if (_nodes[i] < graph.FirstTarget)
                continue;
            var own = graph.Targets[_nodes[i] - graph.FirstTarget].Weight;
            (made, weight) = (made + own * GraphInfluence.Sum(row, null), weight + own);
        }
        var logits = graph.Model.LastLogits[..graph.Model.Model.Config.RealVocabulary];
        _tokens = [.. new TopTokens().Select(logits, Math.Min(Tokens, logits.Length)).ToArray().Select(TopTokens.Id)];
        // weight / (made / weight): as for one target of all the weight, made as the targets are on average.
        var unit = made > 0 ? weight * weight / made : 0;
        var total = ModelRun.LogSumExp(logits);
        _roots = Array.ConvertAll(_tokens, token => Math.Exp((graph.Model.LastLogits[token] - total) / 2) * unit);
        _clean = Values([], cancellationToken);
    }

    /// <summary>How many runs were made.</summary>
    public int Runs { get; private set; }

    /// <summary>Numbers of a vector.</summary>
    public int Length => _nodes.Length + _tokens.Length;

    /// <summary>Which numbers tell of what lies behind some features: nodes of later layers, targets, tokens.</summary>
    public bool[] Behind(IReadOnlyCollection<int> nodes)
    {
        var last = nodes.Max(node => _graph.Feature(node).Layer);
        return [.. Enumerable.Range(0, Length).Select(i => i >= _nodes.Length || _graph.Node(_nodes[i]).Layer > last)];
    }

    /// <summary>The effect of turning one feature off.</summary>
    public double[] Ablated(int node, CancellationToken cancellationToken)
    {
        if (!_ablated.TryGetValue(node, out var effect))
            _ablated[node] = effect = Of([Scaled(node, 0)], cancellationToken);
        return effect;
    }

    /// <summary>The effect of some changes.</summary>
    public double[] Of(IReadOnlyList<FeatureChange> changes, CancellationToken cancellationToken)
    {
        var values = Values(changes, cancellationToken);
        for (var i = 0; i < values.Length; i++)
            values[i] = (values[i] - _clean[i]) * (i < _nodes.Length ? _shares[i] : _roots[i - _nodes.Length]);
        return values;
    }

    /// <summary>A feature of the graph times a factor, where its node is.</summary>
    public FeatureChange Scaled(int node, double factor)
    {
        var one = _graph.Feature(node);
        return FeatureChange.Scale(one.Layer, one.Feature, factor, Positions.At(one.Position));
    }

    private double[] Values(IReadOnlyList<FeatureChange> changes, CancellationToken cancellationToken)
    {
        Runs++;
        using var run = Intervention.Run(
            _graph.Model,
            changes,
            _mode,
            capture: _sites,
            logits: LogitRows.Last,
            cancellationToken: cancellationToken
        );
        var logits = run.LastLogits()[.._graph.Model.Model.Config.RealVocabulary];
        var total = ModelRun.LogSumExp(logits);
        var values = new double[Length];
        for (var i = 0; i < _targets.Length; i++)
            values[i] = _targets[i].Measure(run);
        for (var i = 0; i < _tokens.Length; i++)
            values[_targets.Length + i] = logits[_tokens[i]] - total;
        return values;
    }
}
