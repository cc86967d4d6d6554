using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>The sequences of one run, laid one after another without padding: rows of sequence s are [Start(s), Start(s) +
/// Length(s)).</summary>
internal sealed class RunSequences
{
    private readonly int[] _starts;
    private readonly IReadOnlyList<int[]> _tokens;
    private readonly IReadOnlyList<KvCache>? _caches;

    public RunSequences(IReadOnlyList<int[]> tokens, IReadOnlyList<KvCache>? caches)
    {
        (_tokens, _caches) = (tokens, caches);
        _starts = new int[tokens.Count + 1];
        for (var s = 0; s < tokens.Count; s++)
        {
            _starts[s + 1] = checked(_starts[s] + tokens[s].Length);
            Positions = Math.Max(Positions, First(s) + tokens[s].Length);
        }
    }

    /// <summary>Number of sequences.</summary>
    public int Count => _tokens.Count;

    /// <summary>Tokens of all sequences.</summary>
    public int TotalRows => _starts[^1];

    /// <summary>One more than the largest position.</summary>
    public int Positions { get; }

    public int Start(int sequence) => _starts[sequence];

    public int Length(int sequence) => _tokens[sequence].Length;

    /// <summary>Absolute position of the sequence's first new token.</summary>
    public int First(int sequence) => _caches?[sequence].Length ?? 0;

    public ReadOnlySpan<int> Tokens(int sequence) => _tokens[sequence];

    public KvCache? Cache(int sequence) => _caches?[sequence];

    public MatrixView Rows(MatrixView all, int sequence) => all.SliceRows(Start(sequence), Length(sequence));

    /// <summary>Tells the caches that the new tokens are in.</summary>
    public void Advance()
    {
        if (_caches is null)
            return;
        for (var s = 0; s < Count; s++)
            _caches[s].Length += Length(s);
    }
}
