using System.Numerics.Tensors;

namespace GemmaScope.Models;

/// <summary>Chooses the next token from logits: repetition penalty, frequency penalty, temperature, top-k, top-p, in this order; but for
/// the second as Hugging Face's processors do. Once its buffers have their size nothing is allocated for a token.</summary>
internal sealed class Sampler(GenerationOptions options, int realVocabulary)
{
    /// <summary>How many candidates top-p looks at first. The most likely few usually reach p; if not, so many times more are looked
    /// at.</summary>
    private const int FirstCandidates = 256,
        Growth = 16;

    private readonly Random _random = options.Seed is int seed ? new Random(seed) : new Random();
    private readonly Dictionary<int, int> _seen = [];
    private readonly TopTokens _top = new();
    private float[] _scores = [];
    private double[] _weights = [];

    private bool HasPenalties => options.RepetitionPenalty != 1 || options.FrequencyPenalty != 0;

    /// <summary>Notes tokens for the penalties.</summary>
    public void Saw(ReadOnlySpan<int> tokens)
    {
        if (!HasPenalties)
            return;
        foreach (var token in tokens)
            _seen[token] = _seen.GetValueOrDefault(token) + 1;
    }

    /// <summary>The next token; rows that are no tokens are never chosen, of equal ones the lower id is preferred.</summary>
    public int Choose(ReadOnlySpan<float> logits)
    {
        logits = logits[..realVocabulary];
        if (HasPenalties)
            logits = Penalised(logits);
        if (options.Temperature == 0)
            return ArgMax(logits);
        return options.TopK > 0 && options.TopK < logits.Length ? AmongTopK(logits)
            : options.TopP < 1 ? AmongTopP(logits)
            : AmongAll(logits);
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

    /// <summary>Among all tokens, in the order of their ids.</summary>
    private int AmongAll(ReadOnlySpan<float> logits)
    {
        var weights = Weights(logits);
        var draw = _random.NextDouble() * TensorPrimitives.Sum(weights);
        for (var id = 0; id < weights.Length - 1; id++)
        {
            draw -= weights[id];
            if (draw < 0)
                return id;
        }
        return weights.Length - 1;
    }

    /// <summary>Among the k most likely, of which top-p may keep a part.</summary>
    private int AmongTopK(ReadOnlySpan<float> logits)
    {
        var keys = _top.Select(logits, options.TopK);
        var (_, total) = Reach(logits, keys, double.PositiveInfinity);
        if (options.TopP >= 1)
            return Draw(logits, keys, total);
        var (count, reached) = Reach(logits, keys, options.TopP * total);
        return Draw(logits, keys[..count], reached);
    }

    /// <summary>Among the most likely whose probabilities reach p together.</summary>
    private int AmongTopP(ReadOnlySpan<float> logits)
    {
        var goal = options.TopP * TensorPrimitives.Sum(Weights(logits));
        for (var most = FirstCandidates; ; most *= Growth)
        {
            var keys = _top.Select(logits, most);
            var (count, reached) = Reach(logits, keys, goal);
            if (reached >= goal || keys.Length == logits.Length)
                return Draw(logits, keys[..count], reached);
        }
    }

    /// <summary>How many of the most likely it takes, up to and including the one that reaches the goal, and what they weigh.</summary>
    private (int Count, double Reached) Reach(ReadOnlySpan<float> logits, ReadOnlySpan<ulong> keys, double goal)
    {
        double reached = 0,
            largest = logits[TopTokens.Id(keys[0])];
        var count = 0;
        for (; count < keys.Length && reached < goal; count++)
            reached += Weight(logits[TopTokens.Id(keys[count])], largest);
        return (count, reached);
    }

    private int Draw(ReadOnlySpan<float> logits, ReadOnlySpan<ulong> keys, double total)
    {
        double draw = _random.NextDouble() * total,
            largest = logits[TopTokens.Id(keys[0])];
        foreach (var key in keys[..^1])
        {
            draw -= Weight(logits[TopTokens.Id(key)], largest);
            if (draw < 0)
                return TopTokens.Id(key);
        }
        return TopTokens.Id(keys[^1]);
    }

    private double Weight(float logit, double largest) => Math.Exp((logit - largest) / options.Temperature);

    /// <summary>e^((logit − largest) / T) of all tokens.</summary>
    private ReadOnlySpan<double> Weights(ReadOnlySpan<float> logits)
    {
        if (_weights.Length != logits.Length)
            _weights = new double[logits.Length];
        TensorPrimitives.ConvertTruncating<float, double>(logits, _weights);
        TensorPrimitives.Subtract<double>(_weights, TensorPrimitives.Max(logits), _weights);
        TensorPrimitives.Divide<double>(_weights, options.Temperature, _weights);
        TensorPrimitives.Exp<double>(_weights, _weights);
        return _weights;
    }
}
