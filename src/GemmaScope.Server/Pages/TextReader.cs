using System.Runtime.CompilerServices;
using System.Threading.Channels;
using GemmaScope.Features;
using GemmaScope.Server.Hosting;
using GemmaScope.Text;
using GemmaScope.Workbench;

namespace GemmaScope.Server.Pages;

/// <summary>
/// Reads texts with the model, when the queue has a turn. Readings stay in memory for a while, because whoever looks at a text looks at it
/// more than once: each token, feature and layer that is clicked is a view of the same run. Nothing is kept on disk.
/// </summary>
internal sealed class TextReader(ServerModel served, ModelQueue queue)
{
    /// <summary>UTF-16 units of a text; a link holds the whole of it.</summary>
    public const int LongestText = 4000;

    /// <summary>Tokens of all readings that are kept: some 100 MB, or a text of 40 tokens read with 26 dictionaries 30 times.</summary>
    private const int KeptTokens = 1 << 15;

    private readonly LinkedList<((string Dictionary, string Text) Key, TextAnalysis Analysis)> _last = new();
    private readonly Lock _lock = new();
    private long _keptTokens;

    private Tokenizer Tokenizer => served.Model.Tokenizer;

    /// <summary>The text as the model gets it.</summary>
    /// <exception cref="ArgumentProblemException">It is empty or too long.</exception>
    public static string Checked(string text)
    {
        if (text.Length == 0)
            throw new ArgumentProblemException("is empty; type a text", "text");
        if (text.Length > LongestText)
            throw new ArgumentProblemException(
                $"has {text.Length} characters, more than the {LongestText} that a link can hold; look at it in parts",
                "text"
            );
        // Browsers send line breaks as two characters; the model was taught with one.
        return text.ReplaceLineEndings("\n");
    }

    /// <summary>Its tokens, which are known before the model runs.</summary>
    /// <exception cref="ArgumentProblemException">The text is empty or too long.</exception>
    public IReadOnlyList<ReadToken> Tokens(string text)
    {
        int[] ids = [.. Tokenizer.EncodeWithOffsets(Checked(text), addBos: true).Ids];
        return [.. ids.Zip(CountedPositions.Of(ids, Tokenizer), (id, counted) => new ReadToken(id, Tokenizer.Piece(id), counted))];
    }

    /// <summary>What a dictionary finds in a text, where it was read before; perhaps still without next tokens. Else null.</summary>
    public TextAnalysis? Known(MicroscopeDictionary dictionary, string text) => Find((dictionary.Name, text.ReplaceLineEndings("\n")));

    /// <summary>What a dictionary finds in a text.</summary>
    /// <exception cref="ArgumentProblemException">The text is empty or too long.</exception>
    public async Task<TextAnalysis> ReadAsync(
        MicroscopeDictionary dictionary,
        string text,
        string source,
        CancellationToken cancellationToken
    )
    {
        text = Checked(text);
        if (Find((dictionary.Name, text)) is { Next.Count: > 0 } known)
            return known;
        return (await queue.RunAsync(source, turn => Run([dictionary], text, _ => { }, turn), cancellationToken).ConfigureAwait(false))[0];
    }

    /// <summary>What each of several dictionaries finds, in the order of the forward pass, each as soon as the model has come past its
    /// layer. Whoever stops asking stops the run.</summary>
    /// <exception cref="ArgumentProblemException">The text is empty or too long.</exception>
    public async IAsyncEnumerable<DictionaryFinding> ReadEachAsync(
        IReadOnlyList<MicroscopeDictionary> dictionaries,
        string text,
        string source,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        text = Checked(text);
        var findings = dictionaries.Select(one => (Dictionary: one, Known: Find((one.Name, text)))).ToArray();
        if (findings.All(one => one.Known is { Next.Count: 0 }))
            findings[^1].Known = null;
        MicroscopeDictionary[] missing = [.. findings.Where(one => one.Known is null).Select(one => one.Dictionary)];
        using var stopped = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var arriving = Channel.CreateUnbounded<DictionaryFinding>();
        var running = missing.Length == 0 ? Task.CompletedTask : FillAsync();
        try
        {
            foreach (var (dictionary, known) in findings)
            {
                if (known is not null)
                    yield return new(dictionary, known);
                else if (
                    await arriving.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false) && arriving.Reader.TryRead(out var found)
                )
                    yield return found;
            }
            await running.ConfigureAwait(false);
        }
        finally
        {
            stopped.Cancel();
            await running.ConfigureAwait(false);
        }

