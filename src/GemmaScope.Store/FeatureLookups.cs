namespace GemmaScope.Store;

/// <summary>Finds dictionaries and features by what people call them.</summary>
public static class FeatureLookups
{
    /// <summary>The only dictionary of a name.</summary>
    /// <param name="database">The database.</param>
    /// <param name="name">The dictionary's name, or <c>model/name</c>.</param>
    /// <exception cref="ArgumentProblemException">There is none, or several models have one; the message names those there are.</exception>
    /// <exception cref="GemmaScopeException">It is damaged.</exception>
    public static StoredDictionary Find(this IFeatureDatabase database, string name)
    {
        var all = database.Dictionaries();
        var fitting = all.Where(one => one.Name == name || WholeName(one) == name).ToArray();
        return fitting switch
        {
            [var one] => one,
            []
                when database.DamagedDictionaries().FirstOrDefault(one => one == name || one.EndsWith($"/{name}", StringComparison.Ordinal))
                    is { } damaged => throw new GemmaScopeException("is damaged in the database; build or import it again", damaged),
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

    /// <summary>The page of a feature that the database has.</summary>
    /// <param name="database">The database.</param>
    /// <param name="dictionary">The dictionary.</param>
    /// <param name="feature">The feature's index.</param>
    /// <param name="whole">Whether the examples are whole passages.</param>
    /// <exception cref="ArgumentProblemException">It does not have it.</exception>
    public static FeaturePage RequirePage(this IFeatureDatabase database, StoredDictionary dictionary, int feature, bool whole = false) =>
        (whole ? database.WholePage(dictionary, feature) : database.Page(dictionary, feature))
        ?? throw new ArgumentProblemException(
            $"has no feature {feature} (it has 0 to {dictionary.Width - 1}, stored are {dictionary.Features})",
            dictionary.Name
        );

    private static string WholeName(StoredDictionary dictionary) => $"{dictionary.Model}/{dictionary.Name}";
}
