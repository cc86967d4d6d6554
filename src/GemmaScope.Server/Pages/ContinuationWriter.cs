using GemmaScope.Behaviour;
using GemmaScope.Models;

namespace GemmaScope.Server.Pages;

/// <summary>A continuation of a prompt that is being written, a few tokens at a time, so that others get the model in between.</summary>
/// <param name="kind">What it is called.</param>
/// <param name="model">The model.</param>
/// <param name="prompt">Token ids, BOS included.</param>
/// <param name="options">How it is written.</param>
/// <param name="skipSpecial">Whether special tokens are left out of the text.</param>
internal sealed class ContinuationWriter(string kind, GemmaModel model, int[] prompt, GenerationOptions options, bool skipSpecial = true)
    : IDisposable
{
    private const int TokensEach = 4;

    private readonly Text.StreamingDecoder _decoder = model.Tokenizer.CreateStream(skipSpecial);

    // A turn's token ends with the turn, so it is asked between tokens and not handed to the generation.
    private readonly IEnumerator<int> _tokens = model.Generate(prompt, options).GetEnumerator();

    private readonly List<int> _ids = [];

    // Whoever goes away is let go at once, while the model's thread is still within a token.
    private readonly Lock _lock = new();
    private bool _isRunning,
        _isLeft;

    public string Kind => kind;

    /// <summary>Its tokens so far.</summary>
    public IReadOnlyList<int> Ids => _ids;

    public bool IsDone { get; private set; }

    /// <summary>The next few tokens as text.</summary>
    /// <exception cref="OperationCanceledException">Nobody waits for it any more.</exception>
    public string Next(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_isLeft)
                throw new OperationCanceledException();
            _isRunning = true;
        }
        try
        {
            return Write(cancellationToken);
        }
        finally
        {
            lock (_lock)
            {
                _isRunning = false;
                if (_isLeft)
                    _tokens.Dispose();
            }
        }
    }

    /// <summary>What its edits did to it.</summary>
    public SteeringEffect Measure(CancellationToken cancellationToken) =>
        SteeringEffect.Measure(model, prompt, _ids, options.Edits, cancellationToken);

    /// <summary>Frees what the text is written with; where a token is being computed, when it is.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_isLeft)
                return;
            _isLeft = true;
            if (!_isRunning)
                _tokens.Dispose();
        }
    }

    private string Write(CancellationToken cancellationToken)
    {
        var text = "";
        for (var i = 0; i < TokensEach && !IsDone; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_tokens.MoveNext())
            {
                _ids.Add(_tokens.Current);
                text += _decoder.Append(_tokens.Current);
            }
            else
            {
                IsDone = true;
                text += _decoder.Flush();
            }
        }
        return text;
    }
}
