using System.Buffers;
using System.Numerics.Tensors;
using GemmaScope.Evaluation;
using GemmaScope.Text;

namespace GemmaScope.Behaviour.Knowledge;

/// <summary>What a model says to a question of yes or no, by the logits of the next token.</summary>
/// <param name="LogOdds">log p(yes) − log p(no), over all tokens that are these words; above 0 it says yes.</param>
/// <param name="Mass">p(yes) + p(no): whether it is about to say one of them at all.</param>
public readonly record struct YesNoAnswer(double LogOdds, double Mass)
{
    /// <summary>Whether it says yes.</summary>
    public bool IsYes => LogOdds > 0;

    /// <summary>How likely yes is, of the two.</summary>
    public double Probability => 1 / (1 + Math.Exp(-LogOdds));
}

/// <summary>Reads such answers.</summary>
public sealed class YesNo
{
    private readonly int[] _yes,
        _no;

    private YesNo(int[] yes, int[] no) => (_yes, _no) = (yes, no);

    /// <summary>The tokens that are the two words: as they are, small and large, with a space before them or not.</summary>
    /// <exception cref="ArgumentProblemException">The model has no token for one of them.</exception>
    public static YesNo Of(Tokenizer tokenizer, string yes = "Yes", string no = "No") => new(Ids(tokenizer, yes), Ids(tokenizer, no));

    /// <summary>The answer in some logits.</summary>
    public YesNoAnswer Read(ReadOnlySpan<float> logits)
    {
        var total = Predictions.LogSum(logits);
        var (yes, no) = (Sum(logits, _yes), Sum(logits, _no));
        return new(yes - no, Math.Exp(yes - total) + Math.Exp(no - total));
    }

    /// <summary>The entropy of the next token in nats.</summary>
    /// <param name="logits">The logits of all vocabulary rows.</param>
    public static double Entropy(ReadOnlySpan<float> logits)
    {
        // −Σ p log p = log Σ exp(l) − Σ p l: over a large vocabulary this is a part of what a run costs, so it goes by whole vectors.
        var total = Predictions.LogSum(logits);
        var probabilities = ArrayPool<float>.Shared.Rent(logits.Length);
        var p = probabilities.AsSpan(0, logits.Length);
        TensorPrimitives.Subtract(logits, (float)total, p);
        TensorPrimitives.Exp(p, p);
        var expected = TensorPrimitives.Dot(p, logits);
        ArrayPool<float>.Shared.Return(probabilities);
        return Math.Max(0, total - expected);
    }

    private static double Sum(ReadOnlySpan<float> logits, int[] ids)
    {
        var most = double.NegativeInfinity;
        foreach (var id in ids)
            most = Math.Max(most, logits[id]);
        double sum = 0;
        foreach (var id in ids)
            sum += Math.Exp(logits[id] - most);
        return most + Math.Log(sum);
    }

    private static int[] Ids(Tokenizer tokenizer, string word)
    {
        string[] forms = [word, word.ToLowerInvariant(), word.ToUpperInvariant()];
        int[] ids =
        [
            .. forms
                .SelectMany(form => (string[])[form, " " + form])
                .Select(form => tokenizer.Encode(form))
                .Where(ids => ids.Length == 1)
                .Select(ids => ids[0])
                .Distinct(),
        ];
        return ids.Length > 0
            ? ids
            : throw new ArgumentProblemException($"'{word}' is no token of this model; name another word", "answer");
    }
}
