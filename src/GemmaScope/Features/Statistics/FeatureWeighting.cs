namespace GemmaScope.Features.Statistics;

/// <summary>By what activations are multiplied before features are ranked in a text: strong everywhere, or everywhere, says little about
/// it.</summary>
public enum FeatureWeighting
{
    /// <summary>1.</summary>
    Plain,

    /// <summary>1 / the feature's maximum in the corpus; not clipped where a text exceeds it.</summary>
    OverMax,

    /// <summary>ln(1 / density): rare features count more.</summary>
    LogDensity,
}

/// <summary>Weights of the features of a dictionary, from its dashboards' counts.</summary>
public sealed class FeatureWeights
{
    private readonly double[] _weights;

    private FeatureWeights(double[] weights) => _weights = weights;

    /// <summary>Weights of one kind; a feature that is dead in the corpus has 0, but 1 among the plain ones.</summary>
    /// <param name="weighting">Which.</param>
    /// <param name="counts">For each feature the counted positions where it fires.</param>
    /// <param name="maxima">For each feature its largest activation.</param>
    /// <param name="positions">Counted positions.</param>
    public static FeatureWeights Of(FeatureWeighting weighting, IReadOnlyList<long> counts, IReadOnlyList<float> maxima, long positions) =>
        new([
            .. Enumerable
                .Range(0, counts.Count)
                .Select(i =>
                    weighting switch
                    {
                        FeatureWeighting.Plain => 1,
                        _ when counts[i] == 0 => 0,
                        FeatureWeighting.OverMax => 1.0 / maxima[i],
                        _ => Math.Log((double)positions / counts[i]),
                    }
                ),
        ]);

    /// <summary>The strongest features of a position by weighted activation, only those above 0; of equal ones the lower index
    /// first.</summary>
    /// <param name="features">The activations.</param>
    /// <param name="row">The position.</param>
    /// <param name="k">How many.</param>
    public (int Feature, double Value)[] Top(Dictionaries.SparseActivations features, int row, int k)
    {
        var best = new RankedList(k);
        for (var i = 0; i < features.Indices(row).Length; i++)
            Offer(best, features.Indices(row)[i], features.Values(row)[i]);
        return Found(best);
    }

    /// <summary>The strongest features by the sum of weighted activations over the positions that count.</summary>
    /// <param name="features">The activations.</param>
    /// <param name="counted">Which positions count.</param>
    /// <param name="k">How many.</param>
    public (int Feature, double Value)[] Top(Dictionaries.SparseActivations features, IReadOnlyList<bool> counted, int k)
    {
        var sums = new SortedDictionary<int, double>();
        for (var row = 0; row < features.Rows; row++)
        for (var i = 0; counted[row] && i < features.Indices(row).Length; i++)
            sums[features.Indices(row)[i]] = sums.GetValueOrDefault(features.Indices(row)[i]) + features.Values(row)[i];
        var best = new RankedList(k);
        foreach (var (feature, sum) in sums)
            Offer(best, feature, sum);
        return Found(best);
    }

    private void Offer(RankedList best, int feature, double value)
    {
        if (value * _weights[feature] is > 0 and var weighted)
            best.Offer(feature, weighted);
    }

    private static (int, double)[] Found(RankedList list)
    {
        var found = new (int, double)[list.Count];
        for (var i = 0; i < found.Length; i++)
            found[i] = (list.Indices[i], list.Values[i]);
        return found;
    }
}
