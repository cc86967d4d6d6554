using System.CommandLine;

namespace GemmaScope.Cli;

/// <summary>The options by which commands about features name a database and what is in it.</summary>
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
}
