using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Evaluation;

/// <summary>How well the methods detect a concept: AUROC on texts they have not seen; null where it is undefined or the method does not
/// apply.</summary>
/// <param name="Concept">The concept.</param>
/// <param name="Train">Texts learned from.</param>
/// <param name="Eval">Texts measured on.</param>
/// <param name="Labelled">The feature that the set names; null unless the dictionary is the one that the set was made from.</param>
/// <param name="Best">The feature with the highest AUROC on the training texts.</param>
/// <param name="BestFeature">Which that is.</param>
/// <param name="DiffMean">The difference of means, its largest projection over the text's tokens.</param>
/// <param name="Probe">A logistic probe on mean activations.</param>
/// <param name="Words">A logistic probe on counts of words.</param>
public sealed record ConceptScores(
    Concept Concept,
    RowCounts Train,
    RowCounts Eval,
    double? Labelled,
    double? Best,
    int BestFeature,
    double? DiffMean,
    double? Probe,
    double? Words
);

/// <summary>
/// Detection of concepts (METHODS §6.4): features, pooled by their largest value over the tokens that count, beside a difference of means,
/// a probe
/// and a bag of words. What is chosen or fitted is so on the training texts.
/// </summary>
public static class ConceptDetection
{
    private const double GradientTolerance = 1e-2;

    /// <summary>Measures all concepts of a set.</summary>
    /// <param name="model">The model.</param>
    /// <param name="dictionary">A dictionary of one input site.</param>
    /// <param name="set">The set.</param>
    /// <param name="source">The dictionary's name in the set's terms, <c>gemma-2-2b/20-gemmascope-res-16k</c> of Neuronpedia; null where it
    /// has none. The index of a feature means nothing in another dictionary, so the features that the set names are used only if the names
    /// agree.</param>
    /// <param name="context">Tokens of a text at most; the beginning is kept.</param>
    /// <param name="progress">Told how many texts have been read.</param>
    /// <param name="cancellationToken">Stops between layers, blocks of features and steps of a fit.</param>
    public static IReadOnlyList<ConceptScores> Run(
        GemmaModel model,
        SparseDictionary dictionary,
        ConceptSet set,
        string? source = null,
        int context = 512,
        IProgress<long>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        if (dictionary.InputSites.Count != 1)
            throw new ArgumentProblemException("reads several sites; concepts are detected at one", dictionary.Name);
        TokenText[] Tokens(IEnumerable<ConceptText> texts) => [.. texts.Select(text => TokenText.Of(model.Tokenizer, text.Text, context))];
        var train = PooledTexts.Read(model, [dictionary], Tokens(set.Train), FeaturePooling.Max, progress, cancellationToken);
        var learned = set.Concepts.Select(concept => Learned.From(concept, set, train, cancellationToken)).ToArray();
        // Only the largest projections are kept of the evaluation texts, so directions must be known before they are run.
        var tokens = Tokens(set.Eval);
        var projections = new double[set.Eval.Count];
        var directionOf = learned.ToDictionary(one => one.Concept.Id, one => one.Direction);
        var offset = new Offset(progress, set.Train.Count);
        var eval = PooledTexts.Read(
            model,
            [dictionary],
            tokens,
            FeaturePooling.Max,
            offset,
            (row, x) =>
            {
                if (directionOf.TryGetValue(set.Eval[row].Concept, out var direction))
                    projections[row] = LargestProjection(x, tokens[row].Counted, direction);
            },
            cancellationToken
        );
        return
        [
            .. learned.Select(one =>
                Score(one, set, eval, projections, source is not null && one.Concept.Source == source ? one.Concept.Feature : null)
            ),
        ];
    }

    private static ConceptScores Score(Learned learned, ConceptSet set, PooledTexts eval, double[] projections, int? labelled)
    {
        int[] rows = [.. Enumerable.Range(0, set.Eval.Count).Where(row => set.Eval[row].Concept == learned.Concept.Id)];
        bool[] labels = [.. rows.Select(row => set.Eval[row].Positive)];
        var own = eval.Rows(rows);
        double? Auroc(double[] scores) => Ranking.AurocOf(labels, scores);
        return new ConceptScores(
            learned.Concept,
            learned.Rows,
            RowCounts.Of(labels),
            labelled is { } feature ? Auroc(new BestLatent(feature, 1, 0).Scores(own.Features[0])) : null,
            Auroc(learned.Best.Scores(own.Features[0])),
            learned.Best.Feature,
            Auroc([.. rows.Select(row => projections[row])]),
            Auroc(learned.Probe.Scores(own.Dense[0])),
            Auroc(learned.Words.Scores(own.Words))
        );
    }

    /// <summary>What a concept's training texts teach.</summary>
    private sealed record Learned(
        Concept Concept,
        RowCounts Rows,
        BestLatent Best,
        float[] Direction,
        LogisticProbe Probe,
        LogisticProbe Words
    )
    {
        public static Learned From(Concept concept, ConceptSet set, PooledTexts train, CancellationToken cancellationToken)
        {
            int[] rows =
            [
                .. Enumerable
                    .Range(0, set.Train.Count)
                    .Where(row =>
                        set.Train[row].Positive
                            ? set.Train[row].Concept == concept.Id
                            : set.Train[row].Concept == concept.Id
                                || (set.Train[row].Concept == -1 && set.Train[row].Genre == concept.Genre)
                    ),
            ];
            bool[] labels = [.. rows.Select(row => set.Train[row].Positive)];
            if (!labels.Contains(false))
                throw new ArgumentProblemException(
                    $"has no negative texts of the genre {concept.Genre} to learn concept {concept.Id} from",
                    "train"
                );
            var own = train.Rows(rows);
            var logistic = new LogisticOptions { GradientTolerance = GradientTolerance };
            return new Learned(
                concept,
                RowCounts.Of(labels),
                BestLatent.Choose(own.Features[0], labels, bothSigns: false),
                Difference(own, labels),
                LogisticProbe.Fit(own.Dense[0], labels, logistic, cancellationToken),
                LogisticProbe.Fit(own.Words, labels, logistic, cancellationToken)
            );
        }

        /// <summary>Mean over all counted tokens of positive texts minus that of negative ones.</summary>
        private static float[] Difference(PooledTexts texts, bool[] labels)
        {
            var sums = new double[2][] { new double[texts.Dense[0].Width], new double[texts.Dense[0].Width] };
            var tokens = new long[2];
            for (var row = 0; row < labels.Length; row++)
            {
                SparseProducts.AddRow(texts.Dense[0], row, texts.Counted[row], sums[labels[row] ? 1 : 0]);
                tokens[labels[row] ? 1 : 0] += texts.Counted[row];
            }
            return
            [
                .. sums[1]
                    .Zip(sums[0], (positive, negative) => (float)(positive / Math.Max(1, tokens[1]) - negative / Math.Max(1, tokens[0]))),
            ];
        }
    }

    private static double LargestProjection(MatrixView x, bool[] counted, float[] direction)
    {
        var largest = double.NegativeInfinity;
        for (var row = 0; row < x.Rows; row++)
            if (counted[row])
                largest = Math.Max(largest, TensorPrimitives.Dot<float>(x.Row(row), direction));
        return double.IsFinite(largest) ? largest : 0;
    }

    private sealed class Offset(IProgress<long>? progress, long before) : IProgress<long>
    {
        public void Report(long value) => progress?.Report(before + value);
    }
}
