namespace GemmaScope.Text;

/// <summary>
/// Which positions count in statistics (METHODS §1.4 no. 4): not position 0, whose norm is huge whatever token stands there,
/// not special tokens, and not the fixed prefix of a chat, &lt;bos&gt; &lt;start_of_turn&gt; user \n, at positions 0 to 3.
/// </summary>
public static class CountedPositions
{
    private const int ChatPrefix = 4;

    /// <summary>One flag a token.</summary>
    public static bool[] Of(IReadOnlyList<int> ids, Tokenizer tokenizer)
    {
        var chat = ids.Count > 1 && ids[0] == tokenizer.BosId && IsTurn(tokenizer, ids[1]);
        return [.. ids.Select((id, position) => position >= (chat ? ChatPrefix : 1) && !IsSpecial(tokenizer, id))];
    }

    // SentencePiece files hold the turn markers as plain user-defined pieces.
    private static bool IsSpecial(Tokenizer tokenizer, int id) => tokenizer.IsSpecial(id) || IsTurn(tokenizer, id);

    private static bool IsTurn(Tokenizer tokenizer, int id) => tokenizer.Piece(id) is "<start_of_turn>" or "<end_of_turn>";
}
