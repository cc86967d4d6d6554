namespace GemmaScope.Features.Interpretation;

/// <summary>A rule that explains a feature.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="Selection">Its score where it was chosen, which flatters it.</param>
/// <param name="Score">Its score on the other half.</param>
public sealed record RuleExplanation(TokenRule Rule, InterpretationScore Selection, InterpretationScore Score);

/// <summary>
/// Explains features without a judge (METHODS §6.1): rules about tokens are learnt from a dashboard's examples, the one that predicts best
/// on one half of a
/// held-out text is taken, and its score on the other half is what it is worth. Nothing is drawn but the questions.
/// </summary>
public static class RuleExplainer
{
    /// <summary>Who is named as the author of rules.</summary>
    public const string Author = "token rules";

    /// <summary>Names this way of making rules; another text means other rules.</summary>
    public const string Method = "rules 1";

    /// <summary>Half a standard error of a score on 200 passages of each class: a longer list that gains no more has only learnt
    /// noise.</summary>
    private const double AsGood = 0.01;

    private static readonly int[] Sizes = [1, 2, 4, 8, 16];
    private static readonly double[] Precisions = [0.2, 0.5, 0.8];

    /// <summary>Explains a feature.</summary>
    /// <param name="evidence">What rules are learnt from.</param>
    /// <param name="selection">Questions by which one is chosen.</param>
    /// <param name="scoring">Questions that score it.</param>
    /// <returns>Null where the evidence holds no rule.</returns>
    public static RuleExplanation? Explain(FeatureEvidence evidence, QuestionSet selection, QuestionSet scoring)
    {
        (TokenRule Rule, InterpretationScore Score)[] tried = [.. Candidates(evidence).Select(rule => (rule, rule.Score(selection)))];
        if (tried.Length == 0)
            return null;
        var best = tried.Max(one => one.Score.Mean) ?? 0;
        // Of those that are as good the shortest, and of these the first: simple kinds come first.
        var (chosen, score) = tried
            .Where(one => one.Score.Mean >= best - AsGood || one.Score.Mean is null)
            .MinBy(one => one.Rule.Patterns.Count);
        return new RuleExplanation(chosen, score, chosen.Score(scoring));
    }

    /// <summary>The rules that examples suggest, simple ones first.</summary>
    internal static IEnumerable<TokenRule> Candidates(FeatureEvidence evidence)
    {
        foreach (var kind in (RuleKind[])[RuleKind.Tokens, RuleKind.Phrases, RuleKind.After])
        {
            var counts = Count(evidence, kind);
            var lists = Precisions.Select(precision => Ranked(counts, precision)).ToArray();
            var seen = new HashSet<string>();
            foreach (var size in Sizes)
            foreach (var list in lists)
            {
                int[][] patterns = [.. list.Take(size).Select(pattern => pattern.Tokens)];
                if (patterns.Length > 0 && seen.Add(string.Join(';', patterns.Select(pattern => string.Join(',', pattern)))))
                    yield return new TokenRule(kind, patterns);
            }
        }
        foreach (var size in Sizes.Where((size, i) => size <= evidence.Promoted.Count || (i > 0 && Sizes[i - 1] < evidence.Promoted.Count)))
            if (evidence.Promoted.Count > 0)
                yield return new TokenRule(RuleKind.Before, [.. evidence.Promoted.Take(size).Select(id => (int[])[id])]);
    }

    /// <summary>How strongly a feature fires where a pattern is found, and how often it does and does not.</summary>
    private static Dictionary<TokenPattern, (double Sum, int Hits, int Misses)> Count(FeatureEvidence evidence, RuleKind kind)
    {
        var counts = new Dictionary<TokenPattern, (double Sum, int Hits, int Misses)>();
        var (shortest, longest) = kind switch
        {
            RuleKind.Tokens => (1, 1),
            RuleKind.Phrases => (2, TokenRule.LongestPattern),
            _ => (1, TokenRule.LongestPattern),
        };
        foreach (var example in evidence.Examples)
            for (var position = 0; position < example.Tokens.Count; position++)
            for (var length = shortest; length <= longest; length++)
            {
                var start = position + TokenRule.EndOf(kind) - length;
                if (start < 0)
                    break;
                var pattern = TokenPattern.Of(example.Tokens, start, length);
                var (value, (sum, hits, misses)) = (example.Values[position], counts.GetValueOrDefault(pattern));
                counts[pattern] = value > 0 ? (sum + value, hits + 1, misses) : (sum, hits, misses + 1);
            }
        return counts;
    }

    /// <summary>Patterns that are found twice or more and mostly where the feature fires; those with the largest sum of activations
    /// first.</summary>
    private static List<TokenPattern> Ranked(Dictionary<TokenPattern, (double Sum, int Hits, int Misses)> counts, double precision)
    {
        var taken = new List<TokenPattern>();
        var ordered = counts
            .Where(one =>
                one.Value.Hits >= 2
                && one.Value.Hits >= precision * (one.Value.Hits + one.Value.Misses)
                && one.Key.Tokens.All(id => id >= 0)
            )
            .OrderByDescending(one => one.Value.Sum)
            .ThenBy(one => one.Key.Key)
            .Select(one => one.Key);
        foreach (var pattern in ordered)
        {
            if (taken.Count == Sizes[^1])
                break;
            if (!taken.Exists(other => other.Ends(pattern)))
                taken.Add(pattern);
        }
        return taken;
    }
}
