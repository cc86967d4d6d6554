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
    private const int Block = 1024;

    private readonly int[] _yes,
        _no;

    private YesNo(int[] yes, int[] no) => (_yes, _no) = (yes, no);

    /// <summary>The tokens that are the two words: as they are, small and large, with a space before them or not.</summary>
    /// <exception cref="ArgumentProblemException">The model has no token for one of them.</exception>
    public static YesNo Of(Tokenizer tokenizer, string yes = "Yes", string no = "No") => new(Ids(tokenizer, yes), Ids(tokenizer, no));

    /// <summary>The tokens themselves.</summary>
    internal static YesNo Of(int[] yes, int[] no) => new(yes, no);

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
        // With d = l − max: log Σ exp(d) − Σ exp(d) d / Σ exp(d). One pass over what may be a quarter of a million logits, by whole vectors.
        Span<float> block = stackalloc float[2 * Block];
        var max = TensorPrimitives.Max(logits);
        double sum = 0,
            weighted = 0;
        for (var start = 0; start < logits.Length; start += Block)
        {
            var part = logits[start..Math.Min(start + Block, logits.Length)];
            var differences = block[..part.Length];
            var exponentials = block.Slice(Block, part.Length);
            TensorPrimitives.Subtract(part, max, differences);
            TensorPrimitives.Exp(differences, exponentials);
            sum += TensorPrimitives.Sum<float>(exponentials);
            weighted += TensorPrimitives.Dot<float>(exponentials, differences);
        }
        return Math.Max(0, Math.Log(sum) - weighted / sum);
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
