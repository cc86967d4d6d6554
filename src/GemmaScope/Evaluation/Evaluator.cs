using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Evaluation;

/// <summary>
/// Measures dictionaries over a text that comes in batches: all of them in one pass. Of each batch the clean run serves every dictionary,
/// and each encodes it once. Each set of dictionaries adds one run for each kind of edited run, from its first layer on. Only sums are
/// kept.
/// </summary>
public sealed class Evaluator
{
    private readonly GemmaModel _model;
    private readonly IReadOnlyList<SparseDictionary> _dictionaries;
    private readonly IReadOnlyList<SpliceSet> _sets;
    private readonly EvaluationOptions _options;
    private readonly Site[] _sites;

    /// <summary>An evaluation that has seen no text yet.</summary>
    /// <param name="model">The model.</param>
    /// <param name="dictionaries">Dictionaries of that model.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <exception cref="ArgumentProblemException">A dictionary reads or writes a site the model does not have or of another width, or
    /// cannot be spliced.</exception>
    public Evaluator(GemmaModel model, IReadOnlyList<SparseDictionary> dictionaries, EvaluationOptions? options = null)
    {
        (_model, _dictionaries, _options) = (model, dictionaries, options ?? new());
        foreach (var dictionary in dictionaries)
            Check(dictionary);
        var alone = dictionaries
            .Select((one, i) => (one, i))
            .Where(pair => Splice.Fits(pair.one))
            .Select(pair => new SpliceSet(pair.one.Name, [pair.i]));
        _sets = _options.Runs.Count == 0 ? [] : _options.Sets ?? [.. alone];
        foreach (var member in _sets.SelectMany(set => set.Members))
            if (!Splice.Fits(dictionaries[member]))
                throw new ArgumentProblemException(
                    "cannot be spliced into a run: what it writes at a site follows from activations that are computed later",
                    dictionaries[member].Name
                );
        var read = dictionaries.SelectMany(one => one.InputSites.Concat(one.OutputSites));
        var resumed = _sets.Select(FirstLayer).Where(layer => layer > 0).Select(layer => Site.ResidPost(layer - 1));
        _sites = [.. read.Concat(resumed).Distinct()];
        Sums = NewSums();
    }

    /// <summary>What was found so far.</summary>
    public EvaluationSums Sums { get; private set; }

    /// <summary>
    /// Whether a dictionary can be spliced into a run: what it writes at a site follows from what is computed up to there. True for SAEs,
    /// transcoders, cross-layer
    /// transcoders and weakly causal crosscoders, not where each feature reads all of several sites.
    /// </summary>
    public static bool CanSplice(SparseDictionary dictionary) => Splice.Fits(dictionary);

    /// <summary>Adds a batch. All or nothing: where it is cancelled or fails, the sums stay as they were.</summary>
    /// <param name="batch">Sequences that are run together.</param>
    /// <param name="cancellationToken">Stops between layers and blocks of features.</param>
    public void Add(EvaluationBatch batch, CancellationToken cancellationToken = default)
    {
        var part = NewSums();
        part.CountTokens(batch.Rows);
        using (
            var clean = _model.Run(
                batch.Sequences,
                capture: _sites,
                logits: _sets.Count > 0 ? LogitRows.All : LogitRows.None,
                arithmetic: _options.Arithmetic,
                cancellationToken: cancellationToken
            )
        )
        {
            var predictions = _sets.Count > 0 ? new Predictions(batch, clean.Logits!.AsMatrix()) : null;
            if (predictions is not null)
                part.Clean.Add(batch, _options.Positions, predictions.CrossEntropy);
            AddDictionaries(part, batch, clean, predictions, cancellationToken);
            foreach (var set in part.Sets.Where(set => CleanMember(set.Set) is null))
                AddTogether(set, batch, clean, predictions!, cancellationToken);
        }
        Sums.Merge(part);
    }

    /// <summary>Writes the sums, so that a later evaluation of the same kind can go on.</summary>
    /// <param name="file">A safetensors file; replaced if it exists.</param>
    /// <param name="description">What the evaluation is of; <see cref="Restore"/> hands it back.</param>
    public void Save(string file, IReadOnlyDictionary<string, string> description)
    {
        var state = new SumsState.Saving();
        Sums.Visit(state);
        SafetensorsWriter.Write(file, state.Tensors, description, overwrite: true);
    }

