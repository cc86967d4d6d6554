using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Evaluation;

/// <summary>What a dictionary met in a run it was spliced into.</summary>
/// <param name="x">[rows, width] activations at its output site, before they were replaced.</param>
/// <param name="features">Features of each row.</param>
/// <param name="reconstruction">[rows, width] what the features stand for.</param>
internal delegate void SpliceObserver(MatrixView x, SparseActivations features, MatrixView reconstruction);

/// <summary>
/// The edits of a spliced run. Each dictionary reads the current run: a later one sees what an earlier one changed. Rows are those of all
/// sequences of a batch.
/// </summary>
internal static class Splice
{
    /// <summary>
    /// Whether a dictionary can be spliced: what it writes at a site follows from what was computed up to there. So not where each feature
    /// reads all of several sites.
    /// </summary>
    public static bool Fits(SparseDictionary dictionary)
    {
        var (inputs, outputs) = (dictionary.InputSites, dictionary.OutputSites);
        return (dictionary is MultiLayerDictionary || (inputs.Count, outputs.Count) == (1, 1))
            && inputs.Zip(outputs).All(pair => pair.First <= pair.Second)
            && inputs.Zip(inputs.Skip(1)).All(pair => pair.First < pair.Second);
    }

    /// <summary>Whether all that a dictionary reads in a run into which it alone is spliced is the clean run's.</summary>
    public static bool ReadsClean(SparseDictionary dictionary) => dictionary is not MultiLayerDictionary;

    /// <summary>The edits that make a run of the model an edited one.</summary>
    /// <param name="run">What is put where.</param>
    /// <param name="dictionaries">The dictionaries spliced (or whose output sites are ablated) together.</param>
    /// <param name="batch">The sequences of the run.</param>
    /// <param name="means">For <see cref="SplicedRun.MeanAblated"/>: the mean at each output site.</param>
    /// <param name="observers">One for each dictionary, or null.</param>
    /// <param name="cancellationToken">Stops between blocks of features.</param>
    public static IEnumerable<Edit> Edits(
        SplicedRun run,
        IReadOnlyList<SparseDictionary> dictionaries,
        EvaluationBatch batch,
        IReadOnlyDictionary<Site, float[]>? means = null,
        IReadOnlyList<SpliceObserver>? observers = null,
        CancellationToken cancellationToken = default
    )
    {
        var where = Where(run, batch);
        return IsAblation(run)
            ? dictionaries.SelectMany(one => one.OutputSites).Select(site => Ablate(run, site, where, means))
            : dictionaries.SelectMany(
                (one, i) =>
                    one is MultiLayerDictionary layers
                        ? new LayerwiseSplice(layers, where, observers?[i], cancellationToken).Edits()
                        : Reconstruct(one, where, observers?[i], cancellationToken)
            );
    }

    /// <summary>The edit where one dictionary is spliced alone that <see cref="ReadsClean"/>: its reconstruction is known.</summary>
    /// <param name="run">What is put where.</param>
    /// <param name="site">The dictionary's output site.</param>
    /// <param name="reconstruction">[rows, width] of the clean run.</param>
    /// <param name="batch">The sequences of the run.</param>
    /// <param name="means">For <see cref="SplicedRun.MeanAblated"/>: the mean at each output site.</param>
    public static Edit Alone(
        SplicedRun run,
        Site site,
        MatrixView reconstruction,
        EvaluationBatch batch,
        IReadOnlyDictionary<Site, float[]>? means
    )
    {
        var where = Where(run, batch);
        return IsAblation(run) ? Ablate(run, site, where, means) : Edit.OfAllSequences(site, rows => Replace(rows, reconstruction, where));
    }

    private static bool[] Where(SplicedRun run, EvaluationBatch batch) =>
        run switch
        {
            SplicedRun.SplicedBosToo => batch.CountedOrBos,
            SplicedRun.SplicedEverywhere or SplicedRun.ZeroAblatedEverywhere => batch.Everywhere,
            _ => batch.Counted,
        };

    private static bool IsAblation(SplicedRun run) =>
        run is SplicedRun.ZeroAblated or SplicedRun.ZeroAblatedEverywhere or SplicedRun.MeanAblated;

    private static Edit Ablate(SplicedRun run, Site site, bool[] where, IReadOnlyDictionary<Site, float[]>? means)
    {
        var mean = run == SplicedRun.MeanAblated ? MeanAt(site, means) : null;
        return Edit.OfAllSequences(
            site,
            rows =>
            {
                for (var row = 0; row < rows.Rows; row++)
                {
                    if (!where[row])
                        continue;
                    if (mean is null)
                        rows.Row(row).Clear();
                    else
                        mean.CopyTo(rows.Row(row));
                }
            }
        );
    }

    private static IEnumerable<Edit> Reconstruct(
        SparseDictionary dictionary,
        bool[] where,
        SpliceObserver? observer,
        CancellationToken cancellationToken
    )
    {
        Tensor? kept = null;
        if (dictionary.InputSite != dictionary.OutputSite)
            yield return Edit.OfAllSequences(dictionary.InputSite, rows => kept = Copy(rows));
        yield return Edit.OfAllSequences(
            dictionary.OutputSite,
            rows =>
            {
                using var read = kept;
                var input = read?.AsMatrix() ?? rows;
                var features = dictionary.Encode(input, cancellationToken);
                using var reconstruction = dictionary.Decode(features, input);
                observer?.Invoke(rows, features, reconstruction.AsMatrix());
                Replace(rows, reconstruction.AsMatrix(), where);
            }
        );
    }

    /// <summary>Puts other rows in place at the positions asked for.</summary>
    public static void Replace(MatrixView rows, MatrixView by, bool[] where)
    {
        for (var row = 0; row < rows.Rows; row++)
            if (where[row])
                by.Row(row).CopyTo(rows.Row(row));
    }

    private static float[] MeanAt(Site site, IReadOnlyDictionary<Site, float[]>? means) =>
        means?.GetValueOrDefault(site)
        ?? throw new ArgumentProblemException(
            $"mean ablation needs the mean at {site}; measure it in an earlier pass over the text",
            "means"
        );

    /// <summary>Rows as they are before anything replaces them.</summary>
    public static Tensor Copy(MatrixView rows)
    {
        var copy = Tensor.Uninitialized(rows.Rows, rows.Columns);
        for (var i = 0; i < rows.Rows; i++)
            rows.Row(i).CopyTo(copy.Row(i));
        return copy;
    }
}
