using System.CommandLine;
using GemmaScope.Store;

namespace GemmaScope.Cli;

/// <summary>The database that the commands about features share.</summary>
internal static class FeatureStore
{
    public static Option<string> Option() =>
        new("--db")
        {
            Description = "The database: a file (SQLite), or postgres://user:password@host/database.",
            HelpName = "DB",
            DefaultValueFactory = _ => "features.db",
        };

    public static Argument<string> Dictionary() =>
        new("dictionary") { Description = "A dictionary of the database: its name, or model/name." };

    /// <summary>The only dictionary of that name.</summary>
    /// <exception cref="ArgumentProblemException">There is none, or several models have one.</exception>
    public static StoredDictionary Find(IFeatureDatabase database, string name)
    {
        var all = database.Dictionaries();
        var fitting = all.Where(one => one.Name == name || $"{one.Model}/{one.Name}" == name).ToArray();
        return fitting switch
        {
            [var one] => one,
            [] => throw new ArgumentProblemException(
                $"is not in the database, which has {(all.Count == 0 ? "none" : string.Join(", ", all.Select(one => $"{one.Model}/{one.Name}")))}",
                name
            ),
            _ => throw new ArgumentProblemException(
                $"is ambiguous: {string.Join(", ", fitting.Select(one => $"{one.Model}/{one.Name}"))}",
                name
            ),
        };
    }
}
