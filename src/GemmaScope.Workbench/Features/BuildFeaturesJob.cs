using GemmaScope.Dictionaries;
using GemmaScope.Features;
using GemmaScope.Features.Exchange;
using GemmaScope.Features.Statistics;
using GemmaScope.Store;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="BuildFeaturesJob"/> does.</summary>
public sealed record BuildFeaturesJobOptions
{
    private static readonly FeatureStatisticsOptions Statistics = new();

    /// <summary>The text whose tokens are looked at.</summary>
    public required TextBatches Text { get; init; }

    /// <summary>Decides which examples are drawn from the intervals.</summary>
    public int Seed { get; init; }

    /// <inheritdoc cref="FeatureStatisticsOptions.TopExamples"/>
    public int TopExamples { get; init; } = Statistics.TopExamples;

    /// <inheritdoc cref="FeatureStatisticsOptions.ExamplesPerInterval"/>
    public int ExamplesPerInterval { get; init; } = Statistics.ExamplesPerInterval;

    /// <summary>Whether correlations with the input's coordinates are made: 8 bytes times features times input width.</summary>
    public bool Neurons { get; init; } = true;

    /// <summary>MiB for pairs of features, from 1; less memory means more readings of the activations.</summary>
    public int PairMemory { get; init; } = 512;

    /// <summary>The folder where activations are kept meanwhile, 8 bytes for each active feature of each token, and from which a run that
    /// was
    /// broken off goes on. It is deleted when all is in the database.</summary>
    public string Work { get; init; } = "features.work";
}

/// <summary>What <see cref="BuildFeaturesJob"/> made.</summary>
/// <param name="Dictionaries">The dictionaries, in the order in which they were named.</param>
/// <param name="SkippedRows">Rows of the text that were left out because they cannot be read.</param>
public sealed record BuildFeaturesResult(IReadOnlyList<BuiltDictionary> Dictionaries, long SkippedRows = 0);

/// <summary>A dictionary whose features are in a database.</summary>
/// <param name="Model">The model's name there.</param>
/// <param name="Dictionary">Its name there.</param>
/// <param name="Features">Features it has.</param>
/// <param name="CountedTokens">Tokens that count in the statistics.</param>
/// <param name="Tokens">Tokens that were read, special ones included.</param>
public sealed record BuiltDictionary(string Model, string Dictionary, int Features, long CountedTokens, long Tokens);

/// <summary>Makes the dashboards of all features of dictionaries over a text and writes them into a database. What was broken off goes on
/// with the same options: it reads no text twice and writes no feature twice.</summary>
public static class BuildFeaturesJob
{
    /// <summary>Finds out what is wrong with the options before a model is loaded or a database made.</summary>
    /// <exception cref="GemmaScopeException">A number cannot be, or a text does not exist.</exception>
    public static void Check(BuildFeaturesJobOptions options)
    {
        options.Text.Check();
        if (options.PairMemory < 1)
            throw new ArgumentProblemException("must be at least 1", new Setting(nameof(options.PairMemory)));
        if (options.TopExamples < 1)
            throw new ArgumentProblemException("must be at least 1", new Setting(nameof(options.TopExamples)));
        if (options.ExamplesPerInterval < 0)
            throw new ArgumentProblemException("must not be negative", new Setting(nameof(options.ExamplesPerInterval)));
    }

    /// <summary>Reads the text with the microscope's dictionaries and writes their features.</summary>
    /// <param name="microscope">The model and one or more dictionaries.</param>
    /// <param name="database">Gets the features.</param>
    /// <param name="options">The text and how it is read.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Stops it; what was read is kept in the folder of work.</param>
    /// <exception cref="GemmaScopeException">An option cannot be, the folder of work belongs to other options, another process writes the
    /// same dictionary, or the database cannot be written.</exception>
    public static Task<BuildFeaturesResult> RunAsync(
        Microscope microscope,
        IFeatureDatabase database,
        BuildFeaturesJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        Check(options);
        // One is needed.
        _ = microscope.Dictionary;
        return Task.Run(() => new FeatureBuild(microscope, database, options, progress, cancellationToken).Run(), cancellationToken);
    }
}

