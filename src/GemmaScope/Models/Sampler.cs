namespace GemmaScope.Models;

/// <summary>Chooses the next token from logits: repetition penalty, frequency penalty, temperature, top-k, top-p, in this order; but for
/// the second as Hugging Face's processors do.</summary>
internal sealed class Sampler(GenerationOptions options, int realVocabulary)
{
    private readonly Random _random = options.Seed is int seed ? new Random(seed) : new Random();
    private readonly Dictionary<int, int> _seen = [];
    private float[] _scores = [];
    private int[] _order = [];

    /// <summary>Notes tokens for the penalties.</summary>
    public void Saw(ReadOnlySpan<int> tokens)
    {
        foreach (var token in tokens)
            _seen[token] = _seen.GetValueOrDefault(token) + 1;
    }

    /// <summary>The next token; rows that are no tokens are never chosen, of equal ones the lower id is preferred.</summary>
    public int Choose(ReadOnlySpan<float> logits)
    {
        logits = logits[..realVocabulary];
        if (options.RepetitionPenalty != 1 || options.FrequencyPenalty != 0)
            logits = Penalised(logits);
        if (options.Temperature == 0)
            return ArgMax(logits);
        return Sample(logits);
    }

    /// <summary>Index of the largest value, the first among equals; NaN never wins unless all are NaN.</summary>
    internal static int ArgMax(ReadOnlySpan<float> values)
    {
        var best = 0;
        for (var i = 1; i < values.Length; i++)
            if (values[i] > values[best] || (float.IsNaN(values[best]) && !float.IsNaN(values[i])))
                best = i;
        return best;
    }

    private ReadOnlySpan<float> Penalised(ReadOnlySpan<float> logits)
    {
        if (_scores.Length != logits.Length)
            _scores = new float[logits.Length];
        logits.CopyTo(_scores);
        var (repetition, frequency) = ((float)options.RepetitionPenalty, (float)options.FrequencyPenalty);
        foreach (var (token, times) in _seen)
            if (token < _scores.Length)
                _scores[token] = (_scores[token] > 0 ? _scores[token] / repetition : _scores[token] * repetition) - frequency * times;
        return _scores;
    }

    private int Sample(ReadOnlySpan<float> logits)
    {
        var candidates = Candidates(logits);
        var largest = double.NegativeInfinity;
        foreach (var i in candidates)
            largest = Math.Max(largest, logits[i]);
        double total = 0;
        foreach (var i in candidates)
            total += Weight(logits[i]);

        // Top-p keeps the most likely candidates up to and including the one that reaches p.
        var count = candidates.Length;
        if (options.TopP < 1)
        {
            double reached = 0;
            for (count = 0; count < candidates.Length && reached < options.TopP * total; count++)
                reached += Weight(logits[candidates[count]]);
            total = reached;
        }

        var draw = _random.NextDouble() * total;
        for (var c = 0; c < count - 1; c++)
        {
            draw -= Weight(logits[candidates[c]]);
            if (draw < 0)
                return candidates[c];
        }
        return candidates[count - 1];

        double Weight(float logit) => Math.Exp((logit - largest) / options.Temperature);
    }

    /// <summary>Token ids among which to draw: most likely first if top-k or top-p asks for an order.</summary>
    private ReadOnlySpan<int> Candidates(ReadOnlySpan<float> logits)
    {
        if (_order.Length != logits.Length)
            _order = new int[logits.Length];
        for (var i = 0; i < _order.Length; i++)
            _order[i] = i;
        if (options.TopP >= 1 && (options.TopK == 0 || options.TopK >= logits.Length))
            return _order;

        var keys = new float[logits.Length];
        for (var i = 0; i < keys.Length; i++)
            keys[i] = -logits[i];
        Array.Sort(keys, _order);
        return options.TopK > 0 && options.TopK < _order.Length ? _order.AsSpan(0, options.TopK) : _order;
    }
}
