using GemmaScope.Dictionaries;

namespace GemmaScope.Evaluation;

/// <summary>A logistic probe on the k latents whose class means differ most (METHODS §6.2).</summary>
/// <param name="Features">The latents, largest difference first.</param>
/// <param name="Probe">The probe; its coefficients are in the order of <paramref name="Features"/>.</param>
public sealed record KSparseProbe(IReadOnlyList<int> Features, LogisticProbe Probe)
{
    /// <summary>Chooses the latents and fits the probe, both on the same examples.</summary>
    /// <param name="x">Pooled features, one row for each example.</param>
    /// <param name="labels">Whether each is a positive.</param>
    /// <param name="k">Latents at most, from 1.</param>
    /// <param name="options">Settings of the probe.</param>
    /// <param name="cancellationToken">Stops between two steps.</param>
    /// <exception cref="ArgumentProblemException">k is below 1, or the labels cannot be used.</exception>
    public static KSparseProbe Fit(
        SparseActivations x,
        ReadOnlySpan<bool> labels,
        int k,
        LogisticOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        if (k < 1)
            throw new ArgumentProblemException($"must be at least 1, found {k}", "k");
        var ranking = MeanDifference.Rank(MeanDifference.Of(x, labels));
        return Fit(x, labels, ranking[..Math.Min(k, ranking.Length)], options, cancellationToken);
    }

    /// <summary>Fits the probe on latents that were chosen elsewhere.</summary>
    /// <inheritdoc cref="Fit(SparseActivations, ReadOnlySpan{bool}, int, LogisticOptions?, CancellationToken)"/>
    /// <param name="x">Pooled features, one row for each example.</param>
    /// <param name="labels">Whether each is a positive.</param>
    /// <param name="features">The latents.</param>
    /// <param name="options">Settings of the probe.</param>
    /// <param name="cancellationToken">Stops between two steps.</param>
    public static KSparseProbe Fit(
        SparseActivations x,
        ReadOnlySpan<bool> labels,
        IReadOnlyList<int> features,
        LogisticOptions? options = null,
        CancellationToken cancellationToken = default
    ) => new(features, LogisticProbe.Fit(SparseProducts.Columns(x, features), labels, options, cancellationToken));

    /// <summary>The probe's score of each row.</summary>
    public double[] Scores(SparseActivations x) => Probe.Scores(SparseProducts.Columns(x, Features));

    /// <summary>
    /// How many latents share a concept (feature splitting): starts at 1 and takes one more while that raises the F1 of the k-sparse probe
    /// by
    /// more than a jump; stops at the first that does not.
    /// </summary>
    /// <param name="f1ByK">F1 of the probes with 1, 2, … latents.</param>
    /// <param name="jump">The rise that is needed, strictly.</param>
    public static int CountSplits(IReadOnlyList<double> f1ByK, double jump = 0.03)
    {
        var count = 1;
        while (count < f1ByK.Count && f1ByK[count] - f1ByK[count - 1] > jump)
            count++;
        return count;
    }
}
