namespace GemmaScope.Behaviour;

/// <summary>
/// How much a model leans towards refusing, read before it has written anything: log(p + ε) − log(1 − p + ε), where p is the probability of
/// the tokens that refusals begin with (2406.11717, METHODS §6.6). Above 0 it refuses more likely than not.
/// </summary>
public static class RefusalScore
{
    private const double Epsilon = 1e-8;

    /// <summary>The score of a probability.</summary>
    public static double Of(double probability) => Math.Log(probability + Epsilon) - Math.Log(1 - probability + Epsilon);

    /// <summary>The score of a next token.</summary>
    /// <param name="logits">Logits of all vocabulary rows, after the final cap.</param>
    /// <param name="refusalTokens">Ids of the tokens that refusals begin with.</param>
    public static double Of(ReadOnlySpan<float> logits, IReadOnlyCollection<int> refusalTokens)
    {
        // Sums in f64: the score tells probabilities of 1e-8 from 0.
        double largest = float.NegativeInfinity,
            all = 0,
            refusals = 0;
        foreach (var logit in logits)
            largest = Math.Max(largest, logit);
        foreach (var logit in logits)
            all += Math.Exp(logit - largest);
        foreach (var token in refusalTokens)
            refusals += Math.Exp(logits[token] - largest);
        return Of(Math.Min(1, refusals / all));
    }
}
