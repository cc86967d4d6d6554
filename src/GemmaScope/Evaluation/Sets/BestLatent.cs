using GemmaScope.Dictionaries;

namespace GemmaScope.Evaluation;

/// <summary>The one column that tells positives from negatives best.</summary>
/// <param name="Feature">The column.</param>
/// <param name="Sign">1 where it is larger on positives, −1 where it is smaller.</param>
/// <param name="Auroc">Its AUROC on the rows it was chosen on, with the sign.</param>
public sealed record BestLatent(int Feature, int Sign, double Auroc)
{
    /// <summary>Chooses it by AUROC; of equal ones the lower index.</summary>
    /// <param name="x">One row for each example.</param>
    /// <param name="labels">Whether each is a positive.</param>
    /// <param name="bothSigns">Whether a column may be smaller on positives.</param>
    /// <exception cref="ArgumentProblemException">There are not as many labels as rows, or not both classes.</exception>
    public static BestLatent Choose(SparseActivations x, ReadOnlySpan<bool> labels, bool bothSigns = true)
    {
        Labels.RequireBoth(x, labels);
        var columns = new Dictionary<int, List<(float Value, bool Positive)>>();
        for (var row = 0; row < x.Rows; row++)
        for (var i = 0; i < x.Indices(row).Length; i++)
        {
            if (!columns.TryGetValue(x.Indices(row)[i], out var column))
                columns[x.Indices(row)[i]] = column = [];
            column.Add((x.Values(row)[i], labels[row]));
        }
        var positives = labels.Count(true);
        var best = new BestLatent(0, 1, 0.5);
        foreach (var (feature, column) in columns.OrderBy(pair => pair.Key))
        {
            var auroc = AurocOf(column, positives, x.Rows - positives);
            var (sign, value) = bothSigns && auroc < 0.5 ? (-1, 1 - auroc) : (1, auroc);
            if (value > best.Auroc)
                best = new(feature, sign, value);
        }
        return best;
    }

    /// <summary>The score of each row.</summary>
    public double[] Scores(SparseActivations x)
    {
        var scores = new double[x.Rows];
        for (var row = 0; row < x.Rows; row++)
            scores[row] = Sign * x.Value(row, Feature);
        return scores;
    }

    /// <summary>AUROC of a column of which only what is not 0 is given: the rest is one block of equal scores.</summary>
    private static double AurocOf(List<(float Value, bool Positive)> column, int positives, int negatives)
    {
        int hits = column.Count(one => one.Positive),
            restPositives = positives - hits,
            restNegatives = negatives - (column.Count - hits);
        double above = 0;
        long below = 0;
        var zeros = false;
        var values = column.OrderBy(one => one.Value).ToArray();
        for (var start = 0; start < values.Length || !zeros; )
        {
            if (!zeros && (start == values.Length || values[start].Value > 0))
            {
                above += restPositives * (below + restNegatives / 2.0);
                below += restNegatives;
                zeros = true;
                continue;
            }
            var end = start;
            int tiedPositives = 0,
                tiedNegatives = 0;
            for (; end < values.Length && values[end].Value == values[start].Value; end++)
                _ = values[end].Positive ? tiedPositives++ : tiedNegatives++;
            above += tiedPositives * (below + tiedNegatives / 2.0);
            below += tiedNegatives;
            start = end;
        }
        return above / ((double)positives * negatives);
    }
}
