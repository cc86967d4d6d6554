using GemmaScope.Circuits;
using GemmaScope.Features;
using GemmaScope.Store;

namespace GemmaScope.Workbench;

/// <summary>What a database calls the features of a set of transcoders. Those of a cross-layer transcoder have no dashboards of one layer,
/// and no labels.</summary>
internal static class TranscoderLabels
{
    /// <summary>The labels of some features, by layer and index; those without one are not there.</summary>
    /// <param name="set">The transcoders.</param>
    /// <param name="known">The database, or null.</param>
    /// <param name="modelName">The name the model was asked for by.</param>
    /// <param name="features">The features.</param>
    public static Dictionary<(int Layer, int Feature), string> Of(
        TranscoderSet set,
        IFeatureDatabase? known,
        string modelName,
        IEnumerable<(int Layer, int Feature)> features
    )
    {
        var labels = new Dictionary<(int Layer, int Feature), string>();
        if (known is null || set.IsCrossLayer)
            return labels;
        var dictionaries = set.Dictionaries.ToDictionary(one => one.InputSite.Layer!.Value);
        foreach (var layer in features.Distinct().GroupBy(one => one.Layer, one => one.Feature))
        foreach (var (feature, meaning) in Meanings(layer.Key, [.. layer]))
            if (meaning.Label is { Length: > 0 } label)
                labels[(layer.Key, feature)] = label;
        return labels;

        IReadOnlyDictionary<int, FeatureMeaning> Meanings(int layer, int[] some) =>
            known.Meanings(modelName, dictionaries[layer], some) ?? new Dictionary<int, FeatureMeaning>();
    }
}
