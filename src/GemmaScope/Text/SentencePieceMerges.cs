using System.Text;

namespace GemmaScope.Text;

/// <summary>
/// The merges of a SentencePiece BPE model. The file has none: two neighbours join whenever their text together is
/// a piece, that of the highest score first. So every way to cut a piece into two symbols is a merge, ranked by score.
/// Only normal pieces take part: user-defined ones are cut out of the text before.
/// </summary>
internal static class SentencePieceMerges
{
    public static MergeRules Derive(SentencePieceModel model, Vocabulary vocabulary)
    {
        var rules = new MergeRules(2 * vocabulary.Count);
        var characters = AddCharacters(rules, vocabulary);
        var ranks = Ranks(model.Scores);
        var lookup = vocabulary.Lookup;
        for (var id = 0; id < vocabulary.Count; id++)
        {
            if (vocabulary.Kind(id) != PieceKind.Normal)
                continue;
            var piece = vocabulary.Piece(id);
            for (var cut = 1; cut < piece.Length; cut++)
                if (Symbol(piece.AsSpan(0, cut)) is >= 0 and var left && Symbol(piece.AsSpan(cut)) is >= 0 and var right)
                    rules.Add(piece, cut, left, right, ranks[model.Scores[id]], id);
        }
        return rules;

        int Symbol(ReadOnlySpan<char> text)
        {
            if (lookup.TryGetValue(text, out var id) && vocabulary.Kind(id) == PieceKind.Normal)
                return id;
            return SingleCharacter(text) is { } codePoint ? characters.GetValueOrDefault(codePoint, -1) : -1;
        }
    }

    /// <summary>Gives each character a symbol: its own piece, or a number past the vocabulary if it occurs only inside pieces.</summary>
    private static Dictionary<int, int> AddCharacters(MergeRules rules, Vocabulary vocabulary)
    {
        var symbols = new Dictionary<int, int>();
        var pieces = Enumerable.Range(0, vocabulary.Count).Where(id => vocabulary.Kind(id) == PieceKind.Normal).ToList();
        foreach (var id in pieces)
            if (SingleCharacter(vocabulary.Piece(id)) is { } codePoint)
                symbols[codePoint] = id;
        var next = vocabulary.Count;
        foreach (var id in pieces)
        foreach (var rune in vocabulary.Piece(id).EnumerateRunes())
            if (symbols.TryAdd(rune.Value, next))
                next++;
        foreach (var (codePoint, symbol) in symbols)
            rules.AddCharacter(codePoint, symbol);
        return symbols;
    }

    private static Dictionary<float, uint> Ranks(IEnumerable<float> scores) =>
        scores.Distinct().OrderDescending().Select((score, rank) => (score, rank)).ToDictionary(x => x.score, x => (uint)x.rank);

    private static int? SingleCharacter(ReadOnlySpan<char> text) =>
        Rune.DecodeFromUtf16(text, out var rune, out var consumed) == System.Buffers.OperationStatus.Done && consumed == text.Length
            ? rune.Value
            : null;
}
