namespace GemmaScope.Store;

/// <summary>Finds dictionaries and features by what people call them.</summary>
public static class FeatureLookups
{
    /// <summary>The only dictionary of a name.</summary>
    /// <param name="database">The database.</param>
    /// <param name="name">The dictionary's name, or <c>model/name</c>.</param>
    /// <exception cref="ArgumentProblemException">There is none, or several models have one; the message names those there are.</exception>
    public static StoredDictionary Find(this IFeatureDatabase database, string name)
    {
        var all = database.Dictionaries();
        var fitting = all.Where(one => one.Name == name || WholeName(one) == name).ToArray();
        return fitting switch
        {
            [var one] => one,
            [] => throw new ArgumentProblemException(
                $"is not in the database, which has {(all.Count == 0 ? "none" : string.Join(", ", all.Select(WholeName)))}",
                name
            ),
            _ => throw new ArgumentProblemException($"is ambiguous: {string.Join(", ", fitting.Select(WholeName))}", name),
        };
    }

    /// <summary>The rows of some features by their index; none of a dictionary that is not in the database.</summary>
    /// <param name="database">The database; null where there is none.</param>
    /// <param name="dictionary">The dictionary; null where the database does not have it.</param>
    /// <param name="features">Indices; one may come several times.</param>
    public static Dictionary<int, FeatureRow> ByFeature(
        this IFeatureDatabase? database,
        StoredDictionary? dictionary,
        IEnumerable<int> features
    ) => database is null || dictionary is null ? [] : database.Rows(dictionary, [.. features.Distinct()]).ToDictionary(row => row.Feature);

    private static string WholeName(StoredDictionary dictionary) => $"{dictionary.Model}/{dictionary.Name}";
}
