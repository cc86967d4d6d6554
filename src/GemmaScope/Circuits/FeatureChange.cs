using GemmaScope.Models;

namespace GemmaScope.Circuits;

/// <summary>One feature given another activation at some positions (METHODS §4.5 step 11). What the MLP writes changes by (new − old)
/// W_dec; the reconstruction error stays.</summary>
public sealed record FeatureChange
{
    private FeatureChange(int layer, int feature, Positions? positions, double factor, double value) =>
        (Layer, Feature, Positions, Factor, Value) = (layer, feature, positions, factor, value);

    /// <summary>The layer whose transcoder it belongs to.</summary>
    public int Layer { get; }

    /// <summary>Index within the layer's transcoder.</summary>
    public int Feature { get; }

    /// <summary>Where; null for everywhere but the first positions that hold what every prompt begins with.</summary>
    public Positions? Positions { get; }

    /// <summary>What its activation is multiplied by.</summary>
    public double Factor { get; }

    /// <summary>What is added then.</summary>
    public double Value { get; }

    /// <summary>Turns it off.</summary>
    public static FeatureChange Ablate(int layer, int feature, Positions? positions = null) => new(layer, feature, positions, 0, 0);

    /// <summary>Gives it this activation.</summary>
    public static FeatureChange Clamp(int layer, int feature, double value, Positions? positions = null) =>
        new(layer, feature, positions, 0, value);

    /// <summary>Multiplies its activation.</summary>
    public static FeatureChange Scale(int layer, int feature, double factor, Positions? positions = null) =>
        new(layer, feature, positions, factor, 0);

    /// <summary>new − old.</summary>
    internal float Difference(float old) => (float)((Factor - 1) * old + Value);
}

/// <summary>What stays as it was in the unchanged run while features are changed (METHODS §4.5 step 11).</summary>
public enum InterventionMode
{
    /// <summary>Attention patterns, all norm denominators and MLP outputs but for skip connections: the model that attribution graphs
    /// describe, where effects are exactly the edges.</summary>
    Constrained,

    /// <summary>Attention patterns alone; norms and MLPs answer.</summary>
    AttentionFrozen,

    /// <summary>Nothing: the model as it is.</summary>
    Free,
}
