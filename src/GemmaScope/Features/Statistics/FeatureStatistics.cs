using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Files;
using GemmaScope.Models;

namespace GemmaScope.Features.Statistics;

/// <summary>What statistics were made over.</summary>
/// <param name="Sequences">Windows of text.</param>
/// <param name="Positions">Tokens, special ones included.</param>
/// <param name="Counted">Tokens that count.</param>
/// <param name="LongestSequence">Tokens of the longest window.</param>
public sealed record FeatureCorpus(int Sequences, long Positions, long Counted, int LongestSequence);

/// <summary>
/// Dashboards of all features of some dictionaries (METHODS §7) over a text of any length. The model runs once: the active features of
/// every position are written to a folder, segment after segment, and all that depends on maxima is found by reading them again. That costs
/// 8 bytes
/// for each active feature of each token on disk, keeps every count exact, and lets an interrupted run go on.
/// </summary>
public sealed class FeatureStatistics : IDisposable
{
    private const string SegmentsKey = "segments";

    private readonly GemmaModel _model;
    private readonly IReadOnlyList<SparseDictionary> _dictionaries;
    private readonly string _folder;
    private readonly FeatureStatisticsOptions _options;
    private readonly Dictionary<string, string> _description;
    private readonly ActivationSegments _store = new();
    private readonly NeuronSums[] _neurons;
    private readonly QualitySums _quality;
    private readonly List<EvaluationBatch> _batches = [];
    private readonly List<SparseActivations[]> _features = [];
    private readonly FileLock _lock;

