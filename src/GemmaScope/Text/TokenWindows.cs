namespace GemmaScope.Text;

/// <summary>Packs documents into windows of equal length as the training pipelines of dictionaries do: no padding, nothing cut away but the
/// very end.</summary>
public static class TokenWindows
{
    /// <summary>Windows that each begin with BOS and go on with the stream of all documents, EOS between two of them where the tokenizer
    /// has one.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="documents">Texts; empty ones are passed over, and a BOS that one begins with is not taken for a part of it.</param>
    /// <param name="length">Tokens of a window, BOS included; 2 or more. The last window may be shorter, but holds a token beside
    /// BOS.</param>
    /// <exception cref="ArgumentProblemException">The length is below 2, or the tokenizer has no BOS.</exception>
    public static IEnumerable<int[]> Pack(Tokenizer tokenizer, IEnumerable<string> documents, int length)
    {
        if (length < 2)
            throw new ArgumentProblemException("must be 2 or more: BOS and a token", "window");
        var bos = tokenizer.BosId ?? throw new ArgumentProblemException("has no BOS, with which windows begin", tokenizer.File);
        var window = new List<int>(length) { bos };
        foreach (var id in Stream(tokenizer, documents))
        {
            window.Add(id);
            if (window.Count < length)
                continue;
            yield return [.. window];
            window.RemoveRange(1, length - 1);
        }
        if (window.Count > 1)
            yield return [.. window];
    }

    private static IEnumerable<int> Stream(Tokenizer tokenizer, IEnumerable<string> documents)
    {
        var first = true;
        foreach (var document in documents)
        {
            var text = document[tokenizer.WrittenBos(document)..];
            if (text.Length == 0)
                continue;
            if (!first && tokenizer.EosId is { } eos)
                yield return eos;
            first = false;
            foreach (var id in tokenizer.Encode(text))
                yield return id;
        }
    }
}
