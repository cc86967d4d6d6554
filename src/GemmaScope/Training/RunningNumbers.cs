using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>
/// The few numbers of a training run that are no parameters: the running threshold of the top-k family, and the state of p-anneal, which
/// lowers p in equal parts from 1 towards 0 and rescales λ so that the penalty of the last ten steps stays what it was (METHODS §2.8).
/// </summary>
internal sealed unsafe class RunningNumbers(Recipe recipe) : IDisposable
{
    private const int Remembered = 10,
        First = 4;

    // Running threshold, falls of p so far, factor of λ, pairs remembered; then the pairs of penalties with this p and with the next.
    private readonly Tensor _tensor = Tensor.Allocate(DType.F64, [First + 2 * Remembered]);

    public (string Name, Tensor Tensor) State => ("running", _tensor);

    /// <summary>Running mean of the smallest kept activation.</summary>
    public double Threshold
    {
        get => Numbers[0];
        set => Numbers[0] = value;
    }

    /// <summary>λ's factor.</summary>
    public double LambdaFactor => 1 + Numbers[2];

    /// <summary>p in force.</summary>
    public double Power => PowerAfter((int)Numbers[1]);

    /// <summary>p after its next fall, or null if there is none.</summary>
    public double? NextPower =>
        recipe.Sparsity == SparsityTerm.Lp && Numbers[1] < recipe.AnnealUpdates ? PowerAfter((int)Numbers[1] + 1) : null;

    private Span<double> Numbers => new(_tensor.Pointer, First + 2 * Remembered);

    /// <summary>Takes note of a step.</summary>
    /// <param name="step">The step, from 0.</param>
    /// <param name="smallest">The smallest activation of its batch.</param>
    /// <param name="totals">Its penalties.</param>
    public void Follow(long step, float smallest, in FeatureTotals totals)
    {
        if (recipe.Architecture is Architecture.TopK or Architecture.BatchTopK && float.IsFinite(smallest))
            Threshold = (1 - recipe.ThresholdRate) * Threshold + recipe.ThresholdRate * smallest;
        if (NextPower is not null)
            Anneal(step, totals.ActivationPenalty, totals.NextPower);
    }

    private void Anneal(long step, double penalty, double next)
    {
        var count = (long)Numbers[3];
        var pairs = Numbers[First..];
        (pairs[(int)(count % Remembered) * 2], pairs[(int)(count % Remembered) * 2 + 1]) = (penalty, next);
        Numbers[3] = ++count;
        if (step < StepOf((int)Numbers[1]))
            return;
        var (now, then) = (0.0, 0.0);
        for (var i = 0; i < Math.Min(count, Remembered); i++)
            (now, then) = (now + pairs[2 * i], then + pairs[2 * i + 1]);
        if (then > 0)
            Numbers[2] = LambdaFactor * now / then - 1;
        (Numbers[1], Numbers[3]) = (Numbers[1] + 1, 0);
    }

    public void Dispose() => _tensor.Dispose();

    private double PowerAfter(int falls) => 1 - (double)falls / (recipe.AnnealUpdates + 1);

    private double StepOf(int fall) =>
        recipe.AnnealStart + (double)fall * (recipe.AnnealEnd - recipe.AnnealStart) / Math.Max(1, recipe.AnnealUpdates - 1);
}
