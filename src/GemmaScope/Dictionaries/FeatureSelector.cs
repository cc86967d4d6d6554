using System.Numerics;
using System.Numerics.Tensors;

namespace GemmaScope.Dictionaries;

/// <summary>
/// Turns the products x · W_enc of one row into features. A row's products come in blocks of rising features;
/// <see cref="Start"/> makes what has to be remembered between them. Arrays have one number a feature.
/// </summary>
internal abstract class FeatureSelector
{
    public abstract ActivationFunction Function { get; }

    /// <summary>The state of one row, or null where none is needed.</summary>
    public virtual TopSelection? Start() => null;

    /// <summary>Adds the features of one block to the row; may overwrite the products.</summary>
    /// <param name="products">x · W_enc of features first, first + 1, …</param>
    /// <param name="first">Feature of the first product within this encoder.</param>
    /// <param name="offset">Added to each index in the result.</param>
    /// <param name="row">The row found so far.</param>
    /// <param name="state">What <see cref="Start"/> made for it.</param>
    public abstract void Select(Span<float> products, int first, int offset, FeatureRow row, TopSelection? state);

    /// <summary>Ends a row.</summary>
    public virtual void Finish(TopSelection? state, int offset, FeatureRow row) { }

    /// <summary>By how much the product x · W_enc of a feature that fires could be smaller before it is silent.</summary>
    /// <param name="feature">The feature within this encoder.</param>
    /// <param name="value">Its activation, above 0.</param>
    /// <param name="least">The least activation of its row within this encoder; what top-k would give up next.</param>
    /// <param name="active">How many of the row's features are active within this encoder.</param>
    public abstract float Margin(int feature, float value, float least, int active);
}

/// <summary>A selector for which a feature does not depend on the others of its row.</summary>
internal interface IFeatureActivation
{
    /// <summary>The activation of a feature, 0 where it is silent.</summary>
    /// <param name="product">x · W_enc of the feature.</param>
    /// <param name="feature">The feature within its encoder.</param>
    float Activation(float product, int feature);
}

/// <summary>f = z · (z &gt; θ), strictly (METHODS §2.3); ReLU is θ = 0. Gemma Scope keeps a negative z above a negative θ, SAELens makes it
/// 0.</summary>
internal sealed class ThresholdSelector(ActivationFunction function, float[] bias, float[] threshold, bool keepNegative)
    : FeatureSelector,
        IFeatureActivation
{
    public override ActivationFunction Function => function;

    public float[] Bias => bias;

    public float[] Threshold => threshold;

    public bool KeepNegative => keepNegative;

    public override void Select(Span<float> products, int first, int offset, FeatureRow row, TopSelection? state)
    {
        var thresholds = threshold.AsSpan(first, products.Length);
        TensorPrimitives.Add(products, bias.AsSpan(first, products.Length), products);
        var i = 0;
        for (; i <= products.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            // Nearly all features are silent: a whole vector is passed over at once.
            if (Vector.GreaterThanAny(new Vector<float>(products[i..]), new Vector<float>(thresholds[i..])))
                Scan(products, thresholds, i, i + Vector<float>.Count, first + offset, row);
        }
        Scan(products, thresholds, i, products.Length, first + offset, row);
    }

    private void Scan(ReadOnlySpan<float> z, ReadOnlySpan<float> thresholds, int start, int end, int offset, FeatureRow row)
    {
        for (var i = start; i < end; i++)
            if (Fires(z[i], thresholds[i]))
                row.Add(offset + i, z[i]);
    }

    public float Activation(float product, int feature)
    {
        var z = product + bias[feature];
        return Fires(z, threshold[feature]) ? z : 0;
    }

    public override float Margin(int feature, float value, float least, int active) => value - Math.Max(threshold[feature], 0);

    private bool Fires(float z, float level) => z > level && (z > 0 || (keepNegative && z < 0));
}

/// <summary>f = (π &gt; 0) · max(m, 0) with gate π = x · W + b_gate and magnitude m = x · (W · e^r) + b_mag (METHODS §2.8).</summary>
internal sealed class GatedSelector(float[] gateBias, float[] magnitudeBias, float[] magnitudeScale) : FeatureSelector, IFeatureActivation
{
    public override ActivationFunction Function => ActivationFunction.Gated;

    public float[] GateBias => gateBias;

    public float[] MagnitudeBias => magnitudeBias;

    public float[] MagnitudeScale => magnitudeScale;

    public override void Select(Span<float> products, int first, int offset, FeatureRow row, TopSelection? state)
    {
        for (var i = 0; i < products.Length; i++)
            if (Activation(products[i], first + i) is > 0 and var magnitude)
                row.Add(offset + first + i, magnitude);
    }

    /// <summary>The gate may shut, or the magnitude reach 0, whichever comes first.</summary>
    public override float Margin(int feature, float value, float least, int active)
    {
        var product = (value - magnitudeBias[feature]) / magnitudeScale[feature];
        return Math.Min(product + gateBias[feature], value / magnitudeScale[feature]);
    }

    public float Activation(float product, int feature) =>
        product + gateBias[feature] > 0 ? Math.Max(product * magnitudeScale[feature] + magnitudeBias[feature], 0) : 0;
}

/// <summary>f = max(z, 0) of the k largest z, the lower index first among equals; z is scaled before if a scale is given.</summary>
internal sealed class TopKSelector(float[] bias, int k, float[]? scale) : FeatureSelector
{
    public override ActivationFunction Function => ActivationFunction.TopK;

    public int K => k;

    public float[] Bias => bias;

    public float[]? Scale => scale;

    public override TopSelection Start() => new(k);

    public override void Select(Span<float> products, int first, int offset, FeatureRow row, TopSelection? state)
    {
        TensorPrimitives.Add(products, bias.AsSpan(first, products.Length), products);
        if (scale is not null)
            TensorPrimitives.Multiply(products, scale.AsSpan(first, products.Length), products);
        // A z of at most 0 never becomes a feature, and leaving it out never lets another one in that would not count.
        for (var i = 0; i < products.Length; i++)
            if (products[i] > 0)
                state!.Offer(first + i, products[i]);
    }

    public override void Finish(TopSelection? state, int offset, FeatureRow row)
    {
        foreach (var (feature, value) in state!.Descending().OrderBy(kept => kept.Feature))
            row.Add(offset + feature, value);
    }

    /// <summary>Where all k places are taken the least of them is the next to go: it has no margin that the row tells. Else 0 is the
    /// bound.</summary>
    public override float Margin(int feature, float value, float least, int active) =>
        (value - (active < k ? 0 : least)) / (scale?[feature] ?? 1);
}
