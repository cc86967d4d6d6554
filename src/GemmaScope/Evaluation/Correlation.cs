namespace GemmaScope.Evaluation;

/// <summary>Correlations of pairs; null where a side is constant or there are fewer than two pairs.</summary>
public static class Correlation
{
    /// <summary>Pearson's, in two passes so that a large offset costs no digits.</summary>
    public static double? Pearson(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        if (a.Length != b.Length)
            throw new ArgumentProblemException($"{a.Length} numbers against {b.Length}", "b");
        if (a.Length < 2 || !a.ContainsAnyExcept(a[0]) || !b.ContainsAnyExcept(b[0]))
            return null;
        var (meanA, meanB) = (Mean(a), Mean(b));
        double product = 0,
            squaresA = 0,
            squaresB = 0;
        for (var i = 0; i < a.Length; i++)
        {
            var (x, y) = (a[i] - meanA, b[i] - meanB);
            (product, squaresA, squaresB) = (product + x * y, squaresA + x * x, squaresB + y * y);
        }
        return product / Math.Sqrt(squaresA * squaresB);
    }

    /// <summary>Spearman's: Pearson's of average ranks.</summary>
    public static double? Spearman(ReadOnlySpan<double> a, ReadOnlySpan<double> b) => Pearson(Ranks(a), Ranks(b));

    /// <summary>Ranks from 1; equal numbers share the mean of theirs.</summary>
    public static double[] Ranks(ReadOnlySpan<double> values)
    {
        var sorted = values.ToArray();
        int[] order = [.. Enumerable.Range(0, sorted.Length)];
        Array.Sort(sorted, order);
        var ranks = new double[sorted.Length];
        for (int start = 0, end; start < sorted.Length; start = end)
        {
            for (end = start; end < sorted.Length && sorted[end] == sorted[start]; )
                end++;
            for (var i = start; i < end; i++)
                ranks[order[i]] = (start + 1 + end) / 2.0;
        }
        return ranks;
    }

    private static double Mean(ReadOnlySpan<double> values)
    {
        double sum = 0;
        foreach (var value in values)
            sum += value;
        return sum / values.Length;
    }
}
