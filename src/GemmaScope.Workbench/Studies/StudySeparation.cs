using System.Text.Json.Serialization;
using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

/// <summary>A case that belongs to one of two classes.</summary>
/// <param name="Group">Cases of one group are on one side of the split, and are drawn together.</param>
/// <param name="IsPositive">Its class.</param>
internal sealed record StudyCase(string Group, bool IsPositive);

/// <summary>How well something tells two classes apart: chosen on one half of the groups, measured on the other.</summary>
/// <param name="By">What tells them apart.</param>
/// <param name="Chosen">What was chosen on the first half: the feature, and in which direction it points.</param>
/// <param name="Auroc">AUROC on the second half; null where it has one class only.</param>
/// <param name="Shuffled">The same with shuffled labels, chosen and measured anew: its mean and the span of 95 % of shuffles.</param>
/// <param name="Caught">The share of positives of the second half above the threshold that one of twenty negatives of the first half
/// passes.</param>
/// <param name="FalseAlarms">The share of its negatives above it.</param>
public sealed record StudySeparator(
    string By,
    string Chosen,
    MeanEstimate? Auroc,
    MeanEstimate? Shuffled,
    MeanEstimate? Caught,
    MeanEstimate? FalseAlarms
)
{
    /// <summary>Where one feature is chosen of many: those that are best on the first half, best first.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<StudyColumn>? Best { get; init; }
}

/// <summary>A feature that tells two classes apart.</summary>
/// <param name="Feature">The feature.</param>
/// <param name="IsHigher">Whether it is higher in positives.</param>
/// <param name="Selection">Its AUROC in that direction on the half that chose it.</param>
/// <param name="Auroc">The same on the other half.</param>
public sealed record StudyColumn(int Feature, bool IsHigher, double Selection, MeanEstimate? Auroc);

/// <summary>What tells two classes apart, with its baselines and a control.</summary>
/// <param name="Question">Which classes.</param>
/// <param name="Positive">What a positive is.</param>
/// <param name="Negative">What a negative is.</param>
/// <param name="Positives">Positives in the first and in the second half.</param>
/// <param name="Negatives">Negatives in both.</param>
/// <param name="Separators">What was tried; empty where a half has one class only.</param>
public sealed record StudySeparation(
    string Question,
    string Positive,
    string Negative,
    IReadOnlyList<int> Positives,
    IReadOnlyList<int> Negatives,
    IReadOnlyList<StudySeparator> Separators
)
{
    private const int Splits = 50,
        Listed = 10;
    private const double Alarms = 0.05;

    /// <summary>Splits the cases by group and measures each way of telling the classes apart.</summary>
    internal static StudySeparation Of(
        (string Question, string Positive, string Negative) names,
        IReadOnlyList<StudyCase> cases,
        IReadOnlyList<StudyPredictor> predictors,
        int shuffles,
        StudyJobOptions options
    )
    {
        var labels = cases.Select(one => one.IsPositive).ToArray();
        if (Split(cases, options.Seed) is not { } split)
        {
            var positives = labels.Count(label => label);
            return new(names.Question, names.Positive, names.Negative, [positives, 0], [labels.Length - positives, 0], []);
        }
        var (train, test) = split;
        int Count(int[] rows, bool label) => rows.Count(row => labels[row] == label);
        return new(
            names.Question,
            names.Positive,
            names.Negative,
            [Count(train, true), Count(test, true)],
            [Count(train, false), Count(test, false)],
            [.. predictors.Select(one => Measure(one, cases, labels, train, test, shuffles, options))]
        );
    }

    private static StudySeparator Measure(
        StudyPredictor predictor,
        IReadOnlyList<StudyCase> cases,
        bool[] labels,
        int[] train,
        int[] test,
        int shuffles,
        StudyJobOptions options
    )
    {
        var fit = predictor.On(train);
        var (scores, chosen) = fit(labels);
        var random = new Random(options.Seed);
        List<double> shuffled = [];
        for (var i = 0; i < shuffles; i++)
        {
            var mixed = (bool[])labels.Clone();
            foreach (var rows in (int[][])[train, test])
            {
                bool[] values = [.. rows.Select(row => labels[row])];
                random.Shuffle(values);
                foreach (var (row, value) in rows.Zip(values))
                    mixed[row] = value;
            }
            if (Auroc(mixed, fit(mixed).Scores, test) is { } one)
                shuffled.Add(one);
        }
        double[] negatives = [.. train.Where(row => !labels[row]).Select(row => scores[row]).OrderDescending()];
        var threshold = negatives[(int)(Alarms * negatives.Length)];
        MeanEstimate? Above(bool label) =>
            StudyMeans.Share(test.Where(row => labels[row] == label).Select(row => scores[row] > threshold), options);
        return new(
            predictor.Name,
            chosen,
            Estimate(cases, labels, scores, test, options),
            shuffled.Count == 0 ? null : Between(shuffled.Count, shuffled.Average(), shuffled),
            Above(true),
            Above(false)
        )
        {
            Best = predictor is ColumnPredictor { Most: 1 } columns
                ?
                [
                    .. columns
                        .Best(train, labels, Listed)
                        .Select(one => new StudyColumn(
                            one.Column,
                            one.Auroc >= 0.5,
                            Math.Max(one.Auroc, 1 - one.Auroc),
                            Estimate(cases, labels, columns.Single(one), test, options)
                        )),
                ]
                : null,
        };
    }

    /// <summary>AUROC with an interval over groups, of which each is drawn as a whole.</summary>
    private static MeanEstimate? Estimate(
        IReadOnlyList<StudyCase> cases,
        bool[] labels,
        double[] scores,
        int[] test,
        StudyJobOptions options
    )
    {
        if (Auroc(labels, scores, test) is not { } measured)
            return null;
        var groups = test.GroupBy(row => cases[row].Group).Select(group => group.ToArray()).ToArray();
        var random = new Random(options.Seed);
        List<double> drawn = [];
        for (var i = 0; i < options.Resamples; i++)
            if (
                Auroc(labels, scores, [.. Enumerable.Range(0, groups.Length).SelectMany(_ => groups[random.Next(groups.Length)])]) is
                { } one
            )
                drawn.Add(one);
        return Between(test.Length, measured, drawn);
    }

    private static MeanEstimate Between(int count, double mean, List<double> draws)
    {
        draws.Sort();
        double At(double share) => draws.Count == 0 ? mean : draws[(int)Math.Round(share * (draws.Count - 1))];
        return new(count, mean, At(0.025), At(0.975));
    }

    private static double? Auroc(bool[] labels, double[] scores, int[] rows) =>
        Ranking.AurocOf([.. rows.Select(row => labels[row])], [.. rows.Select(row => scores[row])]);

    /// <summary>Two halves of the groups, the first split by the seed in which each half has some of each class.</summary>
    private static (int[] Train, int[] Test)? Split(IReadOnlyList<StudyCase> cases, int seed)
    {
        const int least = 4;
        var groups = cases.Index().GroupBy(one => one.Item.Group, one => one.Index).Select(group => group.ToArray()).ToArray();
        var random = new Random(seed);
        for (var i = 0; i < Splits; i++)
        {
            random.Shuffle(groups);
            int[] train = [.. groups.Take(groups.Length / 2).SelectMany(group => group)],
                test = [.. groups.Skip(groups.Length / 2).SelectMany(group => group)];
            if (
                new[] { train, test }.All(rows =>
                    ((bool[])[true, false]).All(label => rows.Count(row => cases[row].IsPositive == label) >= least)
                )
            )
                return (train, test);
        }
        return null;
    }
}
