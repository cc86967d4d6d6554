using GemmaScope.Dictionaries;

namespace GemmaScope.Features;

/// <summary>What a dictionary finds in a passage of a longer text, such as one message of a conversation: the rest is read with it and does
/// not count.</summary>
public static class PassageFeatures
{
    /// <summary>All features that fire in a passage.</summary>
    /// <param name="features">All activations, a row for each token.</param>
    /// <param name="rows">The tokens of the passage that count.</param>
    public static IReadOnlyCollection<int> Active(SparseActivations features, IEnumerable<int> rows)
    {
        HashSet<int> active = [];
        foreach (var row in rows)
        foreach (var feature in features.Indices(row))
            active.Add(feature);
        return active;
    }

    /// <summary>The first features of a passage, with the sums of their activations: those whose sum tells most where features are known
    /// (<see cref="FeatureMeaning.TellingOfText"/>), else those with the largest.</summary>
    /// <param name="features">All activations, a row for each token.</param>
    /// <param name="rows">The tokens of the passage that count.</param>
    /// <param name="most">Features at most.</param>
    /// <param name="meanings">What is known of those that fire; null for nothing.</param>
    public static IReadOnlyList<FeatureActivation> Top(
        SparseActivations features,
        IReadOnlyList<int> rows,
        int most,
        IReadOnlyDictionary<int, FeatureMeaning>? meanings = null
    ) => [.. new FeatureRanking(features, meanings).WholeText([.. rows], most)];
}
