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
internal sealed class TextReader
{
    /// <summary>UTF-16 units of a text; a link holds the whole of it.</summary>
    public const int LongestText = 4000;

    /// <summary>Tokens of all readings that are kept: some 100 MB, or a text of 40 tokens read with 26 dictionaries 30 times.</summary>
    private const int KeptTokens = 1 << 15;

    /// <summary>Tokens of texts that are read in one run: short ones gain by it, and others have to wait for all of it.</summary>
    private const int TokensTogether = 256;

    private readonly ServerModel _served;
    private readonly ModelQueue _queue;
    private readonly ModelBatch<Wanted, TextAnalysis[]> _batch;
    private readonly LinkedList<((string Dictionary, string Text) Key, TextAnalysis Analysis)> _last = new();
    private readonly Lock _lock = new();
    private long _keptTokens;

    public TextReader(ServerModel served, ModelQueue queue) =>
        (_served, _queue, _batch) = (served, queue, new(Run, wanted => wanted.Tokens.Ids.Count, TokensTogether));

    private Tokenizer Tokenizer => _served.Model.Tokenizer;

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
        return (await RunAsync([dictionary], text, _ => { }, source, cancellationToken).ConfigureAwait(false))[0];
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
        var (arriving, told) = (Channel.CreateUnbounded<DictionaryFinding>(), new HashSet<MicroscopeDictionary>());
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
                await RunAsync(missing, text, Tell, source, stopped.Token).ConfigureAwait(false);
                arriving.Writer.Complete();
            }
            catch (Exception problem)
            {
                // Whoever waits for the next finding is told.
                arriving.Writer.Complete(problem);
            }
        }

        // A run with others that failed is made again alone.
        void Tell(DictionaryFinding one)
        {
            if (told.Add(one.Dictionary))
                arriving.Writer.TryWrite(one);
        }
    }

    /// <summary>The analyses in the order of the dictionaries, when the queue has a turn.</summary>
    private Task<TextAnalysis[]> RunAsync(
        MicroscopeDictionary[] dictionaries,
        string text,
        Action<DictionaryFinding> tell,
        string source,
        CancellationToken cancellationToken
    )
    {
        var tokens = Tokenizer.EncodeWithOffsets(text, addBos: true);
        return _queue.RunAsync(source, _batch, new Wanted(dictionaries, text, tokens, tell), cancellationToken);
    }

    /// <summary>One run of the model, on its thread, for all who wait; the analyses of each in the order of its dictionaries.</summary>
    private TextAnalysis[][] Run(IReadOnlyList<Wanted> together, CancellationToken cancellationToken)
    {
        var found = new Dictionary<(string, string), TextAnalysis>();
        // Somebody else may have read it while this waited for its turn.
        foreach (var one in together)
        foreach (var dictionary in one.Dictionaries)
            if (Find((dictionary.Name, one.Text)) is { Next.Count: > 0 } known)
            {
                found[(dictionary.Name, one.Text)] = known;
                one.Tell(new(dictionary, known));
            }
        (Wanted[] Who, MicroscopeDictionary[] Missing)[] readings =
        [
            .. together
                .GroupBy(one => one.Text)
                .Select(same =>
                    (
                        same.ToArray(),
                        same.SelectMany(one => one.Dictionaries)
                            .Distinct()
                            .Where(dictionary => !found.ContainsKey((dictionary.Name, same.Key)))
                            .ToArray()
                    )
                )
                .Where(reading => reading.Item2.Length > 0),
        ];
        if (readings.Length > 0)
        {
            var options = new AnalyzeOptions
            {
                TopPerToken = MicroscopeView.Listed,
                TopWholeText = MicroscopeView.Listed,
                ModelName = _served.Name,
                Meanings = _served.Features is { } known
                    ? (dictionary, features) => known.Meanings(_served.Name, dictionary, features)
                    : null,
            };
            var analyses = TextAnalyzer.AnalyzeTogether(
                _served.Model,
                Tokenizer,
                [.. readings.Select(reading => Reading(reading.Who, reading.Missing))],
                options,
                cancellationToken: cancellationToken
            );
            foreach (var (reading, read) in readings.Zip(analyses))
            {
                Complete(reading.Who[0].Text, read[0].Next);
                foreach (var (dictionary, analysis) in reading.Missing.Zip(read))
                    found[(dictionary.Name, reading.Who[0].Text)] = analysis;
            }
        }
        return [.. together.Select(one => one.Dictionaries.Select(dictionary => found[(dictionary.Name, one.Text)]).ToArray())];
    }

    /// <summary>A text with what is to be done as soon as a dictionary has read it.</summary>
    private TextToAnalyze Reading(Wanted[] who, MicroscopeDictionary[] dictionaries) =>
        new([.. dictionaries.Select(one => one.Dictionary)], who[0].Tokens)
        {
            Found = (i, analysis) =>
            {
                Keep((dictionaries[i].Name, who[0].Text), analysis);
                foreach (var one in who.Where(one => one.Dictionaries.Contains(dictionaries[i])))
                    one.Tell(new(dictionaries[i], analysis));
            },
        };

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

    /// <summary>What somebody waits for: a text read with dictionaries, each told as it is done.</summary>
    private sealed record Wanted(MicroscopeDictionary[] Dictionaries, string Text, TokenizedText Tokens, Action<DictionaryFinding> Tell);
}

/// <summary>A token of a text that is to be read.</summary>
/// <param name="Id">Token id.</param>
/// <param name="Piece">The piece as the vocabulary has it.</param>
/// <param name="Counted">Whether it counts in sums.</param>
internal sealed record ReadToken(int Id, string Piece, bool Counted);

/// <summary>What a dictionary found in a text.</summary>
internal sealed record DictionaryFinding(MicroscopeDictionary Dictionary, TextAnalysis Found);
