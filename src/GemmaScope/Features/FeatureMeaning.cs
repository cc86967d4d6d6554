namespace GemmaScope.Features;

/// <summary>What is known of a feature beside its index: what it is about, and how often and how strongly it fires in other text.</summary>
/// <param name="Label">What it is about, or null.</param>
/// <param name="Score">The score of that label, or null.</param>
/// <param name="Density">Share of the tokens of that text at which it fires, from 0 to 1.</param>
/// <param name="Max">Its largest activation there.</param>
public sealed record FeatureMeaning(string? Label, double? Score, double Density, double Max)
{
    /// <summary>A feature that fires at a larger share of tokens than this is dense: that it fires says little (METHODS §2.5).</summary>
    public const double DenseFrom = 0.1;

    /// <summary>Below this a density is one of too few tokens to tell it from another.</summary>
    private const double LeastDensity = 1e-6;

    /// <summary>What the least label is worth, and none at all: a feature is not passed over only because nobody can say what it is.</summary>
    private const double LeastWorth = 0.1,
        WorthOfNone = 0.3;

    /// <summary>What is left of a dense feature's sum over a text, which is large because it fires at most tokens, whatever they
    /// say.</summary>
    private const double DenseWorth = 0.1;

    /// <summary>Whether it fires nearly everywhere.</summary>
    public bool IsDense => Density > DenseFrom;

    /// <summary>
    /// How much an activation tells: f · ln(1 / density) / max (METHODS §6.10), times what its label is worth, 2 · score − 1. Neither a
    /// feature that is always on nor one whose activations are large everywhere says something about a text, and one whose label is hardly
    /// true says little to a reader.
    /// </summary>
    /// <param name="activation">The activation, or a sum of them.</param>
    /// <param name="largest">Its largest activation where it is now, for one that fires stronger than ever before.</param>
    public double Telling(double activation, double largest) =>
        activation * -Math.Log(Math.Clamp(Density, LeastDensity, 1)) / Math.Max(Max, Math.Max(largest, float.Epsilon)) * Worth;

    /// <summary>How much a sum of activations over a text tells: the same, and a tenth of it where the feature is dense.</summary>
    public double TellingOfText(double sum, double largest) => Telling(sum, largest) * (IsDense ? DenseWorth : 1);

    private double Worth => Score is { } score ? Math.Clamp(2 * score - 1, LeastWorth, 1) : WorthOfNone;
}
