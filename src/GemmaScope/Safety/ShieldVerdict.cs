namespace GemmaScope.Safety;

/// <summary>What the model says of one policy.</summary>
/// <param name="Policy">The policy.</param>
/// <param name="Probability">Soft-max over the two logits, in f32: the probability that the policy is violated.</param>
/// <param name="YesLogit">Logit of Yes at the last position, after the model's soft cap.</param>
/// <param name="NoLogit">Logit of No.</param>
/// <param name="Mass">What Yes and No have together of the probability over the whole vocabulary; near 1 in a real ShieldGemma.</param>
/// <param name="Rationale">The answer that was generated, which begins with the likelier of Yes and No; null where none was asked
/// for.</param>
public sealed record PolicyScore(ShieldPolicy Policy, float Probability, float YesLogit, float NoLogit, double Mass, string? Rationale)
{
    /// <summary>Whether the probability reaches the policy's threshold.</summary>
    public bool IsViolated => Probability >= Policy.Threshold;
}

/// <summary>What the model says of a text.</summary>
/// <param name="Question">What was asked.</param>
/// <param name="Scores">The policies' scores, in the order asked.</param>
public sealed record ShieldVerdict(ShieldQuestion Question, IReadOnlyList<PolicyScore> Scores)
{
    private const double LittleMass = 0.5;

    /// <summary>The largest probability of all policies: the combined score.</summary>
    public float Probability => Scores.Max(score => score.Probability);

    /// <summary>The policy of the largest probability, by number.</summary>
    public int LikeliestPolicy => Scores.Index().MaxBy(score => score.Item.Probability).Index;

    /// <summary>Whether any policy is violated.</summary>
    public bool IsViolated => Scores.Any(score => score.IsViolated);

    /// <summary>Whether a chat model was asked in the place of ShieldGemma.</summary>
    public bool IsOfChat => Question.Template.IsOfChat;

    /// <summary>What its reader should know.</summary>
    public IReadOnlyList<string> Warnings =>
        [
            .. IsOfChat ? (string[])[ShieldTemplate.ChatNote] : [],
            .. Scores
                .Where(score => score.Mass < LittleMass)
                .Select(score =>
                    FormattableString.Invariant(
                        $"Yes and No have only {score.Mass:0.0%} of the probability under {score.Policy.Key}; {(IsOfChat ? "was the model tuned to chat?" : "is the model a ShieldGemma, and this its template?")}"
                    )
                ),
            .. Question.CutTokens > 0
                ? (string[])
                    [
                        $"about {Question.CutTokens} tokens of the text did not fit and were not judged ({(Question.Options.Truncation == ShieldTruncation.KeepStart ? "its end" : "its start")})",
                    ]
                : [],
        ];
}
