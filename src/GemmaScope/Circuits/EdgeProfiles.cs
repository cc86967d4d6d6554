namespace GemmaScope.Circuits;

/// <summary>
/// How alike the edges of features are: the cosine of what they contribute to later nodes, each weighed by what that node matters to the
/// targets, and the cosine of what earlier nodes contribute to them. Of two features of different layers only nodes count that both can
/// lead to or come from.
/// </summary>
internal sealed class EdgeProfiles
{
    private readonly AttributionGraph _graph;
    private readonly int[] _nodes,
        _rows;
    private readonly float[][] _into,
        _out;

    /// <param name="graph">The graph.</param>
    /// <param name="nodes">Features, rising.</param>
    /// <param name="cancellationToken">Stops between rows.</param>
    public EdgeProfiles(AttributionGraph graph, int[] nodes, CancellationToken cancellationToken)
    {
        (_graph, _nodes) = (graph, nodes);
        _rows = [.. nodes, .. Enumerable.Range(graph.FirstTarget, graph.Targets.Count)];
        _into = new float[nodes.Length][];
        _out = [.. nodes.Select(_ => new float[_rows.Length])];
        var row = new float[graph.FirstTarget];
        for (var r = 0; r < _rows.Length; r++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            graph.Row(_rows[r], row);
            if (r < nodes.Length)
                _into[r] = [.. row];
            var share = NodeShare(graph, _rows[r], row);
            for (var i = 0; i < nodes.Length; i++)
                _out[i][r] = (float)(row[nodes[i]] * share);
        }
    }

    /// <summary>What a unit of a row counts: (influence + weight) / Σ |contributions|.</summary>
    public static double NodeShare(AttributionGraph graph, int node, ReadOnlySpan<float> row) =>
        (graph.Influence[node] + (node >= graph.FirstTarget ? graph.Targets[node - graph.FirstTarget].Weight : 0))
        / Math.Max(GraphInfluence.Sum(row, null), GraphInfluence.Floor);

    /// <summary>The cosine of what they lead to, or the mean of both cosines where that is less: what leads to features can speak against
    /// their being one, and not for it. Null where they lead to nothing.</summary>
    /// <param name="a">A place in the list of features.</param>
    /// <param name="b">Another one.</param>
    public double? Similarity(int a, int b)
    {
        var (low, high) = (Math.Min(Layer(a), Layer(b)), Math.Max(Layer(a), Layer(b)));
        var first = Array.FindIndex(_rows, row => _graph.Node(row).Layer > high);
        var later = Cosine(_out[a].AsSpan(first), _out[b].AsSpan(first));
        var earlier = Into(a, b, low);
        return later is { } one && earlier is { } other ? Math.Min(one, (one + other) / 2) : later;
    }

    private int Layer(int i) => _graph.Feature(_nodes[i]).Layer;

    /// <summary>Over sources below a layer: features and errors come by layer, tokens last.</summary>
    private double? Into(int a, int b, int low)
    {
        var tokens = _graph.TokenCount;
        var features = Enumerable.Range(0, _graph.FeatureCount).TakeWhile(node => _graph.Feature(node).Layer < low).Count();
        double product = 0,
            own = 0,
            others = 0;
        foreach (
            var (start, length) in ((int, int)[])[(0, features), (_graph.FeatureCount, low * tokens), (_graph.FirstTarget - tokens, tokens)]
        )
        {
            ReadOnlySpan<float> one = _into[a].AsSpan(start, length),
                other = _into[b].AsSpan(start, length);
            (product, own, others) = (product + Dot(one, other), own + Dot(one, one), others + Dot(other, other));
        }
        return own > 0 && others > 0 ? product / Math.Sqrt(own * others) : null;
    }

    private static double? Cosine(ReadOnlySpan<float> one, ReadOnlySpan<float> other) =>
        Dot(one, one) * Dot(other, other) is > 0 and var squares ? Dot(one, other) / Math.Sqrt(squares) : null;

    private static double Dot(ReadOnlySpan<float> one, ReadOnlySpan<float> other)
    {
        // Contributions that are weighed by an influence are small, and their squares might vanish in f32.
        double sum = 0;
        for (var i = 0; i < one.Length; i++)
            sum += (double)one[i] * other[i];
        return sum;
    }
}
