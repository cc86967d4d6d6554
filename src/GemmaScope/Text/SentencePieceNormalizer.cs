using System.Text;

namespace GemmaScope.Text;

/// <summary>
/// Prepares text as SentencePiece does: character map, extra spaces removed, a space in front, spaces made visible.
/// </summary>
internal sealed class SentencePieceNormalizer
{
    private readonly CharacterMap? _map;
    private readonly LiteralMatcher _literals;
    private readonly bool _removeExtraSpaces,
        _prefix,
        _suffix;
    private readonly char _space;

    /// <param name="model">The model whose settings apply.</param>
    /// <param name="literals">User-defined pieces, which the character map leaves alone.</param>
    public SentencePieceNormalizer(SentencePieceModel model, LiteralMatcher literals)
    {
        _map = model.CharacterMap.Length > 0 ? new(model.CharacterMap, model.File) : null;
        _literals = literals;
        _removeExtraSpaces = model.RemoveExtraSpaces;
        _prefix = model.AddDummyPrefix && !model.SpaceAsSuffix;
        _suffix = model.AddDummyPrefix && model.SpaceAsSuffix;
        _space = model.EscapeSpaces ? Vocabulary.SpaceMark : ' ';
    }

    /// <summary>Normalises well-formed text.</summary>
    /// <returns>The result, and for each place in it (its end included) the place in <paramref name="text"/>; null where both are the
    /// same.</returns>
    public (string Text, int[]? Places) Normalize(string text)
    {
        if (_map is null && !_removeExtraSpaces && !_prefix && !_suffix)
            return (text.Replace(' ', _space), null);

        var from = _removeExtraSpaces ? LeadingSpaces(text) : 0;
        if (from == text.Length)
            return ("", [from]);
        var output = new Output(text.Length);
        if (_prefix)
            output.Add(_space, from);
        var afterSpace = _removeExtraSpaces;
        while (from < text.Length)
        {
            var length = Replace(text.AsSpan(from), out var piece);
            if (afterSpace)
                piece = piece.TrimStart(' ');
            foreach (var c in piece)
                output.Add(c == ' ' ? _space : c, from);
            if (piece.Length > 0)
                afterSpace = _removeExtraSpaces && piece[^1] == ' ';
            from += length;
        }
        if (_removeExtraSpaces)
            from = output.TrimEnd(_space, from);
        if (_suffix)
            output.Add(_space, from);
        return output.Finish(from);
    }

    private int LeadingSpaces(string text)
    {
        var from = 0;
        while (from < text.Length)
        {
            var length = Replace(text.AsSpan(from), out var piece);
            if (piece is not " ")
                break;
            from += length;
        }
        return from;
    }

    /// <summary>What the beginning of <paramref name="text"/> becomes, and how much of it that takes.</summary>
    private int Replace(ReadOnlySpan<char> text, out ReadOnlySpan<char> piece)
    {
        var length = _literals.LongestAt(text, out _);
        if (length == 0 && _map is not null)
        {
            length = _map.LongestMatch(text, out var replacement);
            if (length > 0)
            {
                piece = Encoding.UTF8.GetString(replacement);
                return length;
            }
        }
        if (length == 0)
            length = char.IsHighSurrogate(text[0]) ? 2 : 1;
        piece = text[..length];
        return length;
    }

    /// <summary>The text made so far, with the place in the original of each of its characters.</summary>
    private sealed class Output(int capacity)
    {
        private readonly StringBuilder _text = new(capacity + 1);
        private readonly List<int> _places = new(capacity + 2);

        public void Add(char c, int place)
        {
            _text.Append(c);
            _places.Add(place);
        }

        /// <summary>Drops spaces at the end; returns the place where the rest ends.</summary>
        public int TrimEnd(char space, int end)
        {
            while (_text.Length > 0 && _text[^1] == space)
            {
                _text.Length--;
                end = _places[^1];
                _places.RemoveAt(_places.Count - 1);
            }
            return end;
        }

        public (string, int[]) Finish(int end)
        {
            _places.Add(end);
            return (_text.ToString(), [.. _places]);
        }
    }
}