    /// <summary>Reads sums back in place of those so far.</summary>
    /// <param name="file">What <see cref="Save"/> wrote.</param>
    /// <param name="accept">Shown the description first; throws if it is of something else.</param>
    /// <exception cref="FileFormatException">The file is missing, malformed or of an evaluation with other sums.</exception>
    public void Restore(string file, Action<IReadOnlyDictionary<string, string>> accept)
    {
        using var state = SafetensorsFile.Open(file);
        accept(state.Metadata);
        var sums = NewSums();
        sums.Visit(new SumsState.Restoring(state));
        Sums = sums;
    }

    /// <summary>
    /// The derivative, at some sites, of the mean cross-entropy of each sequence over the predictions that count; zeros in sequences
    /// without one.
    /// [rows of the batch, width] each.
    /// </summary>
    internal static Dictionary<Site, Tensor> LossGradients(
        GemmaModel model,
        EvaluationBatch batch,
        IReadOnlyCollection<Site> sites,
        Arithmetic? arithmetic,
        CancellationToken cancellationToken
    )
    {
        var all = new Dictionary<Site, Tensor>();
        var (counted, start) = (batch.CountedPredictions(), 0);
        foreach (var ids in batch.Sequences)
        {
            var flags = counted[start..(start + ids.Length)];
            if (flags.Contains(true))
            {
                using var gradients = model.Gradients(
                    ids,
                    GradientTarget.CrossEntropyAt(flags),
                    sites,
                    arithmetic: arithmetic,
                    cancellationToken: cancellationToken
                );
                foreach (var site in sites)
                {
                    var one = gradients[site];
                    if (!all.TryGetValue(site, out var rows))
                        all[site] = rows = Tensor.Zeros(batch.Rows, one.Length / ids.Length);
                    one.AsSpan().CopyTo(rows.AsSpan().Slice(start * rows.Columns, (int)one.Length));
                }
            }
            start += ids.Length;
        }
        return all;
    }

    private EvaluationSums NewSums() => new(_dictionaries, _sets, _options.Runs);

    /// <summary>Everything about each dictionary that stands alone: it encodes and decodes once.</summary>
    private void AddDictionaries(
        EvaluationSums part,
        EvaluationBatch batch,
        ModelRun clean,
        Predictions? predictions,
        CancellationToken cancellationToken
    )
    {
        Site[] sites = _options.Uniformity ? [.. _dictionaries.SelectMany(one => one.OutputSites).Distinct()] : [];
        var gradients = sites.Length == 0 ? [] : LossGradients(_model, batch, sites, _options.Arithmetic, cancellationToken);
        for (var i = 0; i < _dictionaries.Count; i++)
        {
            var (dictionary, sums) = (_dictionaries[i], part.Dictionaries[i]);
            using var inputs = dictionary.InputSites.Count > 1 ? SparseDictionary.Beside(clean, dictionary.InputSites) : null;
            using var targets = dictionary.OutputSites.Count > 1 ? SparseDictionary.Beside(clean, dictionary.OutputSites) : null;
            var (input, target) = (
                (inputs ?? clean[dictionary.InputSite]).AsMatrix(),
                (targets ?? clean[dictionary.OutputSite]).AsMatrix()
            );
            var features = dictionary.Encode(input, cancellationToken);
            using var reconstruction = dictionary.Decode(features, input);
            sums.Add(batch, _options.Positions, features, target, reconstruction.AsMatrix());
            if (gradients.Count > 0)
            {
                using var gradient = Beside(gradients, dictionary.OutputSites);
                sums.AddUniformity(batch, dictionary, features, gradient.AsMatrix());
            }
            foreach (var set in part.Sets.Where(set => CleanMember(set.Set) == i))
            {
                if (set.Runs.ContainsKey(SplicedRun.Spliced))
                    set.Inside[0].Add(batch, target, features, reconstruction.AsMatrix());
                foreach (var (run, losses) in set.Runs)
                    AddRun(
                        losses,
                        set.Set,
                        [Splice.Alone(run, dictionary.OutputSite, reconstruction.AsMatrix(), batch, _options.Means)],
                        batch,
                        clean,
                        predictions!,
                        cancellationToken
                    );
            }
        }
        foreach (var gradient in gradients.Values)
            gradient.Dispose();
    }

