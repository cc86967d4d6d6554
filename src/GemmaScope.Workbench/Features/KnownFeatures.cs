using GemmaScope.Dictionaries;
using GemmaScope.Features;
using GemmaScope.Files;
using GemmaScope.Store;

namespace GemmaScope.Workbench;

/// <summary>What databases know of the features of a dictionary that is open, and the one that comes with the demo.</summary>
public static class KnownFeatures
{
    /// <summary>The folder of the demo's database, beside the demo models.</summary>
    private const string DemoFolder = "demo-features",
        DemoFile = "features.db.br";

    /// <summary>What a database says of some features of a dictionary; null where it does not have the dictionary.</summary>
    /// <param name="database">The database.</param>
    /// <param name="modelName">The name the model was asked for by.</param>
    /// <param name="dictionary">The dictionary.</param>
    /// <param name="features">The features.</param>
    public static IReadOnlyDictionary<int, FeatureMeaning>? Meanings(
        this IFeatureDatabase database,
        string modelName,
        SparseDictionary dictionary,
        IReadOnlyCollection<int> features
    )
    {
        var (model, name) = (FeatureLinks.ModelName(modelName), FeatureLinks.PageName(dictionary));
        return database.Dictionaries().FirstOrDefault(one => one.Model == model && one.Name == name) is { } stored
            ? database
                .ByFeature(stored, features)
                .ToDictionary(row => row.Key, row => new FeatureMeaning(row.Value.Label, row.Value.Score, row.Value.Density, row.Value.Max))
            : null;
    }

    /// <summary>The database that comes with the demo dictionary, or null where it is not here or no copy of it can be made. It is opened as
    /// the user's own copy, for a database is written to when it is used.</summary>
    /// <exception cref="GemmaScopeException">The copy cannot be opened.</exception>
    public static IFeatureDatabase? OpenDemo() =>
        DemoFiles.Find(DemoFolder) is { } folder
        && Path.Combine(folder, DemoFile) is var file
        && File.Exists(file)
        && DemoFiles.WritableCopy(file) is { } copy
            ? FeatureDatabase.Open(copy)
            : null;

    /// <summary>Whether transcoders, as they are named, are the demo's, which that database knows.</summary>
    /// <param name="microscope">The model.</param>
    /// <param name="transcoders">Their names; none for the model's own.</param>
    public static bool IsDemo(this Microscope microscope, IReadOnlyList<string> transcoders) =>
        microscope.ModelName is MicroscopeOptions.DemoModel
        && transcoders.All(name => name.Split('/', '\\').Contains(MicroscopeOptions.DemoScope));

    /// <summary>Whether a dictionary is one of the demo's, which that database knows.</summary>
    /// <param name="microscope">The model and its dictionaries.</param>
    public static bool IsDemo(this Microscope microscope) =>
        microscope.ModelName is MicroscopeOptions.DemoModel
        && microscope.Dictionaries.Any(one =>
            Path.GetFullPath(one.Origin.Path)
                .Split(Path.DirectorySeparatorChar)
                .Intersect([MicroscopeOptions.DemoDictionary, MicroscopeOptions.DemoScope])
                .Any()
        );
}
