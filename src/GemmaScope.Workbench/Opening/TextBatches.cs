using GemmaScope.Evaluation;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>A text as long jobs read it: packed into windows, some of them at a time, up to a number of tokens. A job that was broken off
/// goes on behind the tokens that are done.</summary>
public sealed record TextBatches
{
    /// <summary>Text files, JSON lines with a <c>text</c> each, or folders of them.</summary>
    public required IReadOnlyList<string> Text { get; init; }

    /// <summary>How the texts are read.</summary>
    public TextReading Reading { get; init; } = new();

    /// <summary>Tokens read at most, from 2; the last window is cut where more would be read.</summary>
    public long Tokens { get; init; } = 100_000;

    /// <summary>Tokens of a window, BOS included, from 2.</summary>
    public int Window { get; init; } = 128;

    /// <summary>Windows run together, from 1.</summary>
    public int Batch { get; init; } = 8;

    /// <summary>What the text is called in results: the names of its files.</summary>
    public string Name => string.Join(", ", Text.Select(Path.GetFileName));

    /// <summary>What must be the same for a job to go on with what it has read.</summary>
    internal string Description => string.Join('\n', Reading.Description is { Length: > 0 } how ? Text.Append(how) : Text);

    /// <summary>Finds out what is wrong before a model is loaded; reads no text.</summary>
    /// <exception cref="GemmaScopeException">A number is too small, or a file does not exist.</exception>
    public void Check()
    {
        foreach (var (value, least, name) in ((long, int, string)[])[(Batch, 1, nameof(Batch)), (Tokens, 2, nameof(Tokens))])
            if (value < least)
                throw new ArgumentProblemException($"must be at least {least}", new Setting(name));
        if (Window < 2)
            throw new ArgumentProblemException("must be 2 or more: BOS and a token", new Setting(nameof(Window)));
        Reading.Check();
        TextDocuments.Check(Text);
    }

    /// <summary>The batches behind the tokens that are done, read lazily; the progress counts a batch when the next one is asked
    /// for.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="done">Tokens of the batches that were read before; 0 to begin.</param>
    /// <param name="progress">Told how many tokens are done, and how many rows were left out.</param>
    /// <param name="chat">The template that writes conversations; null where they are refused.</param>
    /// <param name="skipped">Counts the rows that are left out.</param>
    /// <param name="beforeCut">Called when all but a last window is read, which the number of tokens cuts and which comes in a batch of its
    /// own: from there a longer reading can go on.</param>
    /// <exception cref="GemmaScopeException">There is no text, a file cannot be read, or what is done ends inside a window; thrown when it
    /// is reached.</exception>
    public IEnumerable<EvaluationBatch> Read(
        Tokenizer tokenizer,
        long done = 0,
        IProgress<JobReport>? progress = null,
        Func<ChatTemplate>? chat = null,
        SkippedRows? skipped = null,
        Action? beforeCut = null
    )
    {
        var corpus = new TextCorpus(Text, Reading, skipped);
        var counting = progress.Counting("", "tokens", Tokens, done);
        foreach (var windows in Rest(corpus.Windows(tokenizer, Window, chat), done, beforeCut))
        {
            var counted = windows.Select(ids => CountedPositions.Of(ids, tokenizer)).ToArray();
            var batch = new EvaluationBatch(windows, counted, tokenizer.BosId);
            yield return batch;
            done += batch.Rows;
            counting?.Report(done);
        }
        progress.NoteOn(corpus.Skipped);
        if (done == 0)
            throw new ArgumentProblemException("holds no text", new Setting(nameof(Text)));
    }

    /// <summary>What is behind the tokens that are done, up to the number wanted, in portions.</summary>
    private IEnumerable<int[][]> Rest(IEnumerable<int[]> windows, long done, Action? beforeCut)
    {
        var (start, left, portion) = (0L, Tokens - done, new List<int[]>());
        foreach (var window in windows)
        {
            if (start < done)
            {
                start += window.Length;
                continue;
            }
            if (left < TokenWindows.Shortest)
                break;
            if (start != done)
                throw new ArgumentProblemException(
                    $"was read up to token {done}, inside a window of {Window} that the number of tokens cut; what follows would leave a gap: "
                        + "begin anew",
                    new Setting(nameof(Tokens))
                );
            (start, done, left) = (start + window.Length, done + window.Length, left - window.Length);
            if (left >= 0)
                portion.Add(window);
            if (portion.Count == Batch || (left < 0 && portion.Count > 0))
            {
                yield return [.. portion];
                portion.Clear();
            }
            if (left < 0)
            {
                beforeCut?.Invoke();
                yield return [window[..(int)(window.Length + left)]];
            }
        }
        if (portion.Count > 0)
            yield return [.. portion];
    }
}
