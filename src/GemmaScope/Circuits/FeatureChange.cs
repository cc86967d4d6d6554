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

    /// <summary>Of a swap its activations, one a position; else null.</summary>
    private float[]? Values { get; init; }

    /// <summary>Turns it off.</summary>
    public static FeatureChange Ablate(int layer, int feature, Positions? positions = null) => new(layer, feature, positions, 0, 0);

    /// <summary>Gives it this activation.</summary>
    public static FeatureChange Clamp(int layer, int feature, double value, Positions? positions = null) =>
        new(layer, feature, positions, 0, value);

    /// <summary>Multiplies its activation.</summary>
    public static FeatureChange Scale(int layer, int feature, double factor, Positions? positions = null) =>
        new(layer, feature, positions, factor, 0);

    /// <summary>Gives it the activations that it has in another prompt.</summary>
    /// <param name="layer">The layer whose transcoder it belongs to.</param>
    /// <param name="feature">Index within the layer's transcoder.</param>
    /// <param name="other">The other prompt, with the same transcoders.</param>
    /// <param name="positions">Where in the prompt that is changed; null for wherever the other has a position that belongs to it.</param>
    /// <param name="shift">A position p of the changed prompt belongs to p + shift of the other.</param>
    /// <exception cref="ArgumentProblemException">The other prompt has no such feature or position, or counts that position as a
    /// constant.</exception>
    public static FeatureChange Swap(int layer, int feature, ReplacementModel other, Positions? positions = null, int shift = 0)
    {
        ArgumentNullException.ThrowIfNull(other);
        other.Transcoders.Require(layer, feature);
        var (start, end) = SwappedPositions.Of(other, positions, shift);
        return new(layer, feature, new(start, end), 0, 0)
        {
            Values = [.. Enumerable.Range(start, end - start).Select(position => other.Activation(layer, position + shift, feature))],
        };
    }

    /// <summary>Gives all features the activations that they have in another prompt: each that fires in either of them at these
    /// positions.</summary>
    /// <param name="model">The prompt that is changed.</param>
    /// <param name="other">The other prompt, with the same transcoders.</param>
    /// <param name="positions">Where in the prompt that is changed; null for wherever both have positions that belong together.</param>
    /// <param name="shift">A position p of the changed prompt belongs to p + shift of the other.</param>
    /// <exception cref="ArgumentProblemException">The other prompt has no such position, or counts it as a constant.</exception>
    public static IReadOnlyList<FeatureChange> SwapAll(
        ReplacementModel model,
        ReplacementModel other,
        Positions? positions = null,
        int shift = 0
    )
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(other);
        var (start, end) = SwappedPositions.Of(other, positions, shift, model);
        return
        [
            .. Firing(model, 0)
                .Concat(Firing(other, shift))
                .Distinct()
                .Order()
                .Select(one => Swap(one.Layer, one.Feature, other, new(start, end), shift)),
        ];

        IEnumerable<(int Layer, int Feature)> Firing(ReplacementModel prompt, int by) =>
            prompt.Features.Where(one => one.Position - by >= start && one.Position - by < end).Select(one => (one.Layer, one.Feature));
    }

    /// <summary>new − old at a position.</summary>
    internal float Difference(float old, int position) =>
        Values is null ? (float)((Factor - 1) * old + Value) : Values[position - Positions!.Value.Start] - old;
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
