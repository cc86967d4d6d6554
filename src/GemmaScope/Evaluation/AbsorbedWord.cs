namespace GemmaScope.Evaluation;

/// <summary>Why a word counts as fully absorbed, or does not; asked in this order.</summary>
public enum FullAbsorption
{
    /// <summary>A main latent is active.</summary>
    MainActive,

    /// <summary>The latent that contributes most hardly points along the probe.</summary>
    TopCosineTooSmall,

    /// <summary>The activation points against the probe.</summary>
    ProjectionNegative,

    /// <summary>The latent that contributes most explains too little of the projection.</summary>
    TopShareTooSmall,

    /// <summary>Another latent has taken over.</summary>
    Absorbed,
}

/// <summary>How the fraction came about; asked in this order.</summary>
public enum PartialAbsorption
{
    /// <summary>0: the main latents explain the projection.</summary>
    MainExplains,

    /// <summary>0: the absorbers explain too little of it.</summary>
    AbsorbersTooSmall,

    /// <summary>1: the main latents contribute nothing.</summary>
    MainSilent,

    /// <summary>a / (a + m): the absorbers fill part of what the main latents leave.</summary>
    BelowGap,

    /// <summary>(P − m) / P: the absorbers fill all that the main latents leave.</summary>
    CappedByGap,
}

/// <summary>Absorption of one word (METHODS §6.2).</summary>
/// <param name="Full">The branch of full absorption.</param>
/// <param name="Partial">The branch of the fraction.</param>
/// <param name="Fraction">The fraction, from 0 to 1.</param>
/// <param name="Projection">P, the activation along the probe.</param>
/// <param name="TopLatent">The latent with the largest contribution; of equal ones the lower index.</param>
/// <param name="TopCosine">Its cosine with the probe.</param>
/// <param name="TopContribution">Its contribution f · cos.</param>
/// <param name="Absorbers">a, the sum of the strongest absorbers.</param>
/// <param name="AbsorberCount">How many latents qualify as absorbers.</param>
/// <param name="Main">m, the sum over the main latents.</param>
public sealed record AbsorbedWord(
    FullAbsorption Full,
    PartialAbsorption Partial,
    double Fraction,
    double Projection,
    int TopLatent,
    double TopCosine,
    double TopContribution,
    double Absorbers,
    int AbsorberCount,
    double Main
);
