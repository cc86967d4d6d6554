namespace GemmaScope.Workbench;

/// <summary>
/// Which positions of two prompts belong together: prompts of one length position by position; of others what both begin with and what
/// both end with, while the part between belongs to one alone.
/// </summary>
internal static class TokenAlignment
{
    /// <summary>For each position of the first prompt that of the second, or null.</summary>
    public static int?[] Of(IReadOnlyList<int> first, IReadOnlyList<int> second)
    {
        var (shorter, start, end) = (Math.Min(first.Count, second.Count), 0, 0);
        if (first.Count == second.Count)
            return [.. Enumerable.Range(0, first.Count).Select(position => (int?)position)];
        while (start < shorter && first[start] == second[start])
            start++;
        while (end < shorter - start && first[^(end + 1)] == second[^(end + 1)])
            end++;
        return
        [
            .. Enumerable
                .Range(0, first.Count)
                .Select(position =>
                    position < start ? position
                    : position >= first.Count - end ? position - first.Count + second.Count
                    : (int?)null
                ),
        ];
    }
}
