using GemmaScope.Evaluation;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>A text as long jobs read it: packed into windows, some of them at a time, up to a number of tokens. A job that was broken off
/// goes on behind the tokens that are done.</summary>
public sealed record TextBatches
{
    /// <summary>Text files, JSON lines with a <c>text</c> each, or folders of them.</summary>
    public required IReadOnlyList<string> Text { get; init; }

    /// <summary>Tokens read at most, from 2.</summary>
    public long Tokens { get; init; } = 100_000;

    /// <summary>Tokens of a window, BOS included, from 2.</summary>
    public int Window { get; init; } = 128;

    /// <summary>Windows run together, from 1.</summary>
    public int Batch { get; init; } = 8;

    /// <summary>What the text is called in results: the names of its files.</summary>
    public string Name => string.Join(", ", Text.Select(Path.GetFileName));

    /// <summary>Finds out what is wrong before a model is loaded; reads no text.</summary>
    /// <exception cref="GemmaScopeException">A number is too small, or a file does not exist.</exception>
    public void Check()
    {
        foreach (var (value, least, name) in ((long, int, string)[])[(Batch, 1, nameof(Batch)), (Tokens, 2, nameof(Tokens))])
            if (value < least)
                throw new ArgumentProblemException($"must be at least {least}", new Setting(name));
        if (Window < 2)
            throw new ArgumentProblemException("must be 2 or more: BOS and a token", new Setting(nameof(Window)));
        TextDocuments.Check(Text);
    }

    /// <summary>The batches behind the tokens that are done, read lazily; the progress counts a batch when the next one is asked
    /// for.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="done">Tokens of the batches that were read before; 0 to begin.</param>
    /// <param name="progress">Told how many tokens are done.</param>
    /// <exception cref="GemmaScopeException">There is no text, or a file cannot be read; thrown when it is reached.</exception>
    public IEnumerable<EvaluationBatch> Read(Tokenizer tokenizer, long done = 0, IProgress<JobReport>? progress = null)
    {
        var counting = progress.Counting("", "tokens", Tokens, done);
        foreach (var windows in Windows(tokenizer, done).Chunk(Batch))
        {
            var counted = windows.Select(ids => CountedPositions.Of(ids, tokenizer)).ToArray();
            var batch = new EvaluationBatch(windows, counted, tokenizer.BosId);
            yield return batch;
            done += batch.Rows;
            counting?.Report(done);
        }
        if (done == 0)
            throw new ArgumentProblemException("holds no text", new Setting(nameof(Text)));
    }

    private IEnumerable<int[]> Windows(Tokenizer tokenizer, long done)
    {
        long seen = 0;
        foreach (var ids in TokenWindows.Pack(tokenizer, TextDocuments.Read(Text), Window))
        {
            if (seen + ids.Length > Tokens)
                yield break;
            if (seen >= done)
                yield return ids;
            seen += ids.Length;
        }
    }
}
