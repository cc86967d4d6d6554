using System.Text.Json.Serialization;
using GemmaScope.Safety;

namespace GemmaScope.Workbench;

/// <summary>Why a policy's score came out as it did: direct contributions to the raw gap between the logits of Yes and No, which sum to it,
/// and what was measured without features.</summary>
public sealed class VerdictReasons
{
    /// <summary>An explanation as it is told.</summary>
    /// <param name="explanation">The explanation.</param>
    /// <param name="top">Features that are listed; the others are summed.</param>
    /// <param name="label">A feature's label, or null.</param>
    public VerdictReasons(VerdictExplanation explanation, int top, Func<int, string?>? label = null)
    {
        (Explanation, Score) = (explanation, PolicyVerdict.Of(explanation.Score));
        Features =
        [
            .. explanation
                .Features.Take(top)
                .Select(one => new FeatureReason(
                    one.Feature,
                    one.Activation,
                    one.Direct,
                    one.Removed?.Change,
                    one.Removed?.Probability,
                    label?.Invoke(one.Feature)
                )),
        ];
        OtherFeatures = explanation.Features.Skip(top).Sum(feature => feature.Direct);
        if (explanation.RemovedTogether is { } together)
            Together = new(
                explanation.Features.Count(feature => feature.Removed is not null),
                explanation.Features.Where(feature => feature.Removed is not null).Sum(feature => feature.Direct),
                together.Change,
                together.Probability
            );
    }

    /// <summary>The explanation with all active features.</summary>
    [JsonIgnore]
    public VerdictExplanation Explanation { get; }

    /// <summary>The policy's score.</summary>
    [JsonIgnore]
    public PolicyVerdict Score { get; }

    /// <summary>The policy's key.</summary>
    public string Policy => Score.Policy;

    /// <summary>Which wording it has.</summary>
    public string Version => Score.Version;

    /// <summary>Softmax of the logits of Yes and No.</summary>
    public float Probability => Score.Probability;

    /// <summary>From which probability on it is violated.</summary>
    public double Threshold => Score.Threshold;

    /// <summary>Whether it is.</summary>
    public bool Violated => Score.Violated;

    /// <summary>Logit of Yes.</summary>
    public float YesLogit => Score.YesLogit;

    /// <summary>Logit of No.</summary>
    public float NoLogit => Score.NoLogit;

    /// <summary>What the two have together of the probability over the vocabulary.</summary>
    public double YesNoMass => Score.YesNoMass;

    /// <summary>The dictionary.</summary>
    public string Dictionary => Explanation.Dictionary;

    /// <summary>The site its features write to.</summary>
    public string Site => Explanation.Site;

    /// <summary>The position of the decision: the last of the prompt.</summary>
    public int Position => Explanation.Position;

    /// <summary>Logit of Yes minus that of No before the soft cap.</summary>
    public double RawGap => Explanation.RawGap;

    /// <summary>The same after it.</summary>
    public double Gap => Explanation.Gap;

    /// <summary>The strongest features, strongest first.</summary>
    public IReadOnlyList<FeatureReason> Features { get; }

    /// <summary>What the other active features contribute together.</summary>
    public double OtherFeatures { get; }

    /// <summary>What the dictionary's bias contributes.</summary>
    public double Bias => Explanation.Bias;

    /// <summary>What the dictionary does not reconstruct.</summary>
    public double Error => Explanation.Error;

    /// <summary>What is not at this site.</summary>
    public double Elsewhere => Explanation.Elsewhere;

    /// <summary>The dictionary's fraction of variance unexplained over the prompt.</summary>
    public double Fvu => Explanation.Fvu;

    /// <summary>How many features are active.</summary>
    public int ActiveFeatures => Explanation.Features.Count;

    /// <summary>What the removed features did together; absent where none was removed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public FeaturesTogether? Together { get; }

    /// <summary>What its reader should know.</summary>
    public IReadOnlyList<string> Warnings => Explanation.Warnings;
}

/// <summary>A feature's part in a verdict.</summary>
/// <param name="Feature">Its index.</param>
/// <param name="Activation">How strongly it fires.</param>
/// <param name="Direct">What it contributes; above 0 it speaks for a violation.</param>
/// <param name="Measured">How much smaller the raw gap was without it; null where it was not removed.</param>
/// <param name="ProbabilityWithout">The probability without it; null where it was not removed.</param>
/// <param name="Label">Its label, or null.</param>
public sealed record FeatureReason(
    int Feature,
    float Activation,
    double Direct,
    double? Measured,
    float? ProbabilityWithout,
    string? Label
);

/// <summary>Features that were removed together.</summary>
/// <param name="Features">How many.</param>
/// <param name="Direct">What they contribute.</param>
/// <param name="Measured">How much smaller the raw gap was without them.</param>
/// <param name="ProbabilityWithout">The probability without them.</param>
public sealed record FeaturesTogether(int Features, double Direct, double Measured, float ProbabilityWithout);
