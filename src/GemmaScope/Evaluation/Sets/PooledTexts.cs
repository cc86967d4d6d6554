using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Evaluation;

/// <summary>How the features of a text's tokens become one row.</summary>
public enum FeaturePooling
{
    /// <summary>The mean over the tokens that count, as for k-sparse probing (METHODS §6.2).</summary>
    Mean,

    /// <summary>The largest over the tokens that count, as for the detection of concepts (METHODS §6.4).</summary>
    Max,
}

/// <summary>
/// Texts as several dictionaries, the model alone, and a count of words see them: one row a text. One run of the model serves all
/// dictionaries;
/// only pooled rows are kept.
/// </summary>
public sealed class PooledTexts
{
    private PooledTexts(
        IReadOnlyList<SparseActivations> features,
        IReadOnlyList<SparseActivations> dense,
        SparseActivations words,
        IReadOnlyList<int> counted
    ) => (Features, Dense, Words, Counted) = (features, dense, words, counted);

    /// <summary>Of each dictionary the pooled features: [texts, width].</summary>
    public IReadOnlyList<SparseActivations> Features { get; }

    /// <summary>Of each dictionary the mean activations at its input: [texts, input width]; the same object where two read the same
    /// site.</summary>
    public IReadOnlyList<SparseActivations> Dense { get; }

    /// <summary>How often each token occurs: [texts, vocabulary].</summary>
    public SparseActivations Words { get; }

    /// <summary>Of each text how many tokens count.</summary>
    public IReadOnlyList<int> Counted { get; }

    /// <summary>Reads texts.</summary>
    /// <param name="model">The model.</param>
    /// <param name="dictionaries">Dictionaries trained on it, one or several.</param>
    /// <param name="texts">The texts.</param>
    /// <param name="pooling">How features are pooled; activations are averaged.</param>
    /// <param name="progress">Told how many texts have been read.</param>
    /// <param name="cancellationToken">Stops between layers and blocks of features.</param>
    public static PooledTexts Read(
        GemmaModel model,
        IReadOnlyList<SparseDictionary> dictionaries,
        IReadOnlyList<TokenText> texts,
        FeaturePooling pooling = FeaturePooling.Mean,
        IProgress<long>? progress = null,
        CancellationToken cancellationToken = default
    ) => Read(model, dictionaries, texts, pooling, progress, null, cancellationToken);

    /// <summary>The same, with somebody who looks at each text's activations at the first dictionary's input before they are
    /// forgotten.</summary>
    internal static PooledTexts Read(
        GemmaModel model,
        IReadOnlyList<SparseDictionary> dictionaries,
        IReadOnlyList<TokenText> texts,
        FeaturePooling pooling,
        IProgress<long>? progress,
        Action<int, MatrixView>? look,
        CancellationToken cancellationToken
    )
    {
        var features = dictionaries.Select(one => new FeatureRows(texts.Count, one.Width)).ToArray();
        var sites = dictionaries.Select(one => string.Join(' ', one.InputSites)).ToArray();
        var dense = sites
            .Distinct()
            .ToDictionary(name => name, name => new FeatureRows(texts.Count, dictionaries[Array.IndexOf(sites, name)].InputWidth));
        var row = 0;
        foreach (var batch in TokenText.Batches(texts))
        {
            using var run = model.Run(
                [.. batch.Select(text => text.Ids)],
                capture: dictionaries.SelectMany(one => one.InputSites).Distinct(),
                logits: LogitRows.None,
                cancellationToken: cancellationToken
            );
            HashSet<string> done = [];
            for (var d = 0; d < dictionaries.Count; d++)
            {
                using var x = SparseDictionary.Beside(run, dictionaries[d].InputSites);
                var encoded = dictionaries[d].Encode(x.AsMatrix(), cancellationToken);
                var isNew = done.Add(sites[d]);
                for (var i = 0; i < batch.Length; i++)
                {
                    var (start, count) = run.RowsOf(i);
                    var own = encoded.SliceRows(start, count);
                    foreach (
                        var (feature, value) in pooling == FeaturePooling.Mean
                            ? Pooling.Mean(own, batch[i].Counted)
                            : Pooling.Max(own, batch[i].Counted)
                    )
                        features[d][row + i].Add(feature, value);
                    if (d == 0)
                        look?.Invoke(row + i, x.AsMatrix().SliceRows(start, count));
                    if (isNew)
                        AddMean(dense[sites[d]][row + i], x.AsMatrix().SliceRows(start, count), batch[i].Counted);
                }
            }
            row += batch.Length;
            progress?.Report(row);
        }
        var means = dense.ToDictionary(pair => pair.Key, pair => pair.Value.ToActivations());
        return new PooledTexts(
            [.. features.Select(rows => rows.ToActivations())],
            [.. sites.Select(name => means[name])],
            BagOfWords.Count(texts.Select(text => text.Ids), model.Config.VocabularyRows),
            [.. texts.Select(text => text.Counted.Count(flag => flag))]
        );
    }

    /// <summary>Some of the texts, in the order given.</summary>
    public PooledTexts Rows(IReadOnlyList<int> rows)
    {
        var dense = Dense.Distinct().ToDictionary(x => x, x => SparseProducts.Rows(x, rows));
        return new PooledTexts(
            [.. Features.Select(x => SparseProducts.Rows(x, rows))],
            [.. Dense.Select(x => dense[x])],
            SparseProducts.Rows(Words, rows),
            [.. rows.Select(row => Counted[row])]
        );
    }

    private static void AddMean(FeatureRow row, MatrixView x, bool[] counted)
    {
        var mean = new float[x.Columns];
        Pooling.Mean(x, counted, mean);
        for (var i = 0; i < mean.Length; i++)
            row.Add(i, mean[i]);
    }
}
