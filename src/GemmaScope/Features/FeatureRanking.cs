using GemmaScope.Dictionaries;

namespace GemmaScope.Features;

/// <summary>Which features of a text are named first: the strongest, or, where features are known, those that tell most.</summary>
/// <param name="features">All activations, a row for each token.</param>
/// <param name="meanings">What is known of the features; null to rank by activation alone.</param>
internal sealed class FeatureRanking(SparseActivations features, IReadOnlyDictionary<int, FeatureMeaning>? meanings)
{
    /// <summary>Whether anything is known to rank by.</summary>
    public bool IsTelling => meanings is { Count: > 0 };

    /// <summary>The first features of a token, with their activations.</summary>
    public IEnumerable<FeatureActivation> Top(int row, int k)
    {
        if (!IsTelling)
            return features.Top(row, k);
        var indices = features.Indices(row);
        var values = features.Values(row);
        var top = new TopSelection(k);
        for (var i = 0; i < indices.Length; i++)
            if (values[i] > 0)
                top.Offer(indices[i], Telling(indices[i], values[i]));
        return top.Descending().Select(kept => new FeatureActivation(kept.Feature, features.Value(row, kept.Feature)));
    }

    /// <summary>The first features of some tokens together, with the sums of their activations.</summary>
    public IEnumerable<FeatureActivation> WholeText(int[] rows, int k)
    {
        var sums = new SortedDictionary<int, (double Sum, double Largest)>();
        foreach (var t in rows)
            for (var i = 0; i < features.Indices(t).Length; i++)
            {
                var (feature, value) = (features.Indices(t)[i], features.Values(t)[i]);
                var (sum, largest) = sums.GetValueOrDefault(feature);
                sums[feature] = (sum + value, Math.Max(largest, value));
            }
        var top = new TopSelection(k);
        foreach (var (feature, (sum, largest)) in sums)
            if (sum > 0)
                top.Offer(
                    feature,
                    IsTelling ? (float)(meanings!.GetValueOrDefault(feature)?.TellingOfText(sum, largest) ?? 0) : (float)sum
                );
        return top.Descending().Select(kept => new FeatureActivation(kept.Feature, (float)sums[kept.Feature].Sum));
    }

    /// <summary>A feature that nobody knows ranks below all that are known.</summary>
    private float Telling(int feature, float activation) =>
        (float)(meanings!.GetValueOrDefault(feature)?.Telling(activation, activation) ?? 0);
}
