using GemmaScope.Dictionaries;

namespace GemmaScope.Evaluation;

/// <summary>Settings of <see cref="ProbeEvaluation"/>.</summary>
public sealed record ProbeEvaluationOptions
{
    /// <summary>The numbers of latents that are probed.</summary>
    public IReadOnlyList<int> Sizes { get; init; } = [1, 2, 5];

    /// <summary>C of all logistic probes.</summary>
    public double C { get; init; } = 1;

    /// <summary>Probes stop when no entry of the gradient is larger; scores do not need ten digits.</summary>
    public double GradientTolerance { get; init; } = 1e-2;
}

/// <summary>How well one method tells a class from the rest.</summary>
/// <param name="Method">The method.</param>
/// <param name="Dictionary">Which dictionary it reads, or whose input; null for methods that need no model.</param>
/// <param name="Features">The latents it uses; empty where it uses none.</param>
/// <param name="Accuracy">Share of right decisions on the test rows; null without rows.</param>
/// <param name="Auroc">Their AUROC; null without both classes.</param>
/// <param name="OtherAccuracy">Accuracy on the rows of another source; null without them.</param>
/// <param name="OtherAuroc">AUROC on them.</param>
public sealed record ProbeScore(
    string Method,
    int? Dictionary,
    IReadOnlyList<int> Features,
    double? Accuracy,
    double? Auroc,
    double? OtherAccuracy,
    double? OtherAuroc
);

/// <summary>The methods side by side on one task: one class against the rest.</summary>
/// <param name="Task">Its name.</param>
/// <param name="Train">Training rows and positives among them.</param>
/// <param name="Test">Test rows and positives.</param>
/// <param name="Other">Rows of another source and positives.</param>
/// <param name="Scores">One entry a method; "commonest class" first.</param>
public sealed record ProbeTask(string Task, RowCounts Train, RowCounts Test, RowCounts Other, IReadOnlyList<ProbeScore> Scores);

/// <summary>Rows and how many of them are positives.</summary>
/// <param name="Rows">Rows.</param>
/// <param name="Positives">Positives.</param>
public readonly record struct RowCounts(int Rows, int Positives)
{
    internal static RowCounts Of(bool[] labels) => new(labels.Length, labels.Count(label => label));
}

/// <summary>
/// k-sparse probing (METHODS §6.2) with what it must be compared with: a probe on the dense activations, the difference of means, a bag of
/// words,
/// the best single latent, and naming the commonest class. Everything that is chosen or fitted is so on the training rows.
/// </summary>
public static class ProbeEvaluation
{
    /// <summary>The baseline that looks at nothing.</summary>
    public const string Commonest = "commonest class";

    /// <summary>Fits all methods to the training rows and measures them on the others.</summary>
    /// <param name="task">The task's name.</param>
    /// <param name="train">Training rows.</param>
    /// <param name="trainLabels">Whether each is a positive; both classes are needed.</param>
    /// <param name="test">Test rows.</param>
    /// <param name="testLabels">Whether each is a positive.</param>
    /// <param name="other">Rows of another source; may have none.</param>
    /// <param name="otherLabels">Whether each is a positive.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="cancellationToken">Stops between two steps of a fit.</param>
    public static ProbeTask Run(
        string task,
        PooledTexts train,
        bool[] trainLabels,
        PooledTexts test,
        bool[] testLabels,
        PooledTexts other,
        bool[] otherLabels,
        ProbeEvaluationOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        options ??= new ProbeEvaluationOptions();
        var logistic = new LogisticOptions { C = options.C, GradientTolerance = options.GradientTolerance };
        List<ProbeScore> scores = [];
        var commonest = trainLabels.Count(label => label) * 2 >= trainLabels.Length;
        Measure(Commonest, null, [], 0.5, read => Enumerable.Repeat(commonest ? 1.0 : 0.0, read.Words.Rows).ToArray());
        var words = LogisticProbe.Fit(train.Words, trainLabels, logistic, cancellationToken);
        Measure("bag of words", null, [], 0, read => words.Scores(read.Words));
        for (var d = 0; d < train.Features.Count; d++)
        {
            var own = d;
            var isNew = train.Dense.Take(d).All(dense => dense != train.Dense[own]);
            if (isNew)
            {
                var dense = LogisticProbe.Fit(train.Dense[d], trainLabels, logistic, cancellationToken);
                Measure("dense probe", d, [], 0, read => dense.Scores(read.Dense[own]));
                var direction = MeanDifference.Of(train.Dense[d], trainLabels);
                Measure(
                    "difference of means",
                    d,
                    [],
                    ScoreThreshold.Fit(trainLabels, SparseProducts.Times(train.Dense[d], direction)),
                    read => SparseProducts.Times(read.Dense[own], direction)
                );
            }
            var x = train.Features[d];
            var best = BestLatent.Choose(x, trainLabels);
            Measure(
                "best latent",
                d,
                [best.Feature],
                ScoreThreshold.Fit(trainLabels, best.Scores(x)),
                read => best.Scores(read.Features[own])
            );
            var ranking = MeanDifference.Rank(MeanDifference.Of(x, trainLabels));
            foreach (var k in options.Sizes)
            {
                if (k < 1)
                    throw new ArgumentProblemException($"must be at least 1, found {k}", "k");
                var probe = KSparseProbe.Fit(x, trainLabels, ranking[..Math.Min(k, ranking.Length)], logistic, cancellationToken);
                Measure($"{k} latent{(k == 1 ? "" : "s")}", d, probe.Features, 0, read => probe.Scores(read.Features[own]));
            }
        }
        return new ProbeTask(task, RowCounts.Of(trainLabels), RowCounts.Of(testLabels), RowCounts.Of(otherLabels), scores);

        void Measure(string method, int? dictionary, IReadOnlyList<int> features, double threshold, Func<PooledTexts, double[]> score)
        {
            double[] own = score(test),
                foreign = score(other);
            scores.Add(
                new ProbeScore(
                    method,
                    dictionary,
                    features,
                    Confusion.At(testLabels, own, threshold).Accuracy,
                    Ranking.AurocOf(testLabels, own),
                    Confusion.At(otherLabels, foreign, threshold).Accuracy,
                    Ranking.AurocOf(otherLabels, foreign)
                )
            );
        }
    }
}
