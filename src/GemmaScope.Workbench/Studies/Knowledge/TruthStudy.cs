using GemmaScope.Behaviour.Knowledge;
using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>Probes of truth on statements, and what the model says of them in the same run.</summary>
internal sealed class TruthStudy(
    GemmaModel model,
    KnowledgeStudyJobOptions options,
    StudyFolder folder,
    IProgress<JobReport>? progress,
    CancellationToken cancellationToken
)
{
    private const int MostParts = 5,
        FewestTopics = 3;

    // A probe is tested on topics that neither fitted nor chose it, so there have to be three; else on other things of the same topics.
    public KnowledgeTruth Measure(IReadOnlyList<Statement> given)
    {
        progress.Stage("reading statements");
        var asked = AskedTexts.Of(model, options.Question, [.. given.Select(one => one.Text)], progress);
        Statement[] statements = [.. asked.Kept.Select(i => given[i])];
        bool[] labels = [.. statements.Select(one => one.IsTrue)],
            negated = [.. statements.Select(one => one.IsNegated)];
        var (parts, byTopic) = Parts(statements);
        var reading = new Lazy<(ResidualReadings Rows, YesNoAnswer[] Answers)>(() => Read(asked));
        var answers = folder.Part("truth answers", () => reading.Value.Answers);
        var layers = model.Config.Layers;
        var probes = folder.Part(
            "truth probes",
            () =>
            {
                var rows = reading.Value.Rows;
                return TruthProbing.Run(
                    layers,
                    AskedTexts.Points.Length,
                    (layer, point) => rows[Site.ResidPost(layer), point],
                    labels,
                    negated,
                    parts,
                    options.Seed,
                    progress.Counting("fitting probes of truth", "layers and points", layers * AskedTexts.Points.Length),
                    cancellationToken
                );
            }
        );
        var scores = Scores(statements, labels, negated, parts, asked, probes, answers);
        var holds = Holds(scores[0].Affirmed, [.. scores.Where(one => IsControl(one.Name)).Select(one => one.Affirmed)]);
        var negationHolds = holds && scores[0].Negated is { Low: > 0.5 };
        return new(
            statements.Length,
            labels.Count(label => label),
            negated.Count(one => one),
            byTopic,
            [.. statements.Select(one => one.Topic).Distinct()],
            AskedTexts.Points,
            probes.Cells,
            probes.Choices,
            scores,
            holds,
            negationHolds,
            Calibration.Of(Affirmed(labels), Affirmed(probes.Raw)),
            Calibration.Of(Affirmed(labels), Affirmed(probes.Probabilities)),
            SaidKnown.Of(statements, probes.Probabilities, answers, negationHolds, options),
            [
                .. statements.Select(
                    (one, i) =>
                        new StatementReading(
                            one.Id,
                            one.Topic,
                            options.ShowTexts ? one.Text : null,
                            one.IsTrue,
                            one.IsNegated,
                            probes.Probabilities[i],
                            answers[i].Probability,
                            answers[i].Mass
                        )
                ),
            ]
        );

        T[] Affirmed<T>(T[] values) => [.. values.Where((_, i) => !negated[i])];
    }

    internal const string RandomLabels = "shuffled labels",
        Words = "bag of words",
        Length = "length";

    private static bool IsControl(string name) => name is RandomLabels or Words or Length;

    /// <summary>Better than one half, and than the means of what it is compared with.</summary>
    private static bool Holds(MeanEstimate? probe, MeanEstimate?[] controls) =>
        probe is { Low: > 0.5 } && controls.All(control => control is null || probe.Mean > control.Mean);

    private (ResidualReadings, YesNoAnswer[]) Read(AskedTexts asked)
    {
        var words = YesNo.Of(model.Tokenizer, options.Yes, options.No);
        var answers = new YesNoAnswer[asked.Prompts.Length];
        var rows = asked.Read(
            model,
            (prompt, logits) => answers[prompt] = words.Read(logits),
            options.Organism,
            progress.Counting("reading statements", "statements", asked.Prompts.Length),
            cancellationToken
        );
        return (rows, answers);
    }

    private (int[] Parts, bool ByTopic) Parts(Statement[] statements)
    {
        var byTopic = statements.Select(one => one.Topic).Distinct().Take(FewestTopics).Count() == FewestTopics;
        var keys = statements.Select(one => byTopic ? one.Topic : one.About).ToArray();
        if (keys.Distinct().Take(FewestTopics).Count() < FewestTopics)
            throw new ArgumentProblemException(
                $"{statements.Length} statements about fewer than {FewestTopics} things are too few: probes are fitted on some, chosen on others and tested on others",
                new Setting(nameof(options.Statements))
            );
        var parts = Folds.Of(keys, MostParts, options.Seed);
        foreach (var part in statements.Zip(parts).Where(one => !one.First.IsNegated).GroupBy(one => one.Second))
            if (part.Select(one => one.First.IsTrue).Distinct().Count() < 2)
                throw new ArgumentProblemException(
                    $"the affirmed statements about {string.Join(", ", part.Take(3).Select(one => byTopic ? one.First.Topic : one.First.About))} are all true or all false; "
                        + "each topic needs both",
                    new Setting(nameof(options.Statements))
                );
        return (parts, byTopic);
    }

    private TruthScore[] Scores(
        Statement[] statements,
        bool[] labels,
        bool[] negated,
        int[] parts,
        AskedTexts asked,
        TruthProbes probes,
        YesNoAnswer[] answers
    )
    {
        var groups = statements.Select(one => one.About).ToArray();
        var words = folder.Part(
            "truth words",
            () =>
                TruthProbing.Baseline(
                    BagOfWords.Count(
                        Enumerable.Range(0, statements.Length).Select(i => asked.Words(i).AsEnumerable()),
                        model.Tokenizer.VocabularySize
                    ),
                    labels,
                    negated,
                    parts,
                    cancellationToken
                )
        );
        var lengths = folder.Part(
            "truth lengths",
            () =>
                TruthProbing.Baseline(
                    new SparseActivations(
                        1,
                        [.. Enumerable.Range(0, statements.Length + 1)],
                        new int[statements.Length],
                        [.. asked.Lengths.Select(length => (float)Math.Log(length))]
                    ),
                    labels,
                    negated,
                    parts,
                    cancellationToken
                )
        );
        return
        [
            Score("probe, fitted on affirmed statements", probes.Probabilities),
            .. probes.OnBoth is { } both ? (TruthScore[])[Score("probe, fitted on both", both)] : [],
            Score("the model's answer", Array.ConvertAll(answers, one => one.LogOdds)),
            Score(RandomLabels, probes.RandomLabels, probes.ShuffledLabels),
            Score(Words, words),
            Score(Length, lengths),
        ];

        TruthScore Score(string name, double[] values, bool[]? others = null) =>
            new(name, Auroc(values, others ?? labels, wanted: false), Auroc(values, others ?? labels, wanted: true));

        MeanEstimate? Auroc(double[] values, bool[] truth, bool wanted)
        {
            int[] places = [.. Enumerable.Range(0, values.Length).Where(i => negated[i] == wanted)];
            return KnowledgeMeans.Auroc(
                [.. places.Select(i => truth[i])],
                [.. places.Select(i => values[i])],
                [.. places.Select(i => groups[i])],
                options
            );
        }
    }
}

/// <summary>AUROCs with their intervals, in the form of means.</summary>
internal static class KnowledgeMeans
{
    /// <summary>The AUROC; null without both kinds.</summary>
    public static MeanEstimate? Auroc(bool[] labels, double[] scores, string[]? groups, StudyJobOptions options) =>
        Ranking.AurocOf(labels, scores) is { } auroc
        && RankingInterval.Of(labels, scores, groups, options.Resamples, options.Seed) is { } interval
            ? new(labels.Length, auroc, interval.Low, interval.High)
            : null;
}
