using GemmaScope.Dictionaries;
using GemmaScope.Features.Exchange;
using GemmaScope.Files;
using GemmaScope.Store;

namespace GemmaScope.Workbench;

/// <summary>The forms in which dashboards are written.</summary>
public enum FeatureFormat
{
    /// <summary>A file for each feature, as Neuronpedia hands it out.</summary>
    Neuronpedia,

    /// <summary>Files of 128 features, as SAEDashboard writes them.</summary>
    SaeDashboard,

    /// <summary>A file for each feature, as graph viewers read it beside an attribution graph.</summary>
    Details,

    /// <summary>One file of JSON lines with everything that is known.</summary>
    Jsonl,
}

/// <summary>What <see cref="ExportFeaturesJob"/> does.</summary>
public sealed record ExportFeaturesJobOptions
{
    /// <summary>A dictionary of the database: its name, or model/name.</summary>
    public required string Dictionary { get; init; }

    /// <summary>The folder that is written to; for JSON lines the file.</summary>
    public required string Out { get; init; }

    /// <summary>The form.</summary>
    public FeatureFormat Format { get; init; } = FeatureFormat.Neuronpedia;

    /// <summary>The features; none means all.</summary>
    public IReadOnlyList<int> Features { get; init; } = [];

    /// <summary>The dictionary's weights, from which Neuronpedia's files get their vectors: a file, folder, name in the catalogue or
    /// org/name/path on the hub; null for none.</summary>
    public string? Sae { get; init; }

    /// <summary>Where the weights are read, if their path and files do not say it.</summary>
    public SiteChoice Reads { get; init; }
}

/// <summary>What <see cref="ExportFeaturesJob"/> wrote.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Dictionary">The dictionary's name.</param>
/// <param name="Format">The form.</param>
/// <param name="Path">The folder or file.</param>
/// <param name="Features">Features that were written.</param>
public sealed record ExportFeaturesResult(string Model, string Dictionary, FeatureFormat Format, string Path, int Features);

/// <summary>Writes dashboards of a database in the forms of other programs.</summary>
public static class ExportFeaturesJob
{
    private const int FeaturesPerBatch = 128;

    /// <summary>Writes the features; files of the same names are replaced.</summary>
    /// <param name="database">Where they are.</param>
    /// <param name="options">Which, and in which form.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Stops between features.</param>
    /// <exception cref="GemmaScopeException">There is no such dictionary or feature, the weights do not fit it, or a file cannot be
    /// written.</exception>
    public static async Task<ExportFeaturesResult> RunAsync(
        IFeatureDatabase database,
        ExportFeaturesJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        var dictionary = database.Find(options.Dictionary);
        var weights = options.Sae is { } sae ? await Locator.DictionaryAsync(sae, progress, cancellationToken).ConfigureAwait(false) : null;
        return await Task.Run(() => Export(database, dictionary, weights, options, progress, cancellationToken), cancellationToken)
            .ConfigureAwait(false);
    }

    private static ExportFeaturesResult Export(
        IFeatureDatabase database,
        StoredDictionary dictionary,
        string? found,
        ExportFeaturesJobOptions options,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        using var weights = found is null ? null : DictionaryFit.Load(found, options.Reads, cancellationToken);
        if (weights is not null && weights.Width != dictionary.Width)
            throw new ArgumentProblemException(
                $"has {weights.Width} features, {dictionary.Name} has {dictionary.Width}",
                new Setting(nameof(options.Sae))
            );
        var (source, path) = (database.Source(dictionary) with { Width = dictionary.Width }, options.Out);
        var chosen = Chosen(database, dictionary, options.Features);
        var features = Counted(
            chosen.Select(feature => Feature(database, dictionary, feature, weights)),
            progress.Counting("exporting", "features", chosen.Length),
            cancellationToken
        );
        switch (options.Format)
        {
            case FeatureFormat.Jsonl:
                Write(path, stream => DashboardLines.Write(stream, features, source));
                break;
            case FeatureFormat.SaeDashboard:
                foreach (var (number, batch) in features.Chunk(FeaturesPerBatch).Index())
                    Write(Path.Combine(path, $"batch-{number}.json"), stream => DashboardExport.WriteSaeDashboard(stream, batch, source));
                break;
            default:
                Action<Stream, LabelledDashboard, DashboardSource> write =
                    options.Format == FeatureFormat.Details ? DashboardExport.WriteFeatureDetails : DashboardExport.WriteNeuronpedia;
                foreach (var feature in features)
                    Write(Path.Combine(path, $"{feature.Dashboard.Feature}.json"), stream => write(stream, feature, source));
                break;
        }
        return new(dictionary.Model, dictionary.Name, options.Format, path, chosen.Length);
    }

    /// <summary>The features that are written; whether all are there is known before the first file is.</summary>
    private static int[] Chosen(IFeatureDatabase database, StoredDictionary dictionary, IReadOnlyList<int> wanted)
    {
        // A part of a dictionary may have been imported.
        if (wanted.Count == 0)
            return [.. database.Table(dictionary, new FeatureFilter()).Select(row => row.Feature)];
        var there = database.Rows(dictionary, wanted).Select(row => row.Feature).ToHashSet();
        foreach (var feature in wanted.Where(feature => !there.Contains(feature)))
            database.RequirePage(dictionary, feature);
        return [.. wanted];
    }

    private static void Write(string file, Action<Stream> write) => AtomicFile.Write(file, write, overwrite: true);

    private static IEnumerable<LabelledDashboard> Counted(
        IEnumerable<LabelledDashboard> features,
        IProgress<long>? progress,
        CancellationToken cancellationToken
    )
    {
        foreach (var (number, feature) in features.Index())
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return feature;
            progress?.Report(number + 1);
        }
    }

    private static LabelledDashboard Feature(IFeatureDatabase database, StoredDictionary dictionary, int feature, SparseDictionary? weights)
    {
        var page = database.RequirePage(dictionary, feature, whole: true);
        if (weights is null)
            return page.Feature;
        var vector = new float[weights.OutputWidth];
        weights.Decoder(feature, vector);
        return page.Feature with { Vector = vector };
    }
}