    /// <summary>Begins statistics, or goes on with those that a folder holds.</summary>
    /// <param name="model">The model.</param>
    /// <param name="dictionaries">Dictionaries of sites this model has.</param>
    /// <param name="folder">Where the activations are kept; made where it is missing.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="description">What they are of; a folder with another description is refused.</param>
    /// <exception cref="GemmaScopeException">The folder belongs to other statistics, is written by another process, cannot be read, or a
    /// dictionary does not fit the model.</exception>
    public FeatureStatistics(
        GemmaModel model,
        IReadOnlyList<SparseDictionary> dictionaries,
        string folder,
        FeatureStatisticsOptions? options = null,
        IReadOnlyDictionary<string, string>? description = null
    )
    {
        (_model, _dictionaries, _folder, _options) = (model, dictionaries, folder, options ?? new());
        _description = new(description ?? new Dictionary<string, string>()) { ["neurons"] = $"{_options.Neurons}" };
        foreach (var dictionary in dictionaries)
            Check(dictionary);
        _neurons = _options.Neurons ? [.. dictionaries.Select(one => new NeuronSums(one.Width, one.InputWidth))] : [];
        _quality = new QualitySums(dictionaries);
        _lock = FileLock.Take(Path.Combine(folder, "statistics.lock"), folder, "the folder of statistics");
        try
        {
            GoOn();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Tokens that are in the statistics, special ones included.</summary>
    public long Tokens => _store.Positions + _batches.Sum(batch => (long)batch.Rows);

    /// <summary>What the statistics were made over so far.</summary>
    public FeatureCorpus Corpus => new(_store.Sequences, _store.Positions, _store.Counted, _store.LongestSequence);

    /// <summary>How well a dictionary does over the same positions.</summary>
    /// <param name="dictionary">Its index among those given.</param>
    public DictionaryQuality Quality(int dictionary) => _quality[dictionary];

    /// <summary>Runs the model over a batch and keeps the features. All or nothing.</summary>
    /// <param name="batch">Sequences that are run together, and which positions count.</param>
    /// <param name="cancellationToken">Stops between layers and blocks of features.</param>
    public void Add(EvaluationBatch batch, CancellationToken cancellationToken = default)
    {
        using var run = _model.Run(
            batch.Sequences,
            capture: _dictionaries.SelectMany(one => one.InputSites.Concat(one.OutputSites)).Distinct(),
            logits: LogitRows.None,
            arithmetic: _options.Arithmetic,
            cancellationToken: cancellationToken
        );
        SparseActivations[] features = [.. _dictionaries.Select(one => one.Encode(run, cancellationToken))];
        for (var d = 0; d < _neurons.Length; d++)
        {
            using var x = SparseDictionary.Beside(run, _dictionaries[d].InputSites);
            _neurons[d].Add(x.AsMatrix(), features[d], batch.Counted);
        }
        for (var d = 0; d < features.Length; d++)
            _quality.Add(run, d, features[d], batch.Counted);
        _batches.Add(batch);
        _features.Add(features);
        if (_batches.Sum(one => one.Rows) >= _options.TokensPerSegment)
            Save();
    }

    /// <summary>Writes what was added since the last segment; a killed process loses no more than what was not yet written.</summary>
    public void Save()
    {
        if (_batches.Count == 0)
            return;
        var number = _store.Segments.Count;
        var description = new Dictionary<string, string>(_description) { [SegmentsKey] = $"{number + 1}" };
        ActivationSegment.Write(SegmentFile(number), _batches, _features, description);
        // The sums are of all segments: they count as written only together with the segment of the same number.
        for (var d = 0; d < _neurons.Length; d++)
            _neurons[d].Save(NeuronFile(d, number + 1), description);
        _quality.Save(QualityFile(number + 1), description);
        _store.Add(ActivationSegment.Open(SegmentFile(number), _dictionaries.Count, RequireSame));
        foreach (var file in SumFiles(number))
            File.Delete(file);
        _batches.Clear();
        _features.Clear();
    }

    /// <summary>The dashboards of a dictionary, feature after feature.</summary>
    /// <param name="dictionary">Its index among those given.</param>
    /// <param name="first">The feature to begin with.</param>
    /// <param name="progress">Told what is being done and how far it is.</param>
    /// <param name="cancellationToken">Stops between segments and blocks.</param>
    public IEnumerable<FeatureDashboard> Dashboards(
        int dictionary,
        int first = 0,
        IProgress<StatisticsProgress>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        Save();
        using var builder = new DashboardBuilder(
            _model,
            _dictionaries[dictionary],
            _store,
            dictionary,
            _neurons.ElementAtOrDefault(dictionary),
            _folder,
            _options,
            progress,
            cancellationToken
        );
        foreach (var dashboard in builder.Dashboards(first, progress, cancellationToken))
            yield return dashboard;
    }

    /// <summary>Closes the files; the folder stays.</summary>
    public void Dispose()
    {
        Close();
        _lock.Dispose();
    }

    /// <summary>Closes the files and deletes them, and the folder where it holds nothing else.</summary>
    public void Delete()
    {
        Close();
        // As long as the lock is held nobody can have begun other statistics there.
        foreach (var pattern in (ReadOnlySpan<string>)["segment-*.safetensors", "neurons-*.safetensors", "quality-*.safetensors"])
        foreach (var file in Directory.EnumerateFiles(_folder, pattern))
            File.Delete(file);
        _lock.Dispose();
        if (!Directory.EnumerateFileSystemEntries(_folder).Any())
            Directory.Delete(_folder);
    }

    private void Close()
    {
        _store.Dispose();
        foreach (var sums in _neurons)
            sums.Dispose();
    }

    private string SegmentFile(int number) => Path.Combine(_folder, $"segment-{number:00000}.safetensors");

    private string NeuronFile(int dictionary, int segments) => Path.Combine(_folder, $"neurons-{dictionary}-{segments:00000}.safetensors");

    private string QualityFile(int segments) => Path.Combine(_folder, $"quality-{segments:00000}.safetensors");

    private IEnumerable<string> SumFiles(int segments) =>
        Enumerable.Range(0, _neurons.Length).Select(d => NeuronFile(d, segments)).Append(QualityFile(segments));

    private void GoOn()
    {
        foreach (var left in Directory.EnumerateFiles(_folder, "*.partial"))
            File.Delete(left);
        var segments = 0;
        while (File.Exists(SegmentFile(segments)))
            segments++;
        if (segments > 0)
            ActivationSegment.Open(SegmentFile(0), _dictionaries.Count, RequireSame).Dispose();
        // A process that was killed between the files of a step left a segment that the sums do not know.
        while (segments > 0 && SumFiles(segments).Any(file => !File.Exists(file)))
            File.Delete(SegmentFile(--segments));
        for (var number = 0; number < segments; number++)
            _store.Add(ActivationSegment.Open(SegmentFile(number), _dictionaries.Count, RequireSame));
        if (segments == 0)
            return;
        for (var d = 0; d < _neurons.Length; d++)
            _neurons[d].Restore(NeuronFile(d, segments), RequireSame);
        _quality.Restore(QualityFile(segments), RequireSame);
    }

    private void RequireSame(IReadOnlyDictionary<string, string> saved)
    {
        foreach (var (key, value) in _description)
            if (saved.GetValueOrDefault(key) != value)
                throw new ArgumentProblemException(
                    $"holds statistics with another {key} ({saved.GetValueOrDefault(key)?.ReplaceLineEndings(", ") ?? "none"}); "
                        + "give the same, or another folder",
                    _folder
                );
    }

    private void Check(SparseDictionary dictionary)
    {
        foreach (var site in dictionary.InputSites)
            if (!_model.Config.Has(site))
                throw new ArgumentProblemException(
                    $"belongs to {site}, which the model does not have (layers 0 to {_model.Config.Layers - 1})",
                    dictionary.Name
                );
        var reads = dictionary.InputSites.Sum(site => _model.Config.SiteWidth(site));
        if (reads != dictionary.InputWidth)
            throw new ArgumentProblemException(
                $"reads {dictionary.InputWidth} numbers a token where the model has {reads}; it belongs to another model",
                dictionary.Name
            );
    }
}
