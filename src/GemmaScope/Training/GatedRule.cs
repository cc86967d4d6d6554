namespace GemmaScope.Training;

/// <summary>
/// f = H(π) max(m, 0) with the gate π = h · W_enc + b_gate and the magnitude m = e^r (h · W_enc) + b_mag. The gate learns from λ Σ max(π,
/// 0) and from the reconstruction of the target by max(π, 0) with a frozen decoder (METHODS §2.8). Entries are those with π &gt; 0; their z
/// is π.
/// </summary>
internal sealed class GatedRule(TrainerParameters parameters) : FeatureRule
{
    private readonly float[] _scales = new float[parameters.EncoderBias.Values.Length];

    public override void Begin(long step, int rows, IReadOnlyList<int> dead)
    {
        var logs = parameters.MagnitudeLog!.Values.AsSpan();
        for (var i = 0; i < _scales.Length; i++)
            _scales[i] = MathF.Exp(logs[i]);
    }

    public override void Scan(int row, ReadOnlySpan<float> z, int first, EntryRow found) => found.AddAbove(z, 0, first);

    public override float Value(int feature, float z) =>
        Math.Max(0, Product(feature, z) * _scales[feature] + parameters.MagnitudeBias!.Values.AsSpan()[feature]);

    public override AuxiliaryCode Auxiliary(EntryRows found) => new(found, OfResidual: false, TrainsDecoder: false, Scale: 1, Weight: 1);

    public override FeatureScalars Backward(in FeatureEntries entries, StepLoss loss)
    {
        var scalars = new FeatureScalars();
        var scale = _scales[entries.Feature];
        for (var k = 0; k < entries.Rows.Length; k++)
        {
            var byMagnitude = Value(entries.Feature, entries.Z[k]) > 0 ? entries.ByActivation[k] : 0;
            entries.ByProduct[k] = byMagnitude * scale;
            scalars.MagnitudeBias += byMagnitude;
            scalars.MagnitudeLog += (double)byMagnitude * scale * Product(entries.Feature, entries.Z[k]);
        }
        return scalars;
    }

    public override FeatureScalars BackwardAuxiliary(in FeatureEntries entries, StepLoss loss)
    {
        var scalars = new FeatureScalars();
        for (var k = 0; k < entries.Rows.Length; k++)
        {
            entries.ByProduct[k] = entries.ByActivation[k] + (float)(loss.Lambda / loss.Rows);
            scalars.Bias += entries.ByProduct[k];
            scalars.ActivationPenalty += entries.Z[k] / (double)loss.Rows;
        }
        return scalars;
    }

    private float Product(int feature, float gate) => gate - parameters.EncoderBias.Values.AsSpan()[feature];
}
