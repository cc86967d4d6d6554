namespace GemmaScope.Behaviour.Knowledge;

/// <summary>How far known and unknown names differ in something that is no knowledge: in units of their common spread.</summary>
/// <param name="Tokens">Difference of the mean number of tokens.</param>
/// <param name="Frequency">Difference of the mean frequency.</param>
public sealed record NameDifference(double Tokens, double Frequency);

/// <summary>
/// Pairs of a known and an unknown name that have as many tokens and are about as common. Known names are shorter and more common than unknown
/// ones, and whatever reads length or frequency separates them: a published separation of known from unknown entities lost its perfect score
/// when names were matched.
/// </summary>
public static class EntityMatching
{
    // Names of a pair differ in frequency by at most this share of the spread of all (Austin's caliper for matching).
    private const double Caliper = 0.2;

    /// <summary>The pairs: of each known name its nearest unknown one that is still free.</summary>
    /// <param name="known">Whether each name is known.</param>
    /// <param name="tokens">Tokens of each.</param>
    /// <param name="frequencies">How common each is, on any scale whose differences mean something (a logarithm).</param>
    public static IReadOnlyList<(int Known, int Unknown)> Pairs(
        IReadOnlyList<bool> known,
        IReadOnlyList<int> tokens,
        IReadOnlyList<double> frequencies
    )
    {
        var most = Caliper * Spread(frequencies);
        HashSet<int> free = [.. Enumerable.Range(0, known.Count).Where(i => !known[i])];
        List<(int, int)> pairs = [];
        // The most uncommon lengths first: they have the fewest partners.
        var sizes = tokens.CountBy(one => one).ToDictionary();
        foreach (var i in Enumerable.Range(0, known.Count).Where(i => known[i]).OrderBy(i => sizes[tokens[i]]).ThenBy(i => i))
        {
            var nearest = free.Where(j => tokens[j] == tokens[i] && Distance(i, j) <= most)
                .OrderBy(j => Distance(i, j))
                .ThenBy(j => j)
                .Cast<int?>()
                .FirstOrDefault();
            if (nearest is not { } partner)
                continue;
            free.Remove(partner);
            pairs.Add((i, partner));
        }
        return pairs;

        double Distance(int i, int j) => Math.Abs(frequencies[i] - frequencies[j]);
    }

    /// <summary>How far the known and unknown of some names differ: mean difference over the spread of all names.</summary>
    /// <param name="known">Whether each name is known.</param>
    /// <param name="tokens">Tokens of each.</param>
    /// <param name="frequencies">How common each is.</param>
    /// <param name="places">Which names; null without both kinds.</param>
    public static NameDifference? Difference(
        IReadOnlyList<bool> known,
        IReadOnlyList<int> tokens,
        IReadOnlyList<double> frequencies,
        IReadOnlyList<int> places
    )
    {
        int[] one = [.. places.Where(i => known[i])],
            other = [.. places.Where(i => !known[i])];
        return one.Length == 0 || other.Length == 0
            ? null
            : new(Standardised([.. tokens.Select(value => (double)value)]), Standardised(frequencies));

        double Standardised(IReadOnlyList<double> values)
        {
            var spread = Spread(values);
            return spread > 0 ? (one.Average(i => values[i]) - other.Average(i => values[i])) / spread : 0;
        }
    }

    private static double Spread(IReadOnlyList<double> values)
    {
        if (values.Count == 0)
            return 0;
        var mean = values.Average();
        return Math.Sqrt(values.Average(value => (value - mean) * (value - mean)));
    }
}
