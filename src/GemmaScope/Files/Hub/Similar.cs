namespace GemmaScope.Files;

/// <summary>Names that may have been meant.</summary>
public static class Similar
{
    private const int Most = 3;

    /// <summary>The up to three candidates with the least edit distance, none that differs in more than half of its letters.</summary>
    public static List<string> To(string name, IEnumerable<string> candidates) =>
        [
            .. candidates
                .Select(c => (Name: c, Distance: Distance(name, c)))
                .Where(c => c.Distance <= Math.Max(name.Length, c.Name.Length) / 2)
                .OrderBy(c => c.Distance)
                .ThenBy(c => c.Name, StringComparer.Ordinal)
                .Take(Most)
                .Select(c => c.Name),
        ];

    /// <summary>Levenshtein distance, in one row.</summary>
    internal static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var replace = diagonal + (char.ToUpperInvariant(a[i - 1]) == char.ToUpperInvariant(b[j - 1]) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replace, Math.Min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.Length];
    }
}
