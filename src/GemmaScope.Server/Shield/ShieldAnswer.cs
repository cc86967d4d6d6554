using GemmaScope.Safety;

namespace GemmaScope.Server.Shield;

/// <summary>What <c>/v1/shield</c> answers. The texts are not repeated.</summary>
/// <param name="Model">The model that judged.</param>
/// <param name="Template">The form of the prompt.</param>
/// <param name="Hardened">Whether turn markers in texts were plain text.</param>
/// <param name="Results">The texts' verdicts, in the order asked.</param>
public sealed record ShieldAnswer(string Model, string Template, bool Hardened, IReadOnlyList<ShieldResult> Results);

/// <summary>The verdict on a text.</summary>
/// <param name="Id">The name it was given.</param>
/// <param name="Judged">prompt or response.</param>
/// <param name="Probability">The largest of the policies.</param>
/// <param name="Violated">Whether any policy is violated.</param>
/// <param name="Policies">Each policy's score.</param>
/// <param name="Warnings">What its reader should know.</param>
/// <param name="Explanation">Which features speak for and against the likeliest, where that was asked for.</param>
public sealed record ShieldResult(
    string? Id,
    string Judged,
    float Probability,
    bool Violated,
    IReadOnlyList<PolicyResult> Policies,
    IReadOnlyList<string> Warnings,
    ExplanationResult? Explanation
)
{
    internal static ShieldResult Of(string? id, ShieldVerdict verdict, VerdictExplanation? explanation) =>
        new(
            id,
            verdict.Question.Response is null ? "prompt" : "response",
            verdict.Probability,
            verdict.IsViolated,
            [.. verdict.Scores.Select(PolicyResult.Of)],
            verdict.Warnings,
            explanation is null ? null : ExplanationResult.Of(explanation)
        );
}

/// <summary>A policy's score.</summary>
/// <param name="Policy">Its key.</param>
/// <param name="Version">Which wording it has.</param>
/// <param name="Probability">Softmax of the logits of Yes and No.</param>
/// <param name="Threshold">From which probability on it is violated.</param>
/// <param name="Violated">Whether it is.</param>
/// <param name="YesLogit">Logit of Yes.</param>
/// <param name="NoLogit">Logit of No.</param>
/// <param name="YesNoMass">What the two have together of the probability over the vocabulary.</param>
public sealed record PolicyResult(
    string Policy,
    string Version,
    float Probability,
    double Threshold,
    bool Violated,
    float YesLogit,
    float NoLogit,
    double YesNoMass
)
{
    internal static PolicyResult Of(PolicyScore score) =>
        new(
            score.Policy.Key,
            score.Policy.Version,
            score.Probability,
            score.Policy.Threshold,
            score.IsViolated,
            score.YesLogit,
            score.NoLogit,
            score.Mass
        );
}

/// <summary>Why a score came out as it did: direct contributions to the raw gap between the logits of Yes and No, which they sum
/// to.</summary>
/// <param name="Policy">The policy explained.</param>
/// <param name="Dictionary">The dictionary.</param>
/// <param name="Site">The site its features write to.</param>
/// <param name="RawGap">Logit of Yes minus that of No before the soft cap.</param>
/// <param name="Features">The strongest features.</param>
/// <param name="OtherFeatures">What the other active features contribute together.</param>
/// <param name="Bias">What the dictionary's bias contributes.</param>
/// <param name="Error">What the dictionary does not reconstruct.</param>
/// <param name="Elsewhere">What is not at this site.</param>
/// <param name="Fvu">The dictionary's fraction of variance unexplained over the prompt.</param>
/// <param name="Warnings">What its reader should know.</param>
public sealed record ExplanationResult(
    string Policy,
    string Dictionary,
    string Site,
    double RawGap,
    IReadOnlyList<FeatureResult> Features,
    double OtherFeatures,
    double Bias,
    double Error,
    double Elsewhere,
    double? Fvu,
    IReadOnlyList<string> Warnings
)
{
    private const int Shown = 10;

    internal static ExplanationResult Of(VerdictExplanation found) =>
        new(
            found.Score.Policy.Key,
            found.Dictionary,
            found.Site,
            found.RawGap,
            [.. found.Features.Take(Shown).Select(feature => new FeatureResult(feature.Feature, feature.Activation, feature.Direct))],
            found.Features.Skip(Shown).Sum(feature => feature.Direct),
            found.Bias,
            found.Error,
            found.Elsewhere,
            double.IsFinite(found.Fvu) ? found.Fvu : null,
            found.Warnings
        );
}

/// <summary>A feature's part.</summary>
/// <param name="Feature">Its index.</param>
/// <param name="Activation">How strongly it fires.</param>
/// <param name="Direct">What it contributes; above 0 it speaks for a violation.</param>
public sealed record FeatureResult(int Feature, float Activation, double Direct);
