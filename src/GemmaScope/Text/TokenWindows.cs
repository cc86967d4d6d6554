namespace GemmaScope.Text;

/// <summary>Packs documents into windows of equal length as the training pipelines of dictionaries do: no padding, nothing cut away but the
/// very end.</summary>
public static class TokenWindows
{
    /// <summary>BOS and a token.</summary>
    public const int Shortest = 2;

    /// <summary>Windows that each begin with BOS and go on with the stream of all documents, EOS between two of them where the tokenizer
    /// has one.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="documents">Texts; empty ones are passed over, and a BOS that one begins with is not taken for a part of it.</param>
    /// <param name="length">Tokens of a window, BOS included; 2 or more. The last window may be shorter, but holds a token beside
    /// BOS.</param>
    /// <exception cref="ArgumentProblemException">The length is below 2, or the tokenizer has no BOS.</exception>
    public static IEnumerable<int[]> Pack(Tokenizer tokenizer, IEnumerable<string> documents, int length) =>
        Pack(tokenizer, documents.Select(text => (ReadOnlyMemory<int>)tokenizer.Encode(text[tokenizer.WrittenBos(text)..])), length);

    /// <summary>The same of documents that are tokens already.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="documents">Token ids without BOS and EOS.</param>
    /// <param name="length">Tokens of a window, BOS included.</param>
    /// <param name="separate">Whether each document begins a window of its own, without EOS; the last window of each may then be
    /// shorter.</param>
    internal static IEnumerable<int[]> Pack(
        Tokenizer tokenizer,
        IEnumerable<ReadOnlyMemory<int>> documents,
        int length,
        bool separate = false
    )
    {
        if (length < Shortest)
            throw new ArgumentProblemException("must be 2 or more: BOS and a token", "window");
        var bos = tokenizer.BosId ?? throw new ArgumentProblemException("has no BOS, with which windows begin", tokenizer.File);
        return separate ? documents.SelectMany(document => Windows([document])) : Windows(documents);

        IEnumerable<int[]> Windows(IEnumerable<ReadOnlyMemory<int>> together)
        {
            var window = new List<int>(length) { bos };
            foreach (var id in Stream(tokenizer, together))
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
    }

    /// <summary>The first tokens of windows: the last of them is cut where more would be read. What would be a window of BOS alone is left
    /// out, so that of a number of tokens one may be missing.</summary>
    /// <param name="windows">The windows.</param>
    /// <param name="tokens">Tokens at most, BOS included.</param>
    public static IEnumerable<int[]> Within(IEnumerable<int[]> windows, long tokens)
    {
        if (tokens < Shortest)
            yield break;
        foreach (var window in windows)
        {
            yield return window.Length <= tokens ? window : window[..(int)tokens];
            tokens -= window.Length;
            if (tokens < Shortest)
                yield break;
        }
    }

    private static IEnumerable<int> Stream(Tokenizer tokenizer, IEnumerable<ReadOnlyMemory<int>> documents)
    {
        var first = true;
        foreach (var document in documents)
        {
            if (document.Length == 0)
                continue;
            if (!first && tokenizer.EosId is { } eos)
                yield return eos;
            first = false;
            for (var i = 0; i < document.Length; i++)
                yield return document.Span[i];
        }
    }
}
