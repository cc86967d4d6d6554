using System.Buffers;
using System.Text.RegularExpressions;

namespace GemmaScope.Text;

/// <summary>
/// The tokens of a vocabulary that steer a model and that a text can write out: turn markers, BOS, image marks, unused ones. What a
/// stranger wrote must not hold them, or it ends its own turn and begins the next; <see cref="Encode"/> takes it as plain text.
/// </summary>
public sealed partial class ControlTokens
{
    /// <summary>What ends a turn of the model: in Gemma 2 and 3, in Gemma 4, and there too where a tool is to answer.</summary>
    public static IReadOnlyList<string> TurnEnds { get; } = ["<end_of_turn>", "<turn|>", "<|tool_response>"];

    private readonly Tokenizer _tokenizer;
    private readonly HashSet<int> _ids = [];
    private readonly string[] _pieces;
    private readonly SearchValues<string> _search;

    /// <summary>Finds them.</summary>
    public ControlTokens(Tokenizer tokenizer)
    {
        _tokenizer = tokenizer;
        var vocabulary = tokenizer.Vocabulary;
        var pieces = new List<string>();
        for (var id = 0; id < vocabulary.Count; id++)
        {
            if (!Steers(vocabulary, id))
                continue;
            _ids.Add(id);
            // Written in a text, a control piece of a tokenizer.model is plain text anyway.
            if (tokenizer.Encode(vocabulary.Piece(id)) is [var written] && written == id)
                pieces.Add(vocabulary.Piece(id));
        }
        // The longest first, so that the first one found at a place is the one the tokenizer takes.
        _pieces = [.. pieces.OrderByDescending(piece => piece.Length)];
        _search = SearchValues.Create(_pieces, StringComparison.Ordinal);
    }

    /// <summary>Whether a token steers the model.</summary>
    public bool Contains(int id) => _ids.Contains(id);

    /// <summary>The ids of a text of which some spans are taken as plain text: no token of theirs steers, and they decode to what they
    /// were. For vocabularies that put no space in front of a text, as Gemma's.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="plain">Spans in rising order. Where they write out no control token, the ids are those of
    /// <see cref="Tokenizer.Encode"/>.</param>
    /// <param name="addBos">Whether to put the BOS in front.</param>
    public int[] Encode(string text, IReadOnlyList<TextSpan> plain, bool addBos = false)
    {
        var ids = new List<int>();
        if (addBos)
            ids.Add(_tokenizer.Encode("", addBos: true)[0]);
        // A BOS that was written by others than a stranger is the one in front.
        var from = addBos && !plain.Any(span => span is { Start: 0, Length: > 0 }) ? _tokenizer.WrittenBos(text) : 0;
        foreach (var end in Breaks(text, plain).Append(text.Length))
        {
            ids.AddRange(_tokenizer.Encode(text[from..end]));
            from = end;
        }
        return [.. ids];
    }

    /// <summary>Where to cut the text, so that each control token that touches a plain span falls apart behind its first
    /// character.</summary>
    private List<int> Breaks(string text, IReadOnlyList<TextSpan> plain)
    {
        var breaks = new List<int>();
        for (var from = 0; text.AsSpan(from).IndexOfAny(_search) is >= 0 and var found; )
        {
            var start = from + found;
            var length = _pieces.First(piece => text.AsSpan(start).StartsWith(piece, StringComparison.Ordinal)).Length;
            if (plain.Any(span => span.Start < start + length && start < span.End))
                breaks.Add(start + 1);
            from = start + 1;
        }
        return breaks;
    }

    private static bool Steers(Vocabulary vocabulary, int id) =>
        vocabulary.Kind(id) switch
        {
            PieceKind.Control or PieceKind.Unknown => true,
            // Runs of spaces and line breaks and HTML tags are pieces of their own too, and harmless.
            PieceKind.UserDefined => Marker().IsMatch(vocabulary.Piece(id)),
            _ => false,
        };

    [GeneratedRegex(@"^(<(mask|2mass|unused\d+|[a-z]+_[a-z_]+)>|<\|[a-z_""]+\|?>|<[a-z_]+\|>|\[.+\])$")]
    private static partial Regex Marker();
}
