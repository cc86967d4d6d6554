using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

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
