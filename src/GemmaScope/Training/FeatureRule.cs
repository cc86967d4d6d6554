namespace GemmaScope.Training;

/// <summary>The entries of one feature in a batch, and the loss's derivatives there. Spans have one number an entry.</summary>
/// <param name="feature">The feature.</param>
/// <param name="rows">Rows of the batch.</param>
/// <param name="z">Pre-activations.</param>
/// <param name="byActivation">∂L/∂f on entry.</param>
/// <param name="byProduct">Receives ∂L/∂(h · w_enc).</param>
/// <param name="norm">‖W_dec,i‖ where a loss needs it.</param>
internal readonly ref struct FeatureEntries(
    int feature,
    ReadOnlySpan<int> rows,
    ReadOnlySpan<float> z,
    Span<float> byActivation,
    Span<float> byProduct,
    double norm
)
{
    public readonly int Feature = feature;
    public readonly ReadOnlySpan<int> Rows = rows;
    public readonly ReadOnlySpan<float> Z = z;
    public readonly Span<float> ByActivation = byActivation;
    public readonly Span<float> ByProduct = byProduct;
    public readonly double Norm = norm;
}

/// <summary>What a feature contributes besides its two rows: gradients of its scalars, and losses.</summary>
internal struct FeatureScalars
{
    /// <summary>∂L/∂b_enc (b_gate), ∂L/∂θ, ∂L/∂b_mag, ∂L/∂r_mag.</summary>
    public double Bias,
        Threshold,
        MagnitudeBias,
        MagnitudeLog;

    /// <summary>∂L/∂‖W_dec,i‖.</summary>
    public double Norm;

    /// <summary>A part of ∂L/∂(h · w_enc) that is the same in all rows of the batch, those without an entry too.</summary>
    public double EveryRow;

    /// <summary>Losses of this feature.</summary>
    public double ActivationPenalty,
        Frequency,
        PreActivation,
        NextPower;

    /// <summary>Entries within the kernel's window.</summary>
    public int InWindow;

    /// <summary>Adds what the second code contributes.</summary>
    public readonly FeatureScalars Plus(in FeatureScalars other) =>
        this with
        {
            Bias = Bias + other.Bias,
            Norm = Norm + other.Norm,
            ActivationPenalty = ActivationPenalty + other.ActivationPenalty,
        };
}

/// <summary>A second code that is decoded beside the features for an auxiliary loss (METHODS §2.8).</summary>
/// <param name="Rows">Its entries; f = z.</param>
/// <param name="OfResidual">Whether it reconstructs what the features left over, without b_dec; else the target itself.</param>
/// <param name="TrainsDecoder">Whether W_dec learns from it.</param>
/// <param name="Scale">Factor of the auxiliary loss.</param>
/// <param name="Weight">Its weight in the total.</param>
internal sealed record AuxiliaryCode(EntryRows Rows, bool OfResidual, bool TrainsDecoder, double Scale, double Weight);

/// <summary>How pre-activations z = h · W_enc + b become features, and derivatives by features become those of the parameters.</summary>
internal abstract class FeatureRule
{
    /// <summary>Before a step: takes over the parameters as they are now.</summary>
    public virtual void Begin(long step, int rows, IReadOnlyList<int> dead) { }

    /// <summary>Adds to a row's entries those of a run of features; called by rising feature, for several rows at once.</summary>
    public abstract void Scan(int row, ReadOnlySpan<float> z, int first, EntryRow found);

    /// <summary>After a run of features was scanned in all rows.</summary>
    public virtual void EndOfRun(EntryRows found) { }

    /// <summary>After all features.</summary>
    public virtual void End(EntryRows found) { }

    /// <summary>f of an entry; 0 where it only trains the threshold.</summary>
    public abstract float Value(int feature, float z);

    /// <summary>The second code, or null.</summary>
    public virtual AuxiliaryCode? Auxiliary(EntryRows found) => null;

    /// <summary>From ∂L/∂f to ∂L/∂(h · w_enc) and the feature's scalars.</summary>
    /// <param name="entries">The feature's entries.</param>
    /// <param name="loss">The losses of this step.</param>
    public abstract FeatureScalars Backward(in FeatureEntries entries, StepLoss loss);

    /// <summary>The same for the second code.</summary>
    public virtual FeatureScalars BackwardAuxiliary(in FeatureEntries entries, StepLoss loss) => default;
}

/// <summary>The losses of a step as its features see them.</summary>
/// <param name="Rows">Rows in the batch.</param>
/// <param name="Lambda">λ in force.</param>
/// <param name="PreActivation">Weight of the pre-activation loss.</param>
/// <param name="Counts">Terms on counts.</param>
/// <param name="Penalty">Terms on activations.</param>
/// <param name="Next">For p-anneal, the penalty after the next fall of p.</param>
internal sealed record StepLoss(
    int Rows,
    double Lambda,
    double PreActivation,
    CountPenalty Counts,
    ActivationPenalty Penalty,
    ActivationPenalty? Next
)
{
    /// <summary>Adds the penalty on activations of a feature to ∂L/∂f.</summary>
    public void AddPenalty(in FeatureEntries entries, FeatureRule rule, ref FeatureScalars scalars)
    {
        if (!Penalty.Acts)
            return;
        var weight = Lambda / Rows;
        for (var k = 0; k < entries.Rows.Length; k++)
        {
            var f = rule.Value(entries.Feature, entries.Z[k]);
            var (value, byActivation, byNorm) = Penalty.At(f, entries.Norm);
            entries.ByActivation[k] += (float)(weight * byActivation);
            scalars.ActivationPenalty += value / Rows;
            scalars.Norm += weight * byNorm;
            if (Next is { } next)
                scalars.NextPower += next.At(f, entries.Norm).Value / Rows;
        }
    }
}
