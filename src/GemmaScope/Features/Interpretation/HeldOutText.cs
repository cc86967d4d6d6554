using System.Runtime.InteropServices;
using System.Security.Cryptography;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;
using GemmaScope.Text;

namespace GemmaScope.Features.Interpretation;

/// <summary>
/// Text on which explanations are scored (METHODS §6.1), cut into passages of equal length. The model reads several of them together, so
/// that a passage has a
/// context before it; who judges sees the passage alone. A passage half of which or more stands in the text that explanations were made
/// from is left out.
/// </summary>
public sealed class HeldOutText
{
    private const int PassagesPerContext = 4;

    private const int ContextsPerRun = 8,
        StretchesPerPassage = 4;

    private readonly List<int[]> _contexts = [];
    private readonly List<bool[]> _counted = [];
    private readonly List<(int Context, int Start)> _passages = [];

    private HeldOutText(int window) => Window = window;

    /// <summary>Tokens of a passage.</summary>
    public int Window { get; }

    /// <summary>Passages that can be asked about.</summary>
    public int Count => _passages.Count;

    /// <summary>Passages that were left out because explanations were made from them.</summary>
    public int LeftOut { get; private set; }

    /// <summary>Tokens the model reads.</summary>
    public long Tokens => _contexts.Sum(ids => (long)ids.Length);

    /// <summary>What tells these passages from others: a hash of their tokens.</summary>
    public string Fingerprint { get; private set; } = "";

    /// <summary>Cuts documents into passages.</summary>
    /// <param name="model">The model that will read them.</param>
    /// <param name="corpus">The texts.</param>
    /// <param name="explained">Token ids of the texts that explanations are made from.</param>
    /// <param name="tokens">Tokens that are read at most.</param>
    /// <param name="window">Tokens of a passage.</param>
    /// <exception cref="ArgumentProblemException">The window does not fit the model's context, or the text has no passage that is not
    /// known.</exception>
    public static HeldOutText Cut(GemmaModel model, TextCorpus corpus, IEnumerable<int[]> explained, long tokens, int window = 32) =>
        Cut(
            length => corpus.Windows(model.Tokenizer, length, () => model.ChatTemplate),
            model.Tokenizer,
            model.Config.MaxPositions,
            explained,
            tokens,
            window
        );

    internal static HeldOutText Cut(
        Tokenizer tokenizer,
        int positions,
        IEnumerable<string> documents,
        IEnumerable<int[]> explained,
        long tokens,
        int window = 32
    ) => Cut(length => TokenWindows.Pack(tokenizer, documents, length), tokenizer, positions, explained, tokens, window);

    private static HeldOutText Cut(
        Func<int, IEnumerable<int[]>> pack,
        Tokenizer tokenizer,
        int positions,
        IEnumerable<int[]> explained,
        long tokens,
        int window
    )
    {
        if (window < 4 || window >= positions)
            throw new ArgumentProblemException($"must be from 4 to {positions - 1}, one less than the model's context", "window");
        var text = new HeldOutText(window);
        var known = new KnownText(window / StretchesPerPassage);
        foreach (var passage in explained)
            known.Add(passage);
        var context = 1 + window * Math.Clamp((positions - 1) / window, 1, PassagesPerContext);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var ids in TokenWindows.Within(pack(context), tokens))
        {
            text._contexts.Add(ids);
            text._counted.Add(CountedPositions.Of(ids, tokenizer));
            for (var start = 1; start + window <= ids.Length; start += window)
            {
                if (known.Holds(ids.AsSpan(start, window)))
                {
                    text.LeftOut++;
                    continue;
                }
                text._passages.Add((text._contexts.Count - 1, start));
                hash.AppendData(MemoryMarshal.AsBytes(ids.AsSpan(start, window)));
            }
        }
        if (text.Count == 0)
            throw new ArgumentProblemException(
                text.LeftOut == 0
                    ? $"holds no passage of {window} tokens; give more text"
                    : $"all {text.LeftOut} passages are in the text the dashboards were built from; give another text",
                "held-out text"
            );
        text.Fingerprint = Convert.ToHexString(hash.GetHashAndReset().AsSpan(0, 8));
        return text;
    }

    /// <summary>Token ids of a passage.</summary>
    /// <param name="passage">0 to <see cref="Count"/> − 1.</param>
    public ReadOnlySpan<int> Passage(int passage) => _contexts[_passages[passage].Context].AsSpan(_passages[passage].Start, Window);

    /// <summary>Whether explanations may be chosen by this passage; all others score them. Passages of one context are on one
    /// side.</summary>
    public bool IsForSelection(int passage) => _passages[passage].Context % 2 == 0;

    /// <summary>Whether a token of a passage counts: it is no special one.</summary>
    public bool Counts(int passage, int position) => _counted[_passages[passage].Context][_passages[passage].Start + position];

    /// <summary>Runs the model and keeps where some features fire: 12 bytes for each place.</summary>
    /// <param name="model">The model.</param>
    /// <param name="dictionary">The dictionary.</param>
    /// <param name="features">The features.</param>
    /// <param name="arithmetic">How the model runs; null for the process's choice.</param>
    /// <param name="progress">Told the tokens read so far.</param>
    /// <param name="cancellationToken">Stops the model.</param>
    public HeldOutActivations Read(
        GemmaModel model,
        SparseDictionary dictionary,
        IReadOnlyCollection<int> features,
        Arithmetic? arithmetic = null,
        IProgress<long>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        var found = new HeldOutActivations(this, features);
        var done = 0L;
        for (int first = 0, passage = 0; first < _contexts.Count; first += ContextsPerRun)
        {
            var sequences = _contexts.GetRange(first, Math.Min(ContextsPerRun, _contexts.Count - first));
            using var run = model.Run(
                sequences,
                capture: dictionary.InputSites,
                logits: LogitRows.None,
                arithmetic: arithmetic,
                cancellationToken: cancellationToken
            );
            var activations = dictionary.Encode(run, cancellationToken);
            for (; passage < Count && _passages[passage].Context < first + sequences.Count; passage++)
                found.Add(passage, activations, run.RowsOf(_passages[passage].Context - first).Start + _passages[passage].Start);
            progress?.Report(done += sequences.Sum(ids => ids.Length));
        }
        return found;
    }
}