/// <summary>One run of <see cref="BuildFeaturesJob"/>.</summary>
internal sealed class FeatureBuild(
    Microscope microscope,
    IFeatureDatabase database,
    BuildFeaturesJobOptions options,
    IProgress<JobReport>? progress,
    CancellationToken cancellationToken
)
{
    /// <summary>Features that are written in one transaction.</summary>
    public const int FeaturesPerTransaction = 128;

    public BuildFeaturesResult Run()
    {
        var settings = new FeatureStatisticsOptions
        {
            Seed = options.Seed,
            TopExamples = options.TopExamples,
            ExamplesPerInterval = options.ExamplesPerInterval,
            Neurons = options.Neurons,
            PairBytes = (long)options.PairMemory << 20,
        };
        List<BuiltDictionary> built = [];
        var skipped = new SkippedRows();
        using var reserved = database.Reserve(
            microscope.Dictionaries.Select(one => (FeatureLinks.ModelName(microscope.ModelName), FeatureLinks.PageName(one)))
        );
        using var statistics = new FeatureStatistics(microscope.Model, microscope.Dictionaries, options.Work, settings, Describe());
        ReadText(statistics, skipped);
        foreach (var (index, dictionary) in microscope.Dictionaries.Index())
            built.Add(Write(statistics, index, dictionary));
        // All is in the database.
        statistics.Delete();
        return new(built, skipped.Count);
    }

    /// <summary>What must be the same for kept activations to be gone on with.</summary>
    private Dictionary<string, string> Describe() =>
        new()
        {
            ["model"] = microscope.ModelName,
            ["dictionaries"] = string.Join('\n', microscope.Dictionaries.Select(one => one.Origin.Path)),
            ["text"] = options.Text.Description,
            ["window"] = $"{options.Text.Window}",
        };

    private void ReadText(FeatureStatistics statistics, SkippedRows skipped)
    {
        if (statistics.Tokens > 0)
            progress.Note($"going on after {statistics.Tokens} tokens");
        try
        {
            var model = microscope.Model;
            var batches = options.Text.Read(model.Tokenizer, statistics.Tokens, progress, () => model.ChatTemplate, skipped);
            foreach (var batch in batches)
                statistics.Add(batch, cancellationToken);
            statistics.Save();
        }
        catch (OperationCanceledException)
        {
            statistics.Save();
            progress.Note($"{statistics.Tokens} tokens are kept; a run with the same options goes on");
            throw;
        }
    }

    private BuiltDictionary Write(FeatureStatistics statistics, int index, SparseDictionary dictionary)
    {
        var (name, corpus) = (FeatureLinks.PageName(dictionary), statistics.Corpus);
        var stored = database.Begin(Source(dictionary, name, corpus), name, dictionary.Width, MadeOf(corpus));
        if (!stored.IsComplete)
        {
            var steps = progress is null ? null : new StatisticsReports(progress, name);
            foreach (var features in statistics.Dashboards(index, stored.Features, steps, cancellationToken).Chunk(FeaturesPerTransaction))
                database.Write(stored, [.. features.Select(one => new LabelledDashboard(one, []))]);
            database.Complete(stored);
        }
        foreach (var evaluation in Evaluations(dictionary, statistics.Quality(index)))
            database.SaveEvaluation(stored, evaluation);
        return new(stored.Model, name, dictionary.Width, corpus.Counted, corpus.Positions);
    }

    /// <summary>How well it does over this text, and what its training said.</summary>
    private IEnumerable<StoredEvaluation> Evaluations(SparseDictionary dictionary, DictionaryQuality quality)
    {
        yield return new(StoredEvaluation.Build, options.Text.Name, quality.Tokens)
        {
            L0 = quality.L0,
            Fvu = quality.Fvu,
            Cosine = quality.CosineSimilarity,
        };
        var folder = File.Exists(dictionary.Origin.Path) ? Path.GetDirectoryName(dictionary.Origin.Path)! : dictionary.Origin.Path;
        if (TrainingScores.Read(folder) is { } scores)
            yield return new(StoredEvaluation.Training, scores.MeasuredOn, scores.Tokens)
            {
                HeldOut = scores.HeldOut,
                L0 = scores.L0,
                Fvu = scores.Fvu,
                Cosine = scores.Cosine,
                CleanLoss = scores.CleanLoss,
                DeltaLoss = scores.DeltaLoss,
                LossRecovered = scores.LossRecovered,
            };
    }

    /// <summary>The same text in the database means the same pages.</summary>
    private string MadeOf(FeatureCorpus corpus) =>
        $"{options.Text.Description.Replace("\n", ", ", StringComparison.Ordinal)}; windows of {options.Text.Window}; {corpus}; seed {options.Seed}"
        + (options.Neurons ? "" : "; no neurons");

    private DashboardSource Source(SparseDictionary dictionary, string name, FeatureCorpus corpus)
    {
        var tokenizer = microscope.Model.Tokenizer;
        var layer = dictionary.InputSite.Layer ?? 0;
        return new DashboardSource
        {
            Model = FeatureLinks.ModelName(microscope.ModelName),
            Set = name.StartsWith($"{layer}-", StringComparison.Ordinal) ? name[(name.IndexOf('-', StringComparison.Ordinal) + 1)..] : name,
            Layer = layer,
            Hook = dictionary.InputSite.TransformerLensName,
            Corpus = corpus,
            CorpusId = MadeOf(corpus),
            Text = options.Text.Name,
            Pieces = [.. Enumerable.Range(0, tokenizer.VocabularySize).Select(tokenizer.Piece)],
            Bos = tokenizer.BosId,
            Pad = tokenizer.PadId,
        };
    }

    /// <summary>The steps of statistics as stages of the job, each a share.</summary>
    private sealed class StatisticsReports(IProgress<JobReport> progress, string subject) : IProgress<StatisticsProgress>
    {
        private const int Parts = 1000;

        public void Report(StatisticsProgress value) =>
            progress.Report(new JobStage($"{subject}: {value.Step}", (long)(Parts * value.Done), Parts));
    }
}
