using System.Numerics;

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
    private long _rows;
    private double _squares,
        _error,
        _norm,
        _reconstructedNorm,
        _product,
        _cosine;

    /// <summary>Sums for rows of this width.</summary>
    public ReconstructionSums(int width)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        (_origin, _sum) = (new float[width], new double[width]);
    }

    /// <summary>Rows added.</summary>
    public long Rows => _rows;

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
            double count = (double)Rows * _sum.Length,
                total = 0,
                between = 0;
            for (var d = 0; d < _sum.Length; d++)
                total += _sum[d] / Rows + _origin[d];
            var mean = total / _sum.Length;
            for (var d = 0; d < _sum.Length; d++)
                between += Math.Pow(_sum[d] / Rows + _origin[d] - mean, 2);
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

    /// <summary>x̄: the mean of each dimension.</summary>
    public double[] Mean() => [.. _sum.Select((sum, d) => _origin[d] + sum / Rows)];

    /// <summary>Σ‖x − centre‖².</summary>
    internal double SpreadAround(double[] centre)
    {
        var spread = _squares;
        for (var d = 0; d < _sum.Length; d++)
        {
            var shift = centre[d] - _origin[d];
            spread += shift * (Rows * shift - 2 * _sum[d]);
        }
        return spread;
    }

    private double Spread
    {
        get
        {
            var spread = _squares;
            foreach (var sum in _sum)
                spread -= sum * sum / Rows;
            return spread;
        }
    }

    /// <summary>Adds one row.</summary>
    public void Add(ReadOnlySpan<float> x, ReadOnlySpan<float> reconstruction) => Add(x, RowProducts.Of(x, reconstruction));

    /// <summary>Adds one row whose products are known.</summary>
    internal void Add(ReadOnlySpan<float> x, RowProducts row)
    {
        if (x.Length != _sum.Length)
            throw new ArgumentProblemException($"a row of {x.Length} numbers where {_sum.Length} are needed", "x");
        if (_rows++ == 0)
            x.CopyTo(_origin);
        _squares += AddCentred(x);
        _error += row.Error;
        _norm += row.Norm;
        _reconstructedNorm += row.ReconstructedNorm;
        _product += row.Product;
        if (row is { Norm: > 0, ReconstructedNorm: > 0 })
            _cosine += row.Product / Math.Sqrt(row.Norm * row.ReconstructedNorm);
    }

    /// <summary>Adds x − origin to the sums of the dimensions, and returns the sum of its squares.</summary>
    private double AddCentred(ReadOnlySpan<float> x)
    {
        var squares = Vector<double>.Zero;
        var (half, d) = (Vector<double>.Count, 0);
        for (; d + 2 * half <= x.Length; d += 2 * half)
        {
            Vector.Widen(new Vector<float>(x[d..]), out var low, out var high);
            Vector.Widen(new Vector<float>(_origin, d), out var lowOrigin, out var highOrigin);
            low -= lowOrigin;
            high -= highOrigin;
            (new Vector<double>(_sum, d) + low).CopyTo(_sum, d);
            (new Vector<double>(_sum, d + half) + high).CopyTo(_sum, d + half);
            squares += low * low + high * high;
        }
        var sum = Vector.Sum(squares);
        for (; d < x.Length; d++)
        {
            var centred = (double)x[d] - _origin[d];
            _sum[d] += centred;
            sum += centred * centred;
        }
        return sum;
    }

    /// <summary>Adds the sums of other rows.</summary>
    public void Merge(ReconstructionSums other)
    {
        if (other._sum.Length != _sum.Length)
            throw new ArgumentProblemException($"are sums of rows of {other._sum.Length} numbers where {_sum.Length} are needed", "other");
        if (other._rows == 0)
            return;
        if (_rows == 0)
            other._origin.CopyTo(_origin, 0);
        for (var d = 0; d < _sum.Length; d++)
        {
            // The other's moments, around our origin.
            var shift = (double)other._origin[d] - _origin[d];
            _sum[d] += other._sum[d] + other._rows * shift;
            _squares += shift * (2 * other._sum[d] + other._rows * shift);
        }
        _rows += other._rows;
        _squares += other._squares;
        _error += other._error;
        _norm += other._norm;
        _reconstructedNorm += other._reconstructedNorm;
        _product += other._product;
        _cosine += other._cosine;
    }

    internal void Visit(SumsState state)
    {
        state.Count("rows", ref _rows);
        state.Floats("origin", _origin);
        state.Numbers("sum", _sum);
        state.Number("squares", ref _squares);
        state.Number("error", ref _error);
        state.Number("norm", ref _norm);
        state.Number("reconstructed_norm", ref _reconstructedNorm);
        state.Number("product", ref _product);
        state.Number("cosine", ref _cosine);
    }
}
