using GemmaScope.Numerics;

namespace GemmaScope.Activations;

/// <summary>The chance in one row of synthetic activations. Each feature has normal numbers of its own, so that those of features that
/// cannot fire need never be drawn.</summary>
internal interface ISampleNoise
{
    /// <summary>Whether the feature's normal number lies above a bound.</summary>
    bool Exceeds(int feature, double bound);

    /// <summary>The normal number of its strength.</summary>
    double Strength(int feature);

    /// <summary>Which of several active siblings stays: its place among them, each as likely as any.</summary>
    int Keep(ReadOnlySpan<FiringFeature> siblings);
}

/// <summary>A feature that is active in a row.</summary>
/// <param name="Feature">Its index.</param>
/// <param name="Value">Its activation, above 0.</param>
internal readonly record struct FiringFeature(int Feature, double Value);

/// <summary>Pseudo-random noise.</summary>
internal struct RandomNoise(SplitMix random) : ISampleNoise
{
    private SplitMix _random = random;

    public bool Exceeds(int feature, double bound)
    {
        var above = _random.Uniform();
        // P(η > b) ≤ exp(−b²/2)/2 for b ≥ 0 spares nearly all rare features the quantile.
        if (bound > 0 && above > 0.5 * Math.Exp(-0.5 * bound * bound))
            return false;
        return -NormalDistribution.Quantile(above) > bound;
    }

    public double Strength(int feature) => _random.Normal();

    public int Keep(ReadOnlySpan<FiringFeature> siblings) => _random.Below(siblings.Length);
}
