namespace GemmaScope.Text;

/// <summary>The texts of files and folders, to be read again and again: as rows, or as tokens in windows.</summary>
/// <param name="paths">What <see cref="TextDocuments"/> reads.</param>
/// <param name="reading">How; null for the defaults.</param>
/// <param name="skipped">Counts the rows that are left out; null for a count of its own.</param>
public sealed class TextCorpus(IReadOnlyList<string> paths, TextReading? reading = null, SkippedRows? skipped = null)
{
    /// <summary>The paths as they were given.</summary>
    public IReadOnlyList<string> Paths { get; } = paths;

    /// <summary>How they are read.</summary>
    public TextReading Reading { get; } = reading ?? new();

    /// <summary>The rows that were left out.</summary>
    public SkippedRows Skipped { get; } = skipped ?? new();

    /// <summary>The rows that can be read.</summary>
    /// <exception cref="GemmaScopeException">A file cannot be read, or a row is bad; thrown when it is reached.</exception>
    public IEnumerable<TextRow> Rows() => Read(row => row);

    /// <summary>The texts of the rows, for readers that tokenize themselves.</summary>
    /// <exception cref="GemmaScopeException">A file cannot be read, or a row is bad or no text; thrown when it is reached.</exception>
    public IEnumerable<string> Texts() =>
        Read(row => row.Text ?? throw new ArgumentProblemException("is no text, but a conversation or token ids"));

    /// <summary>Windows of tokens, each beginning with BOS.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="length">Tokens of a window, BOS included.</param>
    /// <param name="chat">The template that writes conversations, asked for when there is one; null where they are refused.</param>
    /// <exception cref="GemmaScopeException">A file cannot be read, or a row is bad; thrown when it is reached.</exception>
    public IEnumerable<int[]> Windows(Tokenizer tokenizer, int length, Func<ChatTemplate>? chat = null) =>
        TokenWindows.Pack(tokenizer, Read(row => Ids(row, tokenizer, chat)), length, Reading.SeparateDocuments);

    private IEnumerable<T> Read<T>(Func<TextRow, T> use)
    {
        var (good, bad) = (0L, 0L);
        foreach (var origin in Paths.SelectMany(path => TextDocuments.Files(path, Reading)))
        foreach (var row in TextDocuments.Rows(origin))
        {
            var (value, problem) = Use(row, use);
            if (problem is null)
            {
                good++;
                yield return value!;
            }
            else if (Reading.SkipBadRows)
                Skipped.Add(++bad, $"{origin.File}: {problem}");
            else
                throw new FileFormatException(problem, origin.File, remedy: SkippedRows.Cure);
        }
        if (good == 0 && bad > 0)
            throw new FileFormatException($"has no row that can be read; {Skipped.Note}", string.Join(", ", Paths));
    }

    private static (T? Value, string? Problem) Use<T>(TextRow row, Func<TextRow, T> use)
    {
        if (row.Problem is not null)
            return (default, row.Problem);
        try
        {
            return (use(row), null);
        }
        catch (ArgumentProblemException problem)
        {
            return (default, row.Where.Length > 0 ? $"{row.Where}: {problem.Message}" : problem.Message);
        }
    }

    /// <summary>The ids of a document, without padding, BOS in front and EOS behind: windows and the stream of documents bring their
    /// own.</summary>
    private static ReadOnlyMemory<int> Ids(TextRow row, Tokenizer tokenizer, Func<ChatTemplate>? chat)
    {
        if (row.Text is { } text)
            return tokenizer.Encode(text[tokenizer.WrittenBos(text)..]);
        int[] ids = row.Ids is { } given
            ? Checked([.. given], tokenizer)
            : (chat ?? throw new ArgumentProblemException("is a conversation, which is not read here"))()
                .Encode(tokenizer, row.Messages!, addGenerationPrompt: false);
        var (start, end) = (0, ids.Length);
        while (row.Ids is not null && start < end && ids[start] == tokenizer.PadId)
            start++;
        while (row.Ids is not null && start < end && ids[end - 1] == tokenizer.PadId)
            end--;
        if (start < end && ids[start] == tokenizer.BosId)
            start++;
        if (row.Ids is not null && start < end && ids[end - 1] == tokenizer.EosId)
            end--;
        return ids.AsMemory(start..end);
    }

    private static int[] Checked(int[] ids, Tokenizer tokenizer)
    {
        foreach (var id in ids)
            if ((uint)id >= (uint)tokenizer.VocabularySize)
                throw new ArgumentProblemException(
                    $"has the token id {id}; the vocabulary has {tokenizer.VocabularySize}, from 0: was it made with another tokenizer?"
                );
        return ids;
    }
}
