namespace GemmaScope.Store;

internal sealed partial class SqlFeatureDatabase
{
    /// <summary>Words and letters that a search takes: the time it needs grows with them.</summary>
    private const int MostWords = 32,
        LongestWord = 100;

    public IReadOnlyList<SearchHit> Search(string text, int limit, StoredDictionary? within)
    {
        var words = Words(text);
        if (words.Length == 0)
            return [];
        if (words.Length > MostWords)
            throw new ArgumentProblemException($"has {words.Length} words; a search takes {MostWords} at most", "search");
        if (words.FirstOrDefault(word => word.Length > LongestWord) is { } longest)
            throw new ArgumentProblemException($"has a word of {longest.Length} letters; {LongestWord} are the most", "search");
        return Read(statement =>
        {
            var dictionaries = statement
                .Rows($"SELECT {DictionaryColumns} FROM dictionary", Dictionary)
                .Where(IsSound)
                .ToDictionary(one => one.Id);
            var found = statement.Rows(
                _dialect.FindWords,
                row => row.GetInt64(0),
                ("query", _dialect.Query(words)),
                ("limit", (long)limit),
                ("first", within is null ? 0 : Key(within.Id, 0)),
                ("end", within is null ? long.MaxValue : Key(within.Id + 1, 0))
            );
            return Rows(statement, [.. found.Where(key => dictionaries.ContainsKey(key >> 32))])
                .Select(hit => new SearchHit(dictionaries[hit.Key >> 32].Model, dictionaries[hit.Key >> 32].Name, hit.Row))
                .ToArray();
        });
    }

    /// <summary>The words of a search. One that another begins with says nothing more.</summary>
    private static string[] Words(string text)
    {
        var words = new string([.. text.Select(c => char.IsLetterOrDigit(c) ? char.ToLowerInvariant(c) : ' ')])
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Distinct()
            .Order(StringComparer.Ordinal)
            .ToArray();
        // In this order a word stands directly before those that it begins.
        return [.. words.Where((word, i) => i == words.Length - 1 || !words[i + 1].StartsWith(word, StringComparison.Ordinal))];
    }
}