    /// <summary>The dictionary of a set whose runs need no encoding of their own: it alone is spliced, and at one site.</summary>
    private int? CleanMember(SpliceSet set) => set.Members is [var only] && Splice.ReadsClean(_dictionaries[only]) ? only : null;

    /// <summary>The runs of dictionaries spliced in at once, or at several sites: a later one reads what an earlier one changed.</summary>
    private void AddTogether(
        SpliceEvaluation set,
        EvaluationBatch batch,
        ModelRun clean,
        Predictions predictions,
        CancellationToken cancellationToken
    )
    {
        SparseDictionary[] members = [.. set.Set.Members.Select(member => _dictionaries[member])];
        foreach (var (run, losses) in set.Runs)
        {
            SpliceObserver[]? observers =
                run == SplicedRun.Spliced
                    ?
                    [
                        .. set.Inside.Select<InsideSums, SpliceObserver>(inside =>
                            (x, features, reconstruction) => inside.Add(batch, x, features, reconstruction)
                        ),
                    ]
                    : null;
            AddRun(
                losses,
                set.Set,
                Splice.Edits(run, members, batch, _options.Means, observers, cancellationToken),
                batch,
                clean,
                predictions,
                cancellationToken
            );
        }
    }

    private void AddRun(
        RunLosses losses,
        SpliceSet set,
        IEnumerable<Edit> edits,
        EvaluationBatch batch,
        ModelRun clean,
        Predictions predictions,
        CancellationToken cancellationToken
    )
    {
        var layer = FirstLayer(set);
        ResumePoint? point = layer > 0 ? new(layer, clean[Site.ResidPost(layer - 1)].AsMatrix()) : null;
        using var edited = _model.Resume(batch.Sequences, point, edits, LogitRows.All, _options.Arithmetic, cancellationToken);
        var (crossEntropy, divergence) = predictions.Compare(edited.Logits!.AsMatrix());
        losses.Add(batch, _options.Positions, crossEntropy, divergence);
    }

    /// <summary>The first layer that splicing a set touches: up to there its runs are the clean one.</summary>
    private int FirstLayer(SpliceSet set) =>
        set.Members.SelectMany(member => _dictionaries[member].InputSites).Select(ResumePoint.LayerOf).DefaultIfEmpty().Min();

    private static Tensor Beside(Dictionary<Site, Tensor> gradients, IReadOnlyList<Site> sites)
    {
        var parts = sites.Select(site => gradients[site].AsMatrix()).ToArray();
        var result = Tensor.Uninitialized(parts[0].Rows, parts.Sum(part => part.Columns));
        var start = 0;
        foreach (var part in parts)
        {
            for (var row = 0; row < part.Rows; row++)
                part.Row(row).CopyTo(result.Row(row).Slice(start, part.Columns));
            start += part.Columns;
        }
        return result;
    }

    private void Check(SparseDictionary dictionary)
    {
        foreach (var site in dictionary.InputSites.Concat(dictionary.OutputSites))
            if (!_model.Config.Has(site))
                throw new ArgumentProblemException(
                    $"belongs to {site}, which the model does not have (layers 0 to {_model.Config.Layers - 1})",
                    dictionary.Name
                );
        var (reads, writes) = (dictionary.InputSites.Sum(Width), dictionary.OutputSites.Sum(Width));
        if (reads != dictionary.InputWidth || writes != dictionary.OutputWidth)
            throw new ArgumentProblemException(
                $"reads {dictionary.InputWidth} and writes {dictionary.OutputWidth} numbers a token where the model has {reads} and "
                    + $"{writes}; it belongs to another model",
                dictionary.Name
            );

        int Width(Site site) => _model.Config.SiteWidth(site);
    }
}
