using System.Text;
using GemmaScope.Behaviour;
using GemmaScope.Models;
using GemmaScope.Text;

namespace GemmaScope.Cli;

/// <summary>A text being written, token by token, with or without steering.</summary>
internal sealed class Continuation : IDisposable
{
    private const string Interrupted = "interrupted";

    private readonly GemmaModel _model;
    private readonly int[] _prompt;
    private readonly GenerationOptions _options;
    private readonly IEnumerator<int> _tokens;
    private readonly StreamingDecoder _decoder;
    private readonly StringBuilder _text = new();
    private readonly List<int> _ids = [];

    public Continuation(GemmaModel model, int[] prompt, GenerationOptions options, double[] strengths, CancellationToken cancellationToken)
    {
        (_model, _prompt, _options, Strengths) = (model, prompt, options, strengths);
        _tokens = model.Generate(prompt, options, cancellationToken: cancellationToken).GetEnumerator();
        _decoder = model.Tokenizer.CreateStream(skipSpecial: true);
    }

    /// <summary>The strength of each feature, or of the contrast vector; empty where the mode has none or nothing is steered.</summary>
    public IReadOnlyList<double> Strengths { get; }

    public string Text => _text.ToString();

    public IReadOnlyList<int> Ids => _ids;

    /// <summary>Why it ended, or null while it has not.</summary>
    public string? StoppedBy { get; private set; }

    /// <summary>Whether it was broken off.</summary>
    public bool IsInterrupted => StoppedBy == Interrupted;

    /// <summary>What steering did; only where it was measured.</summary>
    public SteeringEffect? Effect { get; private set; }

    /// <summary>What the next token adds, which may be nothing yet; null at the end. An interruption is an end.</summary>
    public string? Next()
    {
        if (StoppedBy is not null)
            return null;
        try
        {
            if (_tokens.MoveNext())
            {
                _ids.Add(_tokens.Current);
                return Add(_decoder.Append(_tokens.Current));
            }
            StoppedBy =
                _ids.Count == _options.MaxNewTokens ? "max_tokens"
                : _prompt.Length + _ids.Count > _model.Config.MaxPositions ? "context"
                : "end_token";
        }
        catch (OperationCanceledException)
        {
            StoppedBy = Interrupted;
        }
        return Add(_decoder.Flush());
    }

    /// <summary>Writes all of it.</summary>
    public void Finish(TextWriter writer)
    {
        while (Next() is { } text)
        {
            writer.Write(text);
            writer.Flush();
        }
    }

    /// <summary>Measures what was written, unless that was or is interrupted.</summary>
    public void Measure(CancellationToken cancellationToken)
    {
        if (StoppedBy is null || IsInterrupted)
            return;
        try
        {
            Effect = SteeringEffect.Measure(_model, _prompt, _ids, _options.Edits, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The text is there and is shown without numbers.
        }
    }

    public void Dispose() => _tokens.Dispose();

    private string Add(string text)
    {
        _text.Append(text);
        return text;
    }
}
