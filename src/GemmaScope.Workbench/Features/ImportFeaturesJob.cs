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
    /// <exception cref="GemmaScopeException">A file cannot be read or holds what cannot be, in which case nothing is stored; there is no such
    /// dictionary, or another job writes it.</exception>
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
                    ? new ImportFeaturesResult([], ReadLabels(database, name, options, progress))
                    : new ImportFeaturesResult(ReadDashboards(database, options.Files, progress, cancellationToken), []),
            cancellationToken
        );
    }

    private static List<ImportedLabels> ReadLabels(
        IFeatureDatabase database,
        string name,
        ImportFeaturesJobOptions options,
        IProgress<JobReport>? progress
    )
    {
        var dictionary = database.Find(name);
        using var reserved = database.Reserve([(dictionary.Model, dictionary.Name)]);
        var there = database.Table(dictionary, new FeatureFilter()).Select(row => row.Feature).ToHashSet();
        // All files are read before a label is written.
        var all = options.Files.Select(file => (File: file, Labels: FeatureLabels.Load(file))).ToArray();
        List<ImportedLabels> read = [];
        foreach (var (file, labels) in all)
        {
            var author = options.Author ?? Path.GetFileName(file);
            var (known, unknown) = (labels.Features.Where(there.Contains).ToArray(), labels.Features.Where(one => !there.Contains(one)));
            if (known.Length == 0)
                throw new ArgumentProblemException(
                    $"labels no feature that {dictionary.Name} has in the database (it has {there.Count} of {dictionary.Width}); "
                        + $"the first label is of feature {labels.Features.First()}",
                    file
                );
            if (unknown.ToArray() is [var first, ..] left)
                progress.Note($"{file}: {left.Length} labels are left out, as {dictionary.Name} has no such feature (the first: {first})");
            database.AddLabels(dictionary, known.Select(feature => (feature, new FeatureLabel(labels[feature]!, author))));
            read.Add(new(file, known.Length));
        }
        return read;
    }

    /// <summary>All that one dictionary gets. The features are read anew each time they are asked for: all files are checked before
    /// anything is stored, and large ones are not kept in memory meanwhile.</summary>
    private sealed record Incoming(string File, DashboardSource Source, IEnumerable<LabelledDashboard> Features)
    {
        public string Name => $"{Source.Model}/{Source.Name}";
    }

    private static List<ImportedDictionary> ReadDashboards(
        IFeatureDatabase database,
        IReadOnlyList<string> files,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var (lines, others) = (files.Where(DashboardLines.Is).ToArray(), files.Where(file => !DashboardLines.Is(file)).ToArray());
        Incoming[] all =
        [
            .. lines.Select(file => DashboardLines.Read(file) is var (source, features) ? new Incoming(file, source, features) : null!),
            .. DashboardImport.Read(others).Select(one => new Incoming(others[0], one.Source, one.Features)),
        ];
        foreach (var same in all.GroupBy(one => one.Name).Where(same => same.Count() > 1))
            throw new ArgumentProblemException(
                $"holds {same.Key}, as {same.First().File} does; each dictionary may come from one of them",
                same.Last().File
            );
        var sizes = all.Select(one => Check(one, cancellationToken)).ToArray();
        using var reserved = database.Reserve(all.Select(one => (one.Source.Model, one.Source.Name)));
        return [.. all.Zip(sizes, (one, size) => Write(database, one, size, progress, cancellationToken))];
    }

    /// <summary>Reads all features once; what is wrong with one is thrown.</summary>
    private static (int Features, int Width) Check(Incoming one, CancellationToken cancellationToken)
    {
        var (count, last) = (0, -1);
        foreach (var feature in one.Features)
        {
            cancellationToken.ThrowIfCancellationRequested();
            (count, last) = (count + 1, Math.Max(last, feature.Dashboard.Feature));
        }
        return count > 0 ? (count, one.Source.Width ?? last + 1) : throw new ArgumentProblemException("has no feature to import", one.File);
    }

    private static ImportedDictionary Write(
        IFeatureDatabase database,
        Incoming one,
        (int Features, int Width) size,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var counting = progress.Counting($"importing {one.Source.Name}", "features", size.Features);
        var stored = database.Begin(one.Source, one.Source.Name, size.Width, $"imported {DateTime.UtcNow:O}");
        var written = 0;
        foreach (var part in one.Features.Chunk(FeatureBuild.FeaturesPerTransaction))
        {
            cancellationToken.ThrowIfCancellationRequested();
            database.Write(stored, part);
            counting?.Report(written += part.Length);
        }
        database.Complete(stored);
        return new(stored.Model, stored.Name, written);
    }
}
