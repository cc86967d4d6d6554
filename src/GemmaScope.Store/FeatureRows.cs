namespace GemmaScope.Store;

/// <summary>Lines of features, looked up by their index.</summary>
public static class FeatureRows
{
    /// <summary>What the database says of some features; nothing of a dictionary that is not in it.</summary>
    public static Dictionary<int, FeatureRow> ByFeature(
        this IFeatureDatabase? database,
        StoredDictionary? dictionary,
        IEnumerable<int> features
    ) => database is null || dictionary is null ? [] : database.Rows(dictionary, [.. features.Distinct()]).ToDictionary(row => row.Feature);
}
