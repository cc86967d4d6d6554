using GemmaScope.Text;

namespace GemmaScope.Evaluation;

/// <summary>A text as tokens.</summary>
/// <param name="Ids">Token ids, BOS included.</param>
/// <param name="Counted">One flag a token: whether it counts; BOS and special tokens do not.</param>
public sealed record TokenText(int[] Ids, bool[] Counted)
{
    /// <summary>The beginning of a text, with BOS in front.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="text">The text.</param>
    /// <param name="context">Tokens at most, BOS included.</param>
    public static TokenText Of(Tokenizer tokenizer, string text, int context)
    {
        var ids = tokenizer.Encode(text, addBos: true);
        if (ids.Length > context)
            ids = ids[..context];
        return new(ids, [.. ids.Select((id, position) => position > 0 && !tokenizer.IsSpecial(id))]);
    }

    /// <summary>Some texts in the order given, in batches of so many tokens that one run serves many short texts.</summary>
    internal static IEnumerable<TokenText[]> Batches(IReadOnlyList<TokenText> texts, int tokens = 2048)
    {
        List<TokenText> batch = [];
        var size = 0;
        foreach (var text in texts)
        {
            if (batch.Count > 0 && size + text.Ids.Length > tokens)
            {
                yield return [.. batch];
                batch.Clear();
                size = 0;
            }
            batch.Add(text);
            size += text.Ids.Length;
        }
        if (batch.Count > 0)
            yield return [.. batch];
    }
}
