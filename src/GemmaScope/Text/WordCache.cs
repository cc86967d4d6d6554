namespace GemmaScope.Text;

/// <summary>
/// The tokens of words met before. A word has one place, where a later word may replace it, so the memory is
/// bounded; entries never change, so any number of threads may read and write without a lock.
/// </summary>
internal sealed class WordCache
{
    private const int Places = 1 << 15;

    private readonly Entry?[] _entries = new Entry?[Places];

    /// <summary>The tokens of a word, counted from its first character, or null.</summary>
    public Token[]? Find(ReadOnlySpan<char> word) =>
        _entries[PlaceOf(word)] is { } entry && word.SequenceEqual(entry.Word) ? entry.Tokens : null;

    /// <summary>Keeps the tokens of a word that stood at <paramref name="offset"/>.</summary>
    public void Remember(ReadOnlySpan<char> word, ReadOnlySpan<Token> tokens, int offset)
    {
        var relative = new Token[tokens.Length];
        for (var i = 0; i < tokens.Length; i++)
            relative[i] = new(tokens[i].Id, tokens[i].Start - offset, tokens[i].End - offset);
        _entries[PlaceOf(word)] = new(word.ToString(), relative);
    }

    private static int PlaceOf(ReadOnlySpan<char> word) => string.GetHashCode(word) & (Places - 1);

    private sealed record Entry(string Word, Token[] Tokens);
}
