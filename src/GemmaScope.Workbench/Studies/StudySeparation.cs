using System.Text.Json.Serialization;
using GemmaScope.Dictionaries;
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

/// <summary>Sparse rows from lists of their entries.</summary>
internal static class SparseRows
{
    /// <summary>A matrix of rows, each with its columns in rising order.</summary>
    public static SparseActivations Of(int width, IEnumerable<IEnumerable<(int Column, float Value)>> rows)
    {
        List<int> starts = [0],
            columns = [];
        List<float> values = [];
        foreach (var row in rows)
        {
            foreach (var (column, value) in row)
            {
                columns.Add(column);
                values.Add(value);
            }
            starts.Add(columns.Count);
        }
        return new(width, [.. starts], [.. columns], [.. values]);
    }
}

/// <summary>A way of telling two classes apart, which learns from some rows and gives every row a score.</summary>
internal abstract record StudyPredictor(string Name)
{
    /// <summary>Looks at the rows that may be learned from, whatever their labels will be.</summary>
    /// <returns>Learns from labels: a score for every row, higher for positives, and what was chosen.</returns>
    public abstract Func<bool[], (double[] Scores, string Chosen)> On(int[] train);
}

/// <summary>One number for each row, of which the direction is learned.</summary>
internal sealed record NumberPredictor(string Name, double[] Values) : StudyPredictor(Name)
{
    public override Func<bool[], (double[] Scores, string Chosen)> On(int[] train) =>
        labels =>
        {
            var higher = Ranking.AurocOf([.. train.Select(row => labels[row])], [.. train.Select(row => Values[row])]) is not < 0.5;
            return (higher ? Values : Array.ConvertAll(Values, value => -value), higher ? "higher" : "lower");
        };
}

/// <summary>Columns of which the best are chosen by their AUROC: one alone, or several in a logistic probe.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Columns">A row for each case; no value is below 0.</param>
/// <param name="Most">Columns at most; one is taken as it is.</param>
/// <param name="Called">What a column is called.</param>
internal sealed record ColumnPredictor(string Name, SparseActivations Columns, int Most, Func<int, string> Called) : StudyPredictor(Name)
{
    // A column of fewer rows says nothing about others.
    private const int FewestRows = 3;

    public override Func<bool[], (double[] Scores, string Chosen)> On(int[] train)
    {
        var ranks = Ranks(train);
        return labels =>
        {
            var best = Best(ranks, train, labels, Most);
            if (best.Length == 0)
                return (new double[Columns.Rows], "nothing fires often enough");
            var chosen = string.Join(", ", best.Take(5).Select(one => $"{Called(one.Column)} {(one.Auroc < 0.5 ? "lower" : "higher")}"));
            return (Most == 1 ? Single(best[0]) : Probe(best, train, labels), best.Length > 5 ? $"{chosen}, …" : chosen);
        };
    }

    /// <summary>The columns whose AUROC is farthest from ½ on some rows.</summary>
    public (int Column, double Auroc)[] Best(int[] train, bool[] labels, int most) => Best(Ranks(train), train, labels, most);

    private static (int Column, double Auroc)[] Best(List<ColumnRanks> ranks, int[] train, bool[] labels, int most)
    {
        var positives = train.Count(row => labels[row]);
        return
        [
            .. ranks
                .Select(one => (one.Column, Auroc: one.Auroc(labels, positives, train.Length)))
                .OrderByDescending(one => Math.Abs(one.Auroc - 0.5))
                .ThenBy(one => one.Column)
                .Take(most),
        ];
    }

    /// <summary>A column as a score, higher for positives.</summary>
    public double[] Single((int Column, double Auroc) best) =>
        [.. Enumerable.Range(0, Columns.Rows).Select(row => (best.Auroc < 0.5 ? -1.0 : 1.0) * Columns.Value(row, best.Column))];

    private double[] Probe((int Column, double Auroc)[] best, int[] train, bool[] labels)
    {
        int[] columns = [.. best.Select(one => one.Column).Order()];
        double[] scale = [.. columns.Select(column => 1 / Math.Max(1e-12, train.Max(row => (double)Columns.Value(row, column))))];
        SparseActivations Of(IReadOnlyList<int> rows)
        {
            return SparseRows.Of(
                columns.Length,
                rows.Select(row =>
                    columns
                        .Index()
                        .Select(one => (one.Index, (float)(Columns.Value(row, one.Item) * scale[one.Index])))
                        .Where(one => one.Item2 != 0)
                )
            );
        }
        var probe = LogisticProbe.Fit(Of(train), [.. train.Select(row => labels[row])]);
        return probe.Scores(Of([.. Enumerable.Range(0, Columns.Rows)]));
    }

    /// <summary>The ranks of each column's values among the rows; they are the same whatever the labels are.</summary>
    private List<ColumnRanks> Ranks(int[] train)
    {
        var entries = new Dictionary<int, List<(int Row, float Value)>>();
        foreach (var row in train)
        {
            var indices = Columns.Indices(row);
            var values = Columns.Values(row);
            for (var i = 0; i < indices.Length; i++)
            {
                if (!entries.TryGetValue(indices[i], out var list))
                    entries[indices[i]] = list = [];
                list.Add((row, values[i]));
            }
        }
        return
        [
            .. entries
                .Where(one => one.Value.Count >= FewestRows)
                .OrderBy(one => one.Key)
                .Select(one => ColumnRanks.Of(one.Key, one.Value, train.Length)),
        ];
    }

    /// <summary>The rows of a column that are not 0, with their mid-ranks; all others share one.</summary>
    private sealed record ColumnRanks(int Column, int[] Rows, double[] Ranks, double Zero)
    {
        public static ColumnRanks Of(int column, List<(int Row, float Value)> entries, int count)
        {
            entries.Sort((a, b) => a.Value.CompareTo(b.Value));
            var zeros = count - entries.Count;
            var ranks = new double[entries.Count];
            for (int start = 0, end; start < ranks.Length; start = end)
            {
                end = start + 1;
                while (end < ranks.Length && entries[end].Value == entries[start].Value)
                    end++;
                Array.Fill(ranks, zeros + (start + 1 + end) / 2.0, start, end - start);
            }
            return new(column, [.. entries.Select(one => one.Row)], ranks, (zeros + 1) / 2.0);
        }

        /// <summary>Mann-Whitney by the sum of ranks of positives.</summary>
        public double Auroc(bool[] labels, int positives, int count)
        {
            double sum = 0;
            var here = 0;
            for (var i = 0; i < Rows.Length; i++)
                if (labels[Rows[i]])
                {
                    sum += Ranks[i];
                    here++;
                }
            sum += (positives - here) * Zero;
            return (sum - positives * (positives + 1) / 2.0) / (positives * (double)(count - positives));
        }
    }
}
