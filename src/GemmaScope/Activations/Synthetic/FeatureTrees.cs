namespace GemmaScope.Activations;

/// <summary>
/// Which synthetic feature stands under which, and how often each fires. Features are handed out to the trees by rising index, level by
/// level, so that frequent ones stand high; those that are left stand in no tree.
/// </summary>
internal sealed class FeatureTrees
{
    private readonly int[] _firstChild,
        _children;

    public FeatureTrees(SyntheticConfig config)
    {
        var n = config.Features;
        (Parent, Level, _firstChild, _children) = (new int[n], new int[n], new int[n], new int[n]);
        Parent.AsSpan().Fill(-1);
        Level.AsSpan().Fill(-1);
        Roots = Math.Min(config.Roots, n);
        Level.AsSpan(0, Roots).Clear();
        var (start, end) = (0, Roots);
        for (var level = 1; level <= config.Depth && start < end; level++)
        {
            var next = end;
            for (var parent = start; parent < end && next < n; parent++)
            {
                (_firstChild[parent], _children[parent]) = (next, Math.Min(config.Branching, n - next));
                for (var child = next; child < next + _children[parent]; child++)
                    (Parent[child], Level[child]) = (parent, level);
                next += _children[parent];
            }
            (start, end) = (end, next);
        }
        InTrees = end;
        Probability = Zipf(config);
        Firing = config.CompensateProbabilities ? Compensated() : Probability;
    }

    /// <summary>The feature above, −1: none.</summary>
    public int[] Parent { get; }

    /// <summary>Levels above it, −1: in no tree.</summary>
    public int[] Level { get; }

    /// <summary>Features 0 … Roots − 1 are the roots.</summary>
    public int Roots { get; }

    /// <summary>Features from here on are in no tree.</summary>
    public int InTrees { get; }

    /// <summary>The share of rows a feature is meant to fire in.</summary>
    public double[] Probability { get; }

    /// <summary>The probability that it fires before its parent and siblings have their say.</summary>
    public double[] Firing { get; }

    /// <summary>Features directly below one: the first, and how many follow each other.</summary>
    public (int First, int Count) Children(int parent) => (_firstChild[parent], _children[parent]);

    private static double[] Zipf(SyntheticConfig config)
    {
        double Rank(int index) => Math.Pow(index + 1, -config.ZipfExponent);
        var (first, last) = (Rank(0), Rank(config.Features - 1));
        var range = config.MaxProbability - config.MinProbability;
        return
        [
            .. Enumerable
                .Range(0, config.Features)
                .Select(i => config.MinProbability + (first == last ? range : range * (Rank(i) - last) / (first - last))),
        ];
    }

    /// <summary>All from the uncompensated probabilities, also those of parents: who compensates twice makes deep features fire
    /// always.</summary>
    private double[] Compensated()
    {
        var firing = (double[])Probability.Clone();
        for (var parent = 0; parent < InTrees; parent++)
        {
            var (first, count) = Children(parent);
            var all = Probability.AsSpan(first, count);
            var (sum, above) = (0.0, Probability[parent]);
            foreach (var p in all)
                sum += p;
            for (var i = 0; i < count; i++)
                firing[first + i] = Math.Min(1, all[i] / above * (1 + (sum - all[i]) / above));
        }
        return firing;
    }
}
