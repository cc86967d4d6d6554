using System.Buffers;

namespace GemmaScope.Text;

/// <summary>Finds pieces that are taken from the text as they stand, before any merge: leftmost first, longest at a place.</summary>
internal sealed class LiteralMatcher
{
    private readonly PieceTrie _trie = new();
    private readonly SearchValues<char> _firstCharacters;

    public LiteralMatcher(IEnumerable<(string Text, int Id)> literals)
    {
        var first = new HashSet<char>();
        foreach (var (text, id) in literals)
        {
            _trie.Add(text, id);
            first.Add(text[0]);
        }
        _firstCharacters = SearchValues.Create([.. first]);
    }

    /// <summary>Finds the next literal at or after <paramref name="from"/>.</summary>
    public bool TryFind(ReadOnlySpan<char> text, int from, out int start, out int length, out int id)
    {
        for (start = from; start < text.Length; start++)
        {
            var skipped = text[start..].IndexOfAny(_firstCharacters);
            if (skipped < 0)
                break;
            start += skipped;
            length = LongestAt(text[start..], out id);
            if (length > 0)
                return true;
        }
        (start, length, id) = (text.Length, 0, -1);
        return false;
    }

    /// <summary>The length of the longest literal that <paramref name="text"/> begins with, 0 if none.</summary>
    public int LongestAt(ReadOnlySpan<char> text, out int id)
    {
        var (node, longest) = (PieceTrie.Root, 0);
        id = -1;
        for (var i = 0; i < text.Length && _trie.TryStep(ref node, text[i]); i++)
            if (_trie.IdAt(node) is >= 0 and var found)
                (longest, id) = (i + 1, found);
        return longest;
    }
}
