using System.CommandLine;
using GemmaScope.Store;
using GemmaScope.Workbench;

namespace GemmaScope.Cli;

/// <summary>The options by which commands learn what features are about.</summary>
internal static class KnownFeatureOptions
{
    public static Option<string?> Database() =>
        new("--db")
        {
            Description =
                "A database that knows the features (gemmascope features): labels, and how often they fire. Default: for the demo dictionary the one that comes along.",
            HelpName = "DB",
        };

    public static Option<bool> ByActivation() =>
        new("--by-activation")
        {
            Description =
                "Name the strongest features first. Else, where a database knows them, those that tell most: strong ones that fire at few tokens. JSON always has the strongest first.",
        };

    /// <summary>The database that was named, else the demo's where its dictionary is looked through, else null.</summary>
    public static IFeatureDatabase? Open(string? named, Microscope microscope) =>
        Open(named, microscope.IsDemo());

    /// <summary>The same for transcoders as they are named.</summary>
    public static IFeatureDatabase? Open(string? named, Microscope microscope, IReadOnlyList<string> transcoders) =>
        Open(named, microscope.IsDemo(transcoders));

    private static IFeatureDatabase? Open(string? named, bool demo) =>
        named is not null ? FeatureDatabase.Open(named)
        : demo ? KnownFeatures.OpenDemo()
        : null;
}
