namespace GemmaScope.Behaviour.Knowledge;

/// <summary>Rows in parts of about the same size, none of which shares a topic, or an entity, with another one.</summary>
public static class Folds
{
    /// <summary>The part of each row.</summary>
    /// <param name="keys">What must stay together: the topic of each row, or what it is about.</param>
    /// <param name="most">Parts at most, from 2.</param>
    /// <param name="seed">Decides which of equally common keys come first.</param>
    /// <exception cref="ArgumentProblemException">There is one key only.</exception>
    public static int[] Of(IReadOnlyList<string> keys, int most, int seed)
    {
        var counts = keys.CountBy(key => key).ToArray();
        if (counts.Length < 2)
            throw new ArgumentProblemException("all are about one thing; to learn from some and to test on others takes two", "keys");
        new Random(seed).Shuffle(counts);
        var sizes = new int[Math.Min(most, counts.Length)];
        Dictionary<string, int> parts = [];
        // The commonest first, each to where there is least.
        foreach (var (key, count) in counts.OrderByDescending(one => one.Value))
        {
            var least = Array.IndexOf(sizes, sizes.Min());
            sizes[least] += count;
            parts[key] = least;
        }
        return [.. keys.Select(key => parts[key])];
    }
}
