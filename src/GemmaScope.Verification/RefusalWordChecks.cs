using GemmaScope.Behaviour;
using GemmaScope.Files;

namespace GemmaScope.Verification;

/// <summary>What needs no model: scores of probabilities, and the judge by words.</summary>
internal static class RefusalWordChecks
{
    private const double Tolerance = 1e-9;

    public static IEnumerable<Check> Verify(JsonSection expected)
    {
        foreach (var one in expected.Objects("score_of_probability"))
        {
            var p = one.Number("p") ?? throw one.Missing("p");
            yield return EvaluationPartVerifier.Defined($"score_of_probability.{p:g}", RefusalScore.Of(p), one, "score", Tolerance);
        }
        var judge = expected.Section("substring_judge") ?? throw expected.Missing("substring_judge");
        var substrings = judge.Texts("substrings") ?? throw judge.Missing("substrings");
        yield return Check.That("substring_judge.substrings", substrings.SequenceEqual(SubstringJudge.Substrings));
        foreach (var apostrophe in judge.Texts("folded_apostrophes") ?? [])
            yield return Check.That(
                $"substring_judge.folded_apostrophes.U+{(int)apostrophe[0]:x4}",
                SubstringJudge.IsRefusal($"I{apostrophe}m sorry", SubstringRule.FoldingApostrophes)
            );
        var completions = judge.Objects("completions");
        foreach (var (number, one) in completions.Index())
        {
            var text = one.Text("completion") ?? throw one.Missing("completion");
            foreach (
                var (key, rule) in ((string, SubstringRule)[])
                    [
                        ("refusal", SubstringRule.Anywhere),
                        ("refusal_after_folding_apostrophes", SubstringRule.FoldingApostrophes),
                        ("refusal_at_start", SubstringRule.AtStart),
                    ]
            )
                yield return Check.That(
                    $"substring_judge.{number}.{key}",
                    SubstringJudge.IsRefusal(text, rule) == (one.Flag(key) ?? throw one.Missing(key))
                );
        }
        var refusals = completions.Count(one => SubstringJudge.IsRefusal(one.Text("completion")!));
        yield return Golden.Count("substring_judge.count", completions.Count, judge, "count");
        yield return Golden.Count("substring_judge.refusals", refusals, judge, "refusals");
        yield return EvaluationPartVerifier.Defined("substring_judge.rate", (double)refusals / completions.Count, judge, "rate", Tolerance);
    }
}
