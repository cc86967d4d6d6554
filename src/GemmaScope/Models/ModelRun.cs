using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>Which positions of each sequence get logits.</summary>
public enum LogitRows
{
    /// <summary>The last position if nothing is captured; all if a site at or after the final norm is captured or edited; else none, so
    /// that the run stops early.</summary>
    Automatic,

    /// <summary>None.</summary>
    None,

    /// <summary>The last position of each sequence.</summary>
    Last,

    /// <summary>Every position.</summary>
    All,
}

/// <summary>A token with its logit: as the next one of a text, or what a feature adds to it.</summary>
/// <param name="Token">Id.</param>
/// <param name="Value">Logit; of a next token that after the cap.</param>
public readonly record struct TokenScore(int Token, float Value)
{
    /// <summary>How likely the token comes next, soft-max over all vocabulary rows; null for what a feature adds, which is no prediction.</summary>
    public double? Probability { get; init; }
}

/// <summary>What a run of the model found: captured activations and logits. Rows of several sequences follow each other.</summary>
public sealed class ModelRun : IDisposable
{
    private readonly GemmaConfig _config;
    private readonly Dictionary<Site, Tensor[]> _captured;
    private readonly int[] _starts;
    private readonly int[] _logitStarts;

    internal ModelRun(
        GemmaConfig config,
        IReadOnlyList<int[]> sequences,
        Arithmetic arithmetic,
        Dictionary<Site, Tensor[]> captured,
        Tensor? logits,
        LogitRows rows
    )
    {
        (_config, Sequences, Arithmetic, _captured, Logits, LogitRows) = (config, sequences, arithmetic, captured, logits, rows);
        _starts = Starts(sequences.Select(s => s.Length));
        _logitStarts = Starts(
            sequences.Select(s =>
                rows switch
                {
                    LogitRows.All => s.Length,
                    LogitRows.Last => 1,
                    _ => 0,
                }
            )
        );
    }

    /// <summary>The token ids of each sequence that this run computed.</summary>
    public IReadOnlyList<int[]> Sequences { get; }

    /// <summary>The ids of the first (usually the only) sequence.</summary>
    public int[] Tokens => Sequences[0];

    /// <summary>How the products were computed.</summary>
    public Arithmetic Arithmetic { get; }

    /// <summary>Which positions have logits: none, last or all.</summary>
    public LogitRows LogitRows { get; }

    /// <summary>[rows, vocabulary rows] logits after the final cap, or null if none were asked for.</summary>
    public Tensor? Logits { get; }

    /// <summary>Sites captured.</summary>
    public IEnumerable<Site> Sites => _captured.Keys;

    /// <summary>
    /// The activations at a captured site, after any edits there, in the shape of <see cref="SiteKind"/>; rows of all sequences
    /// follow each other. Attention matrices differ in shape between sequences: read them with <see cref="Attention"/> if there are
    /// several.
    /// </summary>
    /// <exception cref="ArgumentProblemException">The site was not captured.</exception>
    public Tensor this[Site site] => Site.IsAttentionMatrix(site.Kind) ? Attention(site, 0) : Captured(site)[0];

    /// <summary>[heads, queries, keys] of one sequence; with a cache, keys are those it still holds.</summary>
    public Tensor Attention(Site site, int sequence) => Captured(site)[sequence];

    /// <summary>The rows [start, start + count) of token tensors that belong to a sequence.</summary>
    public (int Start, int Count) RowsOf(int sequence) => (_starts[sequence], Sequences[sequence].Length);

    /// <summary>The last logits of a sequence: [vocabulary rows].</summary>
    public ReadOnlySpan<float> LastLogits(int sequence = 0) =>
        Logits is { } logits && _logitStarts[sequence + 1] > _logitStarts[sequence]
            ? logits.Row(_logitStarts[sequence + 1] - 1)
            : throw new ArgumentProblemException("the run computed no logits; ask for them with logits: LogitRows.Last", "logits");

    /// <summary>The most likely next tokens of a sequence with logit and probability, best first (the lower id first among equals); rows that
    /// are no tokens are left out.</summary>
    public IReadOnlyList<TokenScore> TopNextTokens(int count, int sequence = 0)
    {
        var all = LastLogits(sequence);
        var logits = all[.._config.RealVocabulary];
        var best = new PriorityQueue<TokenScore, (float, int)>();
        for (var i = 0; i < logits.Length; i++)
        {
            if (best.Count < count)
                best.Enqueue(new(i, logits[i]), (logits[i], -i));
            else if (count > 0 && logits[i] > best.Peek().Value)
                best.DequeueEnqueue(new(i, logits[i]), (logits[i], -i));
        }
        var result = new TokenScore[best.Count];
        var total = result.Length > 0 ? LogSumExp(all) : 0;
        for (var i = result.Length - 1; i >= 0; i--)
        {
            var score = best.Dequeue();
            result[i] = score with { Probability = Math.Exp(score.Value - total) };
        }
        return result;
    }

    /// <summary>
    /// Mean next-token cross-entropy of a sequence in nats over predictions of tokens from <paramref name="first"/> on; soft-max over all
    /// vocabulary rows.
    /// Needs <see cref="LogitRows.All"/>; NaN if there is nothing to predict.
    /// </summary>
    public double CrossEntropy(int sequence = 0, int first = 1)
    {
        if (LogitRows != LogitRows.All)
            throw new ArgumentProblemException("cross-entropy needs logits of all positions; ask for logits: LogitRows.All", "logits");
        var (start, count) = RowsOf(sequence);
        double sum = 0;
        for (var t = Math.Max(first, 1); t < count; t++)
            sum += Surprise(Logits!.Row(start + t - 1), Sequences[sequence][t]);
        return count > Math.Max(first, 1) ? sum / (count - Math.Max(first, 1)) : double.NaN;
    }

    /// <summary>Frees the captured activations and logits.</summary>
    public void Dispose()
    {
        foreach (var tensor in _captured.Values.SelectMany(tensors => tensors))
            tensor.Dispose();
        Logits?.Dispose();
    }

    /// <summary>−log softmax(logits)[token] in nats.</summary>
    internal static double Surprise(ReadOnlySpan<float> logits, int token) => LogSumExp(logits) - logits[token];

    /// <summary>log Σ exp.</summary>
    internal static double LogSumExp(ReadOnlySpan<float> logits)
    {
        var max = TensorPrimitives.Max(logits);
        double sum = 0;
        foreach (var logit in logits)
            sum += Math.Exp(logit - max);
        return Math.Log(sum) + max;
    }

    private Tensor[] Captured(Site site) =>
        _captured.TryGetValue(site, out var tensors)
            ? tensors
            : throw new ArgumentProblemException($"was not captured; add it to capture: [...] of the run", site.ToString());

    private static int[] Starts(IEnumerable<int> lengths)
    {
        var starts = new List<int> { 0 };
        foreach (var length in lengths)
            starts.Add(starts[^1] + length);
        return [.. starts];
    }
}
