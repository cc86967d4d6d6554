using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>A text that a model is writing, token by token. Whoever reads sets the pace; breaking off is an end like others.</summary>
public sealed class Continuation : IDisposable
{
    private readonly GenerationOptions _options;
    private readonly long _before,
        _context;
    private readonly IEnumerator<int> _tokens;
    private readonly StreamingDecoder _decoder;
    private readonly StopSequences _stops;
    private readonly Action<Continuation>? _ended;
    private readonly StringBuilder _text = new();
    private readonly List<int> _ids = [];
    private readonly Stopwatch _clock = new();

    /// <summary>Prepares a text; nothing is computed before it is read.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompt">Token ids, BOS included; with a cache only those it has not seen.</param>
    /// <param name="options">Sampling and stopping; null for the defaults.</param>
    /// <param name="skipSpecial">Whether special tokens are left out of the text.</param>
    /// <param name="cancellationToken">Ends the text, without an error.</param>
    /// <exception cref="ArgumentProblemException">An option is out of range or the prompt is too long.</exception>
    public Continuation(
        GemmaModel model,
        int[] prompt,
        GenerationOptions? options = null,
        bool skipSpecial = false,
        CancellationToken cancellationToken = default
    )
        : this(model, prompt, options ?? new(), skipSpecial, null, [], null, cancellationToken) { }

    /// <summary>The same over a cache, up to one of some texts.</summary>
    internal Continuation(
        GemmaModel model,
        int[] prompt,
        GenerationOptions options,
        bool skipSpecial,
        KvCache? cache,
        IReadOnlyList<string> stopSequences,
        Action<Continuation>? ended,
        CancellationToken cancellationToken
    )
    {
        _options = options;
        (_before, _context) = ((cache?.Length ?? 0) + (long)prompt.Length, model.Config.MaxPositions);
        _tokens = model.Generate(prompt, options, cache, cancellationToken).GetEnumerator();
        _decoder = model.Tokenizer.CreateStream(skipSpecial);
        (_stops, _ended) = (new(stopSequences), ended);
    }

    /// <summary>The text so far.</summary>
    public string Text => _text.ToString();

    /// <summary>Its tokens.</summary>
    public IReadOnlyList<int> Ids => _ids;

    /// <summary>Why it ended; null while it has not.</summary>
    public StopReason? StoppedBy { get; private set; }

    /// <summary>Time from the start to the first token, which waits for the prompt.</summary>
    public TimeSpan FirstToken { get; private set; }

    /// <summary>Time from the start to the last token.</summary>
    public TimeSpan AllTokens { get; private set; }

    /// <summary>Computes the next token.</summary>
    /// <returns>What it adds to the text, which may be nothing yet; null after the end.</returns>
    public string? Next()
    {
        if (StoppedBy is not null)
            return null;
        _clock.Start();
        try
        {
            if (!_tokens.MoveNext())
                return End(
                    _options.Observer is { HasStopped: true } ? StopReason.Monitor
                    : _ids.Count == _options.MaxNewTokens ? StopReason.MaxTokens
                    : _before + _ids.Count > _context ? StopReason.Context
                    : StopReason.EndToken
                );
        }
        catch (OperationCanceledException)
        {
            return End(StopReason.Interrupted);
        }
        finally
        {
            _clock.Stop();
        }
        _ids.Add(_tokens.Current);
        AllTokens = _clock.Elapsed;
        if (_ids.Count == 1)
            FirstToken = AllTokens;
        var piece = Add(_stops.Take(_decoder.Append(_tokens.Current)));
        return _stops.IsHit ? piece + End(StopReason.StopSequence) : piece;
    }

    /// <summary>Writes all of it, piece by piece; computed beside the caller.</summary>
    /// <param name="cancellationToken">Ends the reading with an error.</param>
    public async IAsyncEnumerable<string> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (await Task.Run(Next, cancellationToken).ConfigureAwait(false) is { } piece)
            if (piece.Length > 0)
                yield return piece;
    }

    /// <summary>Breaks the text off if it has not ended.</summary>
    public void Dispose()
    {
        if (StoppedBy is null)
            End(StopReason.Interrupted);
    }

    private string End(StopReason reason)
    {
        _tokens.Dispose();
        StoppedBy = reason;
        var last = Add(_stops.Take(_decoder.Flush()) + _stops.Rest());
        if (_stops.IsHit)
            StoppedBy = StopReason.StopSequence;
        _ended?.Invoke(this);
        return last;
    }

    private string Add(string text)
    {
        _text.Append(text);
        return text;
    }
}
