using GemmaScope.Models;

namespace GemmaScope.Evaluation;

/// <summary>Some sequences that are run together, and which of their positions count. Rows are the tokens of all sequences, one after
/// another.</summary>
public sealed class EvaluationBatch
{
    /// <summary>A batch.</summary>
    /// <param name="sequences">Token ids of each, BOS included.</param>
    /// <param name="counted">For each sequence one flag a token: not special, not padding.</param>
    /// <param name="bos">The id of BOS, or null.</param>
    /// <exception cref="ArgumentProblemException">Flags and tokens differ in number.</exception>
    public EvaluationBatch(IReadOnlyList<int[]> sequences, IReadOnlyList<bool[]> counted, int? bos)
    {
        if (sequences.Count != counted.Count || sequences.Where((ids, s) => ids.Length != counted[s].Length).Any())
            throw new ArgumentProblemException("there must be one flag for each token", "counted");
        Sequences = sequences;
        Counted = [.. counted.SelectMany(flags => flags)];
        Positions = [.. sequences.SelectMany(ids => Enumerable.Range(0, ids.Length))];
        Next = [.. sequences.SelectMany(ids => ids.Skip(1).Append(-1))];
        CountedOrBos = [.. sequences.SelectMany(ids => ids).Select((id, row) => Counted[row] || id == bos)];
        Everywhere = [.. Counted.Select(_ => true)];
    }

    /// <summary>A batch in which some ids count nowhere and all others everywhere.</summary>
    public static EvaluationBatch WithSpecialIds(IReadOnlyList<int[]> sequences, IReadOnlyCollection<int> special, int? bos) =>
        new(sequences, [.. sequences.Select(ids => ids.Select(id => !special.Contains(id)).ToArray())], bos);

    /// <summary>Token ids of each sequence.</summary>
    public IReadOnlyList<int[]> Sequences { get; }

    /// <summary>Tokens of all sequences.</summary>
    public int Rows => Counted.Length;

    /// <summary>M of METHODS §2.9: of each row whether it counts.</summary>
    internal bool[] Counted { get; }

    internal bool[] CountedOrBos { get; }

    internal bool[] Everywhere { get; }

    /// <summary>Of each row its position in its sequence.</summary>
    internal int[] Positions { get; }

    /// <summary>Of each row the token that follows, −1 at the end of a sequence.</summary>
    internal int[] Next { get; }

    /// <summary>Which sides of the prediction made at a row are not special.</summary>
    internal PredictionRule Prediction(int row) =>
        Next[row] < 0 ? PredictionRule.None : (Counted[row] ? PredictionRule.Source : 0) | (Counted[row + 1] ? PredictionRule.Target : 0);

    /// <summary>Of each row whether the main rule counts its prediction.</summary>
    internal bool[] CountedPredictions() => [.. Enumerable.Range(0, Rows).Select(row => Prediction(row) == PredictionRule.Both)];
}