        async Task FillAsync()
        {
            try
            {
                await queue
                    .RunAsync(source, turn => Run(missing, text, one => arriving.Writer.TryWrite(one), turn), stopped.Token)
                    .ConfigureAwait(false);
                arriving.Writer.Complete();
            }
            catch (Exception problem)
            {
                // Whoever waits for the next finding is told.
                arriving.Writer.Complete(problem);
            }
        }
    }

    /// <summary>One run of the model, on its thread; the analyses in the order of the dictionaries.</summary>
    private TextAnalysis[] Run(
        MicroscopeDictionary[] dictionaries,
        string text,
        Action<DictionaryFinding> tell,
        CancellationToken cancellationToken
    )
    {
        // Somebody else may have read it while this waited for its turn.
        var found = dictionaries.ToDictionary(one => one, one => Find((one.Name, text)) is { Next.Count: > 0 } known ? known : null);
        MicroscopeDictionary[] missing = [.. dictionaries.Where(one => found[one] is null)];
        foreach (var one in dictionaries.Except(missing))
            tell(new(one, found[one]!));
        if (missing.Length > 0)
        {
            var options = new AnalyzeOptions
            {
                TopPerToken = MicroscopeView.Listed,
                TopWholeText = MicroscopeView.Listed,
                ModelName = served.Name,
                Meanings = served.Features is { } known
                    ? (dictionary, features) => known.Meanings(served.Name, dictionary, features)
                    : null,
            };
            var analyses = TextAnalyzer.AnalyzeEach(
                served.Model,
                [.. missing.Select(one => one.Dictionary)],
                Tokenizer,
                Tokenizer.EncodeWithOffsets(text, addBos: true),
                options,
                (i, analysis) =>
                {
                    Keep((missing[i].Name, text), analysis);
                    tell(new(missing[i], analysis));
                },
                cancellationToken: cancellationToken
            );
            Complete(text, analyses[0].Next);
            for (var i = 0; i < missing.Length; i++)
                found[missing[i]] = analyses[i];
        }
        return [.. dictionaries.Select(one => found[one]!)];
    }

    private TextAnalysis? Find((string, string) key)
    {
        lock (_lock)
        {
            for (var node = _last.First; node is not null; node = node.Next)
            {
                if (node.Value.Key != key)
                    continue;
                _last.Remove(node);
                _last.AddFirst(node);
                return node.Value.Analysis;
            }
            return null;
        }
    }

    private void Keep((string, string) key, TextAnalysis analysis)
    {
        lock (_lock)
        {
            for (var node = _last.First; node is not null; node = node.Next)
            {
                if (node.Value.Key != key)
                    continue;
                _keptTokens -= node.Value.Analysis.Tokens.Count;
                _last.Remove(node);
                break;
            }
            _last.AddFirst((key, analysis));
            _keptTokens += analysis.Tokens.Count;
            for (; _keptTokens > KeptTokens && _last.Count > 1; _last.RemoveLast())
                _keptTokens -= _last.Last!.Value.Analysis.Tokens.Count;
        }
    }

    /// <summary>The next tokens are the same whichever dictionary was read; they are known when a run has come to its end.</summary>
    private void Complete(string text, IReadOnlyList<NextToken> next)
    {
        lock (_lock)
        {
            for (var node = _last.First; node is not null; node = node.Next)
                if (node.Value.Key.Text == text && node.Value.Analysis.Next.Count == 0)
                    node.Value = (node.Value.Key, node.Value.Analysis with { Next = next });
        }
    }
}

/// <summary>A token of a text that is to be read.</summary>
/// <param name="Id">Token id.</param>
/// <param name="Piece">The piece as the vocabulary has it.</param>
/// <param name="Counted">Whether it counts in sums.</param>
internal sealed record ReadToken(int Id, string Piece, bool Counted);

/// <summary>What a dictionary found in a text.</summary>
internal sealed record DictionaryFinding(MicroscopeDictionary Dictionary, TextAnalysis Found);
