namespace GemmaScope.Evaluation;

/// <summary>
/// How well rows x̂ reconstruct rows x (METHODS §2.9). Keeps sums in f64, never ratios, so rows may come in any portions;
/// which rows count (no BOS, no padding) is the caller's choice. What no row was added for is NaN.
/// </summary>
public sealed class ReconstructionSums
{
    // Moments are taken around the first row: a mean far from 0 would cancel digits.
    private readonly float[] _origin;
    private readonly double[] _sum;
    private readonly double[] _squares;
    private double _error, _norm, _reconstructedNorm, _product, _cosine;

    /// <summary>Sums for rows of this width.</summary>
    public ReconstructionSums(int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        (_origin, _sum, _squares) = (new float[width], new double[width], new double[width]);
    }

    /// <summary>Rows added.</summary>
    public long Rows { get; private set; }

    /// <summary>Mean of ‖x − x̂‖², summed over dimensions.</summary>
    public double MeanSquaredError => _error / Rows;

    /// <summary>Fraction of variance unexplained: Σ‖x − x̂‖² / Σ‖x − x̄‖², x̄ the mean of each dimension.</summary>
    public double Fvu => _error / Spread;

    /// <summary>Explained variance, 1 − FVU.</summary>
    public double ExplainedVariance => 1 - Fvu;

    /// <summary>
    /// The formula of the Gemma Scope tutorial, for comparison only: 1 − mean((x̂ − x)²) / var(x) with one mean over all numbers and the
    /// unbiased variance. Its denominator holds the spread between dimensions too, so it is never below the explained variance.
    /// </summary>
    public double TutorialVarianceExplained
    {
        get
        {
            double count = (double)Rows * _sum.Length, total = 0, between = 0;
            for (var d = 0; d < _sum.Length; d++) total += _sum[d] / Rows + _origin[d];
            var mean = total / _sum.Length;
            for (var d = 0; d < _sum.Length; d++) between += Math.Pow(_sum[d] / Rows + _origin[d] - mean, 2);
            return 1 - _error / count / ((Spread + Rows * between) / (count - 1));
        }
    }

    /// <summary>Mean of ⟨x, x̂⟩ / (‖x‖ ‖x̂‖); a zero vector on either side counts as 0.</summary>
    public double CosineSimilarity => _cosine / Rows;

    /// <summary>γ = Σ‖x̂‖² / Σ⟨x, x̂⟩; below 1 where reconstructions are too small.</summary>
    public double ReconstructionBias => _reconstructedNorm / _product;

    /// <summary>Mean of ‖x‖².</summary>
    public double MeanSquaredNorm => _norm / Rows;

    /// <summary>C = √(mean ‖x‖²): the factor by which training divides its inputs (METHODS §2.3).</summary>
    public double InputScale => Math.Sqrt(MeanSquaredNorm);

    private double Spread
    {
        get
        {
            double spread = 0;
            for (var d = 0; d < _sum.Length; d++) spread += _squares[d] - _sum[d] * _sum[d] / Rows;
            return spread;
        }
    }

    /// <summary>Adds one row.</summary>
    public void Add(ReadOnlySpan<float> x, ReadOnlySpan<float> reconstruction)
    {
        if (x.Length != _sum.Length || reconstruction.Length != _sum.Length)
            throw new ArgumentProblemException($"rows of {x.Length} and {reconstruction.Length} numbers where {_sum.Length} are needed", "x");
        if (Rows++ == 0) x.CopyTo(_origin);
        double error = 0, norm = 0, reconstructed = 0, product = 0;
        for (var d = 0; d < x.Length; d++)
        {
            double value = x[d], other = reconstruction[d], centred = value - _origin[d];
            _sum[d] += centred;
            _squares[d] += centred * centred;
            error += (value - other) * (value - other);
            norm += value * value;
            reconstructed += other * other;
            product += value * other;
        }
        _error += error;
        _norm += norm;
        _reconstructedNorm += reconstructed;
        _product += product;
        if (norm > 0 && reconstructed > 0) _cosine += product / Math.Sqrt(norm * reconstructed);
    }
}
