namespace GemmaScope.Circuits;

/// <summary>
/// Chooses the features whose rows are computed where there are too many (METHODS §4.5 step 7): those with the most influence on the
/// targets as far as the rows known by then tell, some at a time.
/// </summary>
internal static class GreedyBudget
{
    /// <summary>The least divisor of a row while not all are known.</summary>
    private const double Floor = 1e-8;

    /// <summary>The features in the order in which they are chosen.</summary>
    /// <param name="rows">All features, of which rows become known by and by; the targets' are known.</param>
    /// <param name="weights">w of each target.</param>
    /// <param name="limit">How many features are chosen; at most all.</param>
    /// <param name="queue">How many are chosen between two rankings.</param>
    /// <param name="compute">Makes the rows of features known.</param>
    public static int[] Choose(GraphRows rows, IReadOnlyList<double> weights, int limit, int queue, Action<IReadOnlyList<int>> compute)
    {
        var (order, seen) = (new List<int>(limit), new bool[rows.Features]);
        while (order.Count < limit)
        {
            var influence = GraphInfluence.Of(rows, weights, floor: Floor).Influence;
            var next = Enumerable
                .Range(0, rows.Features)
                .Where(feature => !seen[feature])
                .OrderByDescending(feature => influence[feature])
                .Take(Math.Min(queue, limit - order.Count))
                .ToArray();
            compute(next);
            order.AddRange(next);
            foreach (var feature in next)
                seen[feature] = true;
        }
        return [.. order];
    }
}
