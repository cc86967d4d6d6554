namespace GemmaScope.Workbench;

/// <summary>Features that mean nothing, which fire as often as some that are studied.</summary>
internal static class MatchedFeatures
{
    private const int Among = 20;

    /// <summary>For each feature another one, drawn among the few that fire most nearly as often; fewer where there are too few.</summary>
    /// <param name="features">The features.</param>
    /// <param name="densities">How often each feature of the dictionary fires.</param>
    /// <param name="taken">What may not be drawn; what is drawn is added.</param>
    /// <param name="seed">Decides.</param>
    public static int[] Draw(IReadOnlyList<int> features, double[] densities, HashSet<int> taken, int seed)
    {
        var random = new Random(seed);
        List<int> found = [];
        foreach (var feature in features)
        {
            int[] near =
            [
                .. Enumerable
                    .Range(0, densities.Length)
                    .Where(i => !taken.Contains(i))
                    .OrderBy(i => Math.Abs(densities[i] - densities[feature]))
                    .ThenBy(i => i)
                    .Take(Among),
            ];
            if (near.Length == 0)
                break;
            var drawn = near[random.Next(near.Length)];
            taken.Add(drawn);
            found.Add(drawn);
        }
        return [.. found];
    }
}
