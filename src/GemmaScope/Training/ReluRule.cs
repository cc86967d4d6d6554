namespace GemmaScope.Training;

/// <summary>f = max(z, 0) (METHODS §2.8).</summary>
internal sealed class ReluRule : FeatureRule
{
    public override void Scan(int row, ReadOnlySpan<float> z, int first, EntryRow found) => found.AddAbove(z, 0, first);

    public override float Value(int feature, float z) => z;

    public override FeatureScalars Backward(in FeatureEntries entries, StepLoss loss)
    {
        var scalars = new FeatureScalars();
        loss.AddPenalty(entries, this, ref scalars);
        entries.ByActivation.CopyTo(entries.ByProduct);
        foreach (var derivative in entries.ByProduct)
            scalars.Bias += derivative;
        return scalars;
    }
}
