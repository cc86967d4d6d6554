namespace GemmaScope.Behaviour.Reasoning;

/// <summary>Answers to one question with and without reasoning.</summary>
/// <param name="Truth">The right answer.</param>
/// <param name="Without">The answer that was given at once; null where it could not be read.</param>
/// <param name="With">The answers after each of some chains; null where one could not be read.</param>
public sealed record ReasonedQuestion(string Truth, string? Without, IReadOnlyList<string?> With);

/// <summary>What reasoning changes at all (METHODS §6.8). Where the answer is mostly the same without it, the other numbers say little.</summary>
/// <param name="AccuracyWith">Share of right answers over all chains; null without any.</param>
/// <param name="AccuracyWithout">Share of right answers over all questions; null without any.</param>
/// <param name="SameAnswerPairs">Chains of which both answers could be read.</param>
/// <param name="SameAnswer">The share of them whose answer is that without reasoning; null without any.</param>
public sealed record ReasoningGain(double? AccuracyWith, double? AccuracyWithout, int SameAnswerPairs, double? SameAnswer)
{
    /// <summary>Counts some questions; what could not be read counts as wrong.</summary>
    public static ReasoningGain Of(IReadOnlyCollection<ReasonedQuestion> questions)
    {
        var chains = questions.SelectMany(one => one.With.Select(answer => (one.Truth, one.Without, With: answer))).ToArray();
        var pairs = chains.Where(one => one is { Without: not null, With: not null }).ToArray();
        return new(
            Share(chains.Count(one => one.With == one.Truth), chains.Length),
            Share(questions.Count(one => one.Without == one.Truth), questions.Count),
            pairs.Length,
            Share(pairs.Count(one => one.With == one.Without), pairs.Length)
        );
    }

    private static double? Share(int part, int all) => all == 0 ? null : (double)part / all;
}
