namespace GemmaScope.Circuits;

/// <summary>Groups of what is alike: begins with each alone and joins the two groups whose members are most alike on average, until none
/// reaches the threshold.</summary>
internal static class AverageLinkage
{
    /// <summary>The groups of two or more, each rising, the most alike first joined.</summary>
    /// <param name="count">How many there are.</param>
    /// <param name="similarity">Of two different ones; null where it is not known, so that they never come together.</param>
    /// <param name="threshold">The least average similarity at which two groups are joined.</param>
    public static IReadOnlyList<int[]> Groups(int count, Func<int, int, double?> similarity, double threshold)
    {
        var alike = new double[count, count];
        for (var i = 0; i < count; i++)
        for (var j = 0; j < i; j++)
            alike[i, j] = alike[j, i] = similarity(j, i) ?? double.NegativeInfinity;
        List<int>?[] groups = [.. Enumerable.Range(0, count).Select(i => new List<int> { i })];
        while (Closest(groups, alike) is var (one, other, best) && best >= threshold)
        {
            var (own, others) = (groups[one]!, groups[other]!);
            for (var k = 0; k < count; k++)
                alike[one, k] = alike[k, one] = (alike[one, k] * own.Count + alike[other, k] * others.Count) / (own.Count + others.Count);
            own.AddRange(others);
            groups[other] = null;
        }
        return [.. groups.Where(group => group is { Count: > 1 }).Select(group => group!.Order().ToArray())];
    }

    private static (int One, int Other, double Similarity) Closest(List<int>?[] groups, double[,] alike)
    {
        var best = (One: -1, Other: -1, Similarity: double.NegativeInfinity);
        for (var i = 0; i < groups.Length; i++)
        for (var j = 0; j < i && groups[i] is not null; j++)
            if (groups[j] is not null && alike[i, j] > best.Similarity)
                best = (j, i, alike[i, j]);
        return best;
    }
}
