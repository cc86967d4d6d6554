using System.Diagnostics;
using System.Text;
using GemmaScope.Numerics;
using GemmaScope.Text;

namespace GemmaScope.Cli.Output;

/// <summary>Prints tokens while a model generates them, never half a character, and measures how fast they come.</summary>
internal sealed class TokenStream(Tokenizer tokenizer, TextWriter writer)
{
    private readonly List<int> _ids = [];
    private readonly StringBuilder _text = new();
    private TimeSpan _first,
        _all;

    public IReadOnlyList<int> Ids => _ids;

    public string Text => _text.ToString();

    /// <summary>Whether the generation was interrupted.</summary>
    public bool Interrupted { get; private set; }

    /// <summary>Time from the start to the last token, the prompt included.</summary>
    public double Seconds => _all.TotalSeconds;

    /// <summary>Tokens after the first, which waits for the prompt, per second; NaN where there are none.</summary>
    public double TokensPerSecond => _ids.Count > 1 ? (_ids.Count - 1) / (_all - _first).TotalSeconds : double.NaN;

    /// <summary>Prints all tokens; an interruption ends the stream without an error, after what has been printed.</summary>
    public void Print(IEnumerable<int> tokens)
    {
        var decoder = tokenizer.CreateStream();
        var clock = Stopwatch.StartNew();
        try
        {
            foreach (var token in tokens)
            {
                _ids.Add(token);
                Write(decoder.Append(token));
                _all = clock.Elapsed;
                if (_ids.Count == 1)
                    _first = _all;
            }
        }
        catch (OperationCanceledException)
        {
            Interrupted = true;
        }
        Write(decoder.Flush());
    }

    /// <summary>One line on the speed.</summary>
    public string Speed(int promptTokens)
    {
        var rate = double.IsNaN(TokensPerSecond) ? "" : $", {TokensPerSecond:0.0} tokens/s";
        return $"{_ids.Count} tokens{rate}; prompt of {promptTokens} tokens and first token in {_first.TotalSeconds:0.00} s; {Format.Arithmetic(Compute.DefaultArithmetic)} arithmetic, {Compute.Kernels.Name}";
    }

    private void Write(string text)
    {
        if (text.Length == 0)
            return;
        _text.Append(text);
        writer.Write(text);
        writer.Flush();
    }
}
