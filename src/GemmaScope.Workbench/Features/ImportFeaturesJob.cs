using GemmaScope.Features;
using GemmaScope.Features.Exchange;
using GemmaScope.Store;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="ImportFeaturesJob"/> does.</summary>
public sealed record ImportFeaturesJobOptions
{
    /// <summary>The files: features of Neuronpedia, batches of SAEDashboard, our JSON lines; or labels.</summary>
    public required IReadOnlyList<string> Files { get; init; }

    /// <summary>The dictionary of the database whose labels the files hold, by its name or model/name; null where they hold
    /// dashboards.</summary>
    public string? LabelsOf { get; init; }

    /// <summary>Who wrote the labels; null for the file's name.</summary>
    public string? Author { get; init; }
}

/// <summary>What <see cref="ImportFeaturesJob"/> read.</summary>
/// <param name="Dictionaries">Dictionaries whose dashboards were read.</param>
/// <param name="Labels">Files of labels.</param>
public sealed record ImportFeaturesResult(IReadOnlyList<ImportedDictionary> Dictionaries, IReadOnlyList<ImportedLabels> Labels);

/// <summary>A dictionary whose dashboards were read.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Dictionary">Its name in the database.</param>
/// <param name="Features">Features that were read.</param>
public sealed record ImportedDictionary(string Model, string Dictionary, int Features);

/// <summary>A file of labels that was read.</summary>
/// <param name="File">The file.</param>
/// <param name="Labels">Labels of features that the dictionary has.</param>
public sealed record ImportedLabels(string File, int Labels);

/// <summary>Reads dashboards and labels of other programs into a database.</summary>
public static class ImportFeaturesJob
{
    /// <summary>Finds out whether all files are there, before a database is made for what is not.</summary>
    /// <exception cref="FileFormatException">One does not exist.</exception>
    public static void Check(ImportFeaturesJobOptions options)
    {
        if (options.Files.FirstOrDefault(file => !File.Exists(file)) is { } absent)
            throw new FileFormatException("the file does not exist; check the name", absent);
    }

    /// <summary>Reads the files. Dashboards that were imported before under the same name are replaced: their words have other
    /// numbers.</summary>
    /// <param name="database">Gets what they hold.</param>
    /// <param name="options">The files.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Stops between transactions.</param>
    /// <exception cref="GemmaScopeException">A file cannot be read, or there is no such dictionary.</exception>
    public static Task<ImportFeaturesResult> RunAsync(
        IFeatureDatabase database,
        ImportFeaturesJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        Check(options);
        return Task.Run(
            () =>
                options.LabelsOf is { } name
                    ? new ImportFeaturesResult([], ReadLabels(database, name, options))
                    : new ImportFeaturesResult(ReadDashboards(database, options.Files, progress, cancellationToken), []),
            cancellationToken
        );
    }

    private static List<ImportedLabels> ReadLabels(IFeatureDatabase database, string name, ImportFeaturesJobOptions options)
    {
        var dictionary = database.Find(name);
        List<ImportedLabels> read = [];
        foreach (var file in options.Files)
        {
            var (labels, author) = (FeatureLabels.Load(file), options.Author ?? Path.GetFileName(file));
            var known = labels.Features.Where(feature => feature < dictionary.Features).ToArray();
            database.AddLabels(dictionary, known.Select(feature => (feature, new FeatureLabel(labels[feature]!, author))));
            read.Add(new(file, known.Length));
        }
        return read;
    }

    private static List<ImportedDictionary> ReadDashboards(
        IFeatureDatabase database,
        IReadOnlyList<string> files,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        List<ImportedDictionary> read = [];
        foreach (var file in files.Where(DashboardLines.Is))
        {
            var (source, features) = DashboardLines.Read(file);
            read.Add(Write(database, source, [.. features], progress, cancellationToken));
        }
        foreach (var (source, features) in DashboardImport.Read(files.Where(file => !DashboardLines.Is(file))))
            read.Add(Write(database, source, features, progress, cancellationToken));
        return read;
    }

    private static ImportedDictionary Write(
        IFeatureDatabase database,
        DashboardSource source,
        IReadOnlyList<LabelledDashboard> features,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        if (features.Count == 0)
            throw new ArgumentProblemException("has no feature to import", source.Name);
        var (width, counting) = (
            features.Max(one => one.Dashboard.Feature) + 1,
            progress.Counting($"importing {source.Name}", "features", features.Count)
        );
        var stored = database.Begin(source, source.Name, width, $"imported {DateTime.UtcNow:O}");
        var written = 0;
        foreach (var part in features.Chunk(FeatureBuild.FeaturesPerTransaction))
        {
            cancellationToken.ThrowIfCancellationRequested();
            database.Write(stored, part);
            counting?.Report(written += part.Length);
        }
        database.Complete(stored);
        return new(stored.Model, stored.Name, features.Count);
    }
}
