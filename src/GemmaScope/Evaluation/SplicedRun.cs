namespace GemmaScope.Evaluation;

/// <summary>A run in which something else stands in place of the activations at dictionaries' output sites.</summary>
public enum SplicedRun
{
    /// <summary>The reconstruction at positions that count; special ones keep their value. The main one.</summary>
    Spliced,

    /// <summary>The reconstruction at positions that count and at BOS.</summary>
    SplicedBosToo,

    /// <summary>The reconstruction at all positions.</summary>
    SplicedEverywhere,

    /// <summary>Zero at positions that count.</summary>
    ZeroAblated,

    /// <summary>Zero at all positions.</summary>
    ZeroAblatedEverywhere,

    /// <summary>The clean run's mean of each dimension, at positions that count.</summary>
    MeanAblated,
}
