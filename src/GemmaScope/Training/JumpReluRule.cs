namespace GemmaScope.Training;

/// <summary>
/// f = z where z &gt; θ, with straight-through derivatives by θ through the kernel K = 1 where |z − θ| &lt; ε/2: ∂f/∂θ = −(θ/ε) K and ∂H/∂θ
/// = −(1/ε) K (METHODS §2.3). The window is the reason why entries begin ε/2 below the threshold.
/// </summary>
internal sealed class JumpReluRule(Recipe recipe, TrainerParameters parameters) : FeatureRule
{
    private readonly float[] _thresholds = new float[parameters.EncoderBias.Values.Length];
    private readonly float[] _bounds = new float[parameters.EncoderBias.Values.Length];

    /// <summary>θ of each feature in this step.</summary>
    public ReadOnlySpan<float> Thresholds => _thresholds;

    public override void Begin(long step, int rows, IReadOnlyList<int> dead)
    {
        var stored = parameters.Threshold!.Values.AsSpan();
        for (var i = 0; i < _thresholds.Length; i++)
        {
            _thresholds[i] = recipe.LogThreshold ? (float)Math.Exp(stored[i]) : stored[i];
            _bounds[i] = _thresholds[i] - (float)(recipe.Epsilon / 2);
        }
    }

    public override void Scan(int row, ReadOnlySpan<float> z, int first, EntryRow found) =>
        found.AddAbove(z, _bounds.AsSpan(first, z.Length), first);

    public override float Value(int feature, float z) => z > _thresholds[feature] ? z : 0;

    public override FeatureScalars Backward(in FeatureEntries entries, StepLoss loss)
    {
        var scalars = new FeatureScalars();
        loss.AddPenalty(entries, this, ref scalars);
        var (theta, half, active, slope) = ((double)_thresholds[entries.Feature], recipe.Epsilon / 2, 0, 0.0);
        foreach (var z in entries.Z)
            active += z > theta ? 1 : 0;
        (scalars.Frequency, var byRate) = loss.Counts.OfFeature(active);
        for (var k = 0; k < entries.Rows.Length; k++)
        {
            var (above, byActivation) = (entries.Z[k] - theta, entries.ByActivation[k]);
            entries.ByProduct[k] = above > 0 ? byActivation : 0;
            scalars.Bias += entries.ByProduct[k];
            if (!(Math.Abs(above) < half))
                continue;
            slope += theta * byActivation + loss.Counts.OfRow(entries.Rows[k]) + byRate;
            scalars.InWindow++;
        }
        scalars.Threshold = -slope / recipe.Epsilon;
        if (loss.PreActivation != 0)
            AddPreActivation(entries, loss, active, theta, ref scalars);
        if (recipe.LogThreshold)
            scalars.Threshold *= theta;
        return scalars;
    }

    /// <summary>
    /// c/B Σ max(θ − z, 0) ‖W_dec,i‖. It reaches all silent rows; written as all rows minus the active ones it costs no more than the rest.
    /// What all rows contribute to the loss is added where Σ z of the batch is known.
    /// </summary>
    private static void AddPreActivation(in FeatureEntries entries, StepLoss loss, int active, double theta, ref FeatureScalars scalars)
    {
        var weight = loss.PreActivation / loss.Rows * entries.Norm;
        double above = 0;
        for (var k = 0; k < entries.Rows.Length; k++)
        {
            if (!(entries.Z[k] > theta))
                continue;
            above += entries.Z[k] - theta;
            entries.ByProduct[k] += (float)weight;
        }
        var silent = loss.Rows - active;
        scalars.EveryRow = -weight;
        scalars.Bias -= weight * silent;
        scalars.Threshold += weight * silent;
        scalars.PreActivation = above + loss.Rows * theta;
    }
}
