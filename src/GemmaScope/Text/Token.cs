using System.Runtime.InteropServices;

namespace GemmaScope.Text;

/// <summary>One token and the characters [Start, End) it stands for.</summary>
internal readonly record struct Token(int Id, int Start, int End);

/// <summary>Collects tokens; knows what to write for text that has no piece.</summary>
/// <param name="byteIds">The pieces of the 256 bytes, or null where unknown text becomes <paramref name="unknown"/>.</param>
/// <param name="unknown">The unknown piece.</param>
internal sealed class TokenSink(int[]? byteIds, int unknown)
{
    private readonly List<Token> _tokens = [];

    public Span<Token> Tokens => CollectionsMarshal.AsSpan(_tokens);

    public void Add(int id, int start, int end) => _tokens.Add(new(id, start, end));

    /// <summary>Adds one character (one or two UTF-16 units) that has no piece: its bytes, or the unknown piece.</summary>
    public void AddUnknown(ReadOnlySpan<char> character, int start)
    {
        var end = start + character.Length;
        if (byteIds is null)
        {
            Add(unknown, start, end);
            return;
        }
        Span<byte> utf8 = stackalloc byte[4];
        var length = System.Text.Encoding.UTF8.GetBytes(character, utf8);
        foreach (var value in utf8[..length])
            Add(byteIds[value], start, end);
    }

    /// <summary>Joins neighbouring unknown pieces: in SentencePiece a run of unknown characters is one token.</summary>
    public void JoinUnknown()
    {
        var count = 0;
        foreach (var token in Tokens)
        {
            if (count > 0 && token.Id == unknown && _tokens[count - 1].Id == unknown)
                _tokens[count - 1] = _tokens[count - 1] with { End = token.End };
            else
                _tokens[count++] = token;
        }
        _tokens.RemoveRange(count, _tokens.Count - count);
    }
}
