using GemmaScope.Text;

namespace GemmaScope.Activations;

/// <summary>Windows of token ids that can be read again and again, and which of their positions count: the text behind
/// activations.</summary>
public sealed class WindowSource
{
    private readonly Func<IEnumerable<int[]>> _read;
    private readonly Func<int[], bool[]> _counts;

    /// <summary>Windows of any kind.</summary>
    /// <param name="read">Begins to read anew; gives the same windows each time.</param>
    /// <param name="counts">Of each token of a window whether its activations are wanted.</param>
    /// <param name="context">Tokens of the longest window.</param>
    public WindowSource(Func<IEnumerable<int[]>> read, Func<int[], bool[]> counts, int context) =>
        (_read, _counts, Context) = (read, counts, context);

    /// <summary>Tokens of the longest window.</summary>
    public int Context { get; }

    /// <summary>The paths the text comes from, as they were given; empty if from elsewhere.</summary>
    public IReadOnlyList<string> Paths { get; private init; } = [];

    /// <summary>The file of the tokenizer that made the windows, or null.</summary>
    internal string? TokenizerFile { get; private init; }

    /// <summary>The documents of files and folders, packed into windows that begin with BOS; what <see cref="CountedPositions"/> leaves out
    /// does not count.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="paths">What <see cref="TextDocuments"/> reads.</param>
    /// <param name="context">Tokens of a window, BOS included.</param>
    /// <param name="tokens">Tokens at most; the last window is cut where more would be read.</param>
    public static WindowSource FromText(Tokenizer tokenizer, IReadOnlyList<string> paths, int context, long tokens = long.MaxValue) =>
        FromText(tokenizer, new TextCorpus(paths), context, tokens);

    /// <summary>The same of a corpus, read as it says.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="corpus">The texts.</param>
    /// <param name="context">Tokens of a window, BOS included.</param>
    /// <param name="tokens">Tokens at most; the last window is cut where more would be read.</param>
    /// <param name="chat">The template that writes conversations; null where they are refused.</param>
    public static WindowSource FromText(
        Tokenizer tokenizer,
        TextCorpus corpus,
        int context,
        long tokens = long.MaxValue,
        Func<ChatTemplate>? chat = null
    ) =>
        new(
            () => TokenWindows.Within(corpus.Windows(tokenizer, context, chat), tokens),
            ids => CountedPositions.Of(ids, tokenizer),
            context
        )
        {
            Paths = corpus.Paths,
            TokenizerFile = tokenizer.File,
        };

    /// <summary>Those of the windows whose number, from 0, a rule picks.</summary>
    public WindowSource Where(Func<int, bool> picks) =>
        new(() => _read().Where((_, number) => picks(number)), _counts, Context) { Paths = Paths, TokenizerFile = TokenizerFile };

    /// <summary>Windows that go through the model together: those asked for, or about a thousand tokens, with which the products are as
    /// fast as they get.</summary>
    internal static int PerRun(int context, int? asked) =>
        asked is < 1
            ? throw new ArgumentProblemException($"must be 1 or more, found {asked}", "windows per run")
            : asked ?? Math.Max(1, 1024 / context);

    /// <summary>The windows from the first on, grouped as they go through the model.</summary>
    internal IEnumerable<WindowRun> Runs(int windowsPerRun)
    {
        var (number, first) = (0L, 0L);
        foreach (var windows in _read().Chunk(windowsPerRun))
        {
            yield return new(number++, windows, Rows(windows, first));
            first += windows.Length;
        }
    }

    private RunRow[] Rows(int[][] windows, long first)
    {
        var rows = new List<RunRow>();
        var start = 0;
        for (var w = 0; w < windows.Length; w++)
        {
            var counts = _counts(windows[w]);
            for (var position = 0; position < counts.Length; position++)
                if (counts[position])
                    rows.Add(new(start + position, new(windows[w][position], first + w, position)));
            start += windows[w].Length;
        }
        return [.. rows];
    }
}

/// <summary>A row of a run's captured activations that counts.</summary>
/// <param name="Index">Row among the tokens of all windows of the run.</param>
/// <param name="Token">Which token it is.</param>
internal readonly record struct RunRow(int Index, StoredToken Token);

/// <summary>Windows that go through the model together. How they are grouped decides about the last bits of the activations, so it is part
/// of what a harvest is.</summary>
/// <param name="Number">Number of the run, from 0.</param>
/// <param name="Windows">Token ids of each window.</param>
/// <param name="Rows">Those that count.</param>
internal sealed record WindowRun(long Number, int[][] Windows, RunRow[] Rows);
