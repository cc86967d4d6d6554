namespace GemmaScope.Safety;

/// <summary>What a feature does for the verdict at the position where it is made.</summary>
/// <param name="Feature">Index in the dictionary.</param>
/// <param name="Activation">How strongly it fires there.</param>
/// <param name="Direct">Its decoder vector's share of the raw Yes-No gap, straight through the final norm and the unembedding: above 0 it
/// speaks for Yes.</param>
/// <param name="Removed">What removing it did when the rest of the model was run again; null where that was not done.</param>
public sealed record FeatureContribution(int Feature, float Activation, double Direct, Removal? Removed = null);

/// <summary>A run with contributions of features taken out of the site at the last position.</summary>
/// <param name="Change">Raw gap with them minus raw gap without: what they did for Yes, by every path.</param>
/// <param name="Probability">The probability of a violation without them.</param>
public sealed record Removal(double Change, float Probability);

/// <summary>Why a verdict came out as it did: the features of a dictionary that are active where Yes or No is predicted, and what they do
/// for the gap between the two.</summary>
public sealed record VerdictExplanation
{
    /// <summary>The policy, its score and its probability.</summary>
    public required PolicyScore Score { get; init; }

    /// <summary>The dictionary.</summary>
    public required string Dictionary { get; init; }

    /// <summary>The site its features write to.</summary>
    public required string Site { get; init; }

    /// <summary>The position of the decision: the last of the prompt.</summary>
    public required int Position { get; init; }

    /// <summary>Logit of Yes minus that of No before the final soft cap; contributions are shares of this number.</summary>
    public required double RawGap { get; init; }

    /// <summary>The same after the cap, which the probability is made of. The cap bends, so shares of it are not defined.</summary>
    public required double Gap { get; init; }

    /// <summary>Every active feature, those that matter most for the gap first.</summary>
    public required IReadOnlyList<FeatureContribution> Features { get; init; }

    /// <summary>The direct contributions of all active features together.</summary>
    public double FeatureTotal => Features.Sum(feature => feature.Direct);

    /// <summary>The direct contribution of what the dictionary adds without features: its bias, and a skip connection where it has
    /// one.</summary>
    public required double Bias { get; init; }

    /// <summary>The direct contribution of what the dictionary does not reconstruct at the site.</summary>
    public required double Error { get; init; }

    /// <summary>The rest of the raw gap: what is not at this site. At a residual site that is what later layers add, some of it because of
    /// these features.</summary>
    public double Elsewhere => RawGap - FeatureTotal - Bias - Error;

    /// <summary>The run without any of the features that were removed one by one; null where none was.</summary>
    public required Removal? RemovedTogether { get; init; }

    /// <summary>The dictionary's fraction of variance unexplained over the prompt, without position 0 and special tokens.</summary>
    public required double Fvu { get; init; }

    /// <summary>What its reader should know: whether model and dictionary belong together.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }
}
