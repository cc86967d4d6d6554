namespace GemmaScope.Text;

/// <summary>
/// Unigram segmentation: of all ways to cut the text into pieces, the one with the highest sum of scores
/// (Viterbi). Sums are rounded to float32 as in SentencePiece, so that ties fall the same way.
/// </summary>
internal sealed class UnigramEncoder
{
    private const float UnknownPenalty = 10;

    private readonly PieceTrie _trie = new();
    private readonly SentencePieceModel _model;
    private readonly int _unknown;
    private readonly float _lowest,
        _highest;

    public UnigramEncoder(SentencePieceModel model)
    {
        _model = model;
        (_lowest, _highest) = (float.MaxValue, float.MinValue);
        for (var id = 0; id < model.Pieces.Count; id++)
        {
            if (model.Kinds[id] is PieceKind.Normal or PieceKind.UserDefined)
                _trie.Add(model.Pieces[id], id);
            if (model.Kinds[id] == PieceKind.Unknown)
                _unknown = id;
            if (model.Kinds[id] != PieceKind.Normal)
                continue;
            _lowest = Math.Min(_lowest, model.Scores[id]);
            _highest = Math.Max(_highest, model.Scores[id]);
        }
    }

    /// <summary>Encodes normalised text.</summary>
    public void Encode(ReadOnlySpan<char> text, TokenSink sink)
    {
        var best = new Step[text.Length + 1];
        best.AsSpan(1).Fill(new(0, -1, -1));
        for (int start = 0, length; start < text.Length; start += length)
        {
            length = char.IsHighSurrogate(text[start]) ? 2 : 1;
            if (!Extend(text, start, length, best))
                Offer(ref best[start + length], best[start].Score + (_lowest - UnknownPenalty), start, _unknown);
        }
        Emit(text, best, sink);
    }

    /// <summary>Offers every piece that begins here; false if none of them is the one character itself.</summary>
    private bool Extend(ReadOnlySpan<char> text, int start, int length, Step[] best)
    {
        var (node, single) = (PieceTrie.Root, false);
        for (var end = start + 1; end <= text.Length && _trie.TryStep(ref node, text[end - 1]); end++)
        {
            var id = _trie.IdAt(node);
            if (id < 0)
                continue;
            Offer(ref best[end], ScoreOf(id) + best[start].Score, start, id);
            single |= end - start == length;
        }
        return single;
    }

    // A user-defined piece outbids any other way to cut its text.
    private double ScoreOf(int id) =>
        _model.Kinds[id] == PieceKind.UserDefined
            ? System.Text.Encoding.UTF8.GetByteCount(_model.Pieces[id]) * _highest - 0.1
            : _model.Scores[id];

    private static void Offer(ref Step best, double score, int start, int id)
    {
        if (best.Start < 0 || score > best.Score)
            best = new((float)score, start, id);
    }

    private void Emit(ReadOnlySpan<char> text, Step[] best, TokenSink sink)
    {
        var path = new Stack<Token>();
        for (var end = text.Length; end > 0; end = best[end].Start)
            path.Push(new(best[end].Id, best[end].Start, end));
        foreach (var (id, start, end) in path)
        {
            if (id == _unknown)
                sink.AddUnknown(text[start..end], start);
            else
                sink.Add(id, start, end);
        }
    }

    /// <summary>The best way to reach a place: its score, where its last piece starts, and that piece.</summary>
    private readonly record struct Step(float Score, int Start, int Id);
}
