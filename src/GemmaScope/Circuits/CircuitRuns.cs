using GemmaScope.Models;

namespace GemmaScope.Circuits;

/// <summary>The runs behind faithfulness: the model with some nodes kept, each set once.</summary>
/// <param name="model">The prompt.</param>
/// <param name="target">What is measured.</param>
/// <param name="progress">Told after each run.</param>
/// <param name="cancellationToken">Stops between layers.</param>
internal sealed class CircuitRuns(
    ReplacementModel model,
    RowTarget target,
    IProgress<FaithfulnessProgress>? progress,
    CancellationToken cancellationToken
)
{
    private readonly Dictionary<ICircuitNodes, double> _empty = [];
    private int _done,
        _total;

    /// <summary>The sizes of circuits of so many nodes.</summary>
    public IReadOnlyList<(double Share, int Kept)> Sizes(int nodes) =>
        [.. FaithfulnessCurve.Sizes.Select(share => (share, FaithfulnessCurve.Kept(share, nodes)))];

    /// <summary>Says that runs will come.</summary>
    public void Expect(int orders, int sizes) => _total += orders * sizes;

    /// <summary>The curve of nodes with known scores: the most helpful first, and the strongest first.</summary>
    public FaithfulnessCurve Curve(
        FaithfulnessKind kind,
        ICircuitNodes nodes,
        double[] scores,
        IReadOnlyList<(double Share, int Kept)> sizes
    )
    {
        // Where the model has less than none of the nodes, those help that lower the number.
        var sign = target.Value < Empty(nodes) ? -1 : 1;
        var helpful = Values(nodes, Order(Array.ConvertAll(scores, score => sign * score)), sizes);
        var strongest = Values(nodes, Order(Array.ConvertAll(scores, Math.Abs)), sizes);
        double[] shares = [.. sizes.Select(size => size.Share)];
        return new(
            kind,
            nodes.Count,
            Empty(nodes),
            [.. sizes.Select((size, i) => new FaithfulnessPoint(size.Share, size.Kept, helpful[i], strongest[i]))],
            FaithfulnessCurve.PerformanceRatio(shares, helpful),
            FaithfulnessCurve.ModelDistance(shares, strongest)
        );
    }

    /// <summary>The curve of random orders: means and spread.</summary>
    public FaithfulnessCurve Random(ICircuitNodes nodes, int orders, int seed, IReadOnlyList<(double Share, int Kept)> sizes)
    {
        // The choice is to be the same on every machine.
        var random = new Random(seed);
        double[] shares = [.. sizes.Select(size => size.Share)];
        var found = new List<double?[]>();
        for (var i = 0; i < orders; i++)
        {
            int[] order = [.. Enumerable.Range(0, nodes.Count)];
            random.Shuffle(order);
            found.Add(Values(nodes, order, sizes));
        }
        double?[] ratios = [.. found.Select(values => FaithfulnessCurve.PerformanceRatio(shares, values))],
            distances = [.. found.Select(values => FaithfulnessCurve.ModelDistance(shares, values))];
        return new(
            FaithfulnessKind.RandomFeatures,
            nodes.Count,
            Empty(nodes),
            [
                .. sizes.Select(
                    (size, i) =>
                    {
                        double?[] values = [.. found.Select(one => one[i])];
                        return new FaithfulnessPoint(size.Share, size.Kept, Mean(values), Mean(values), FaithfulnessRange.Of(values));
                    }
                ),
            ],
            Mean(ratios),
            Mean(distances),
            FaithfulnessRange.Of(ratios),
            FaithfulnessRange.Of(distances)
        );

        static double? Mean(double?[] values) => values.All(value => value is not null) ? values.Average() : null;
    }

    /// <summary>f of the first nodes of an order, for each size.</summary>
    private double?[] Values(ICircuitNodes nodes, int[] order, IReadOnlyList<(double Share, int Kept)> sizes)
    {
        var kept = new bool[nodes.Count];
        var values = new Dictionary<int, double> { [0] = Empty(nodes) };
        var count = 0;
        foreach (var (_, wanted) in sizes)
        {
            var most = Math.Min(wanted, nodes.Count);
            while (count < most)
                kept[order[count++]] = true;
            if (!values.ContainsKey(count))
                values[count] = Measure(nodes.Edits(kept));
            progress?.Report(new(++_done, _total));
        }
        return
        [
            .. sizes.Select(size => FaithfulnessCurve.Faithfulness(values[Math.Min(size.Kept, nodes.Count)], Empty(nodes), target.Value)),
        ];
    }

    private double Empty(ICircuitNodes nodes)
    {
        if (!_empty.TryGetValue(nodes, out var value))
            _empty[nodes] = value = Measure(nodes.Edits(new bool[nodes.Count]));
        return value;
    }

    private double Measure(IReadOnlyList<Edit> edits)
    {
        using var run = model.Model.Run(
            model.Tokens,
            capture: target.Injections.Select(one => one.Site).Distinct(),
            edits: edits,
            logits: LogitRows.Last,
            arithmetic: Numerics.Arithmetic.Exact,
            cancellationToken: cancellationToken
        );
        return target.Measure(run);
    }

    /// <summary>The nodes by falling score; those without one last.</summary>
    private static int[] Order(double[] scores)
    {
        var (keys, order) = (
            Array.ConvertAll(scores, score => double.IsNaN(score) ? double.PositiveInfinity : -score),
            new int[scores.Length]
        );
        for (var i = 0; i < order.Length; i++)
            order[i] = i;
        Array.Sort(keys, order, Comparer<double>.Default);
        return order;
    }
}
