using System.Numerics.Tensors;
using GemmaScope.Dictionaries;

namespace GemmaScope.Evaluation;

/// <summary>The objective of <see cref="LogisticProbe"/> with gradient and curvature at the last point looked at; the last parameter is
/// b.</summary>
internal sealed class LogisticLoss(SparseActivations x, ReadOnlySpan<bool> labels, double c)
{
    private readonly bool[] _labels = labels.ToArray();
    private readonly double[] _weight = new double[x.Rows];

    // Activations have no zeros: as rows of doubles their products are many times faster than entry by entry.
    private readonly double[]? _dense = Dense(x);

    public double[] Gradient { get; } = new double[x.Width + 1];

    /// <summary>The diagonal of the Hessian.</summary>
    public double[] Diagonal { get; } = new double[x.Width + 1];

    public double GradientMax => Math.Abs(TensorPrimitives.MaxMagnitude<double>(Gradient));

    /// <summary>The objective at a point; gradient and curvature are those of this point from now on.</summary>
    public double At(ReadOnlySpan<double> parameters)
    {
        var w = parameters[..^1];
        w.CopyTo(Gradient);
        Diagonal.AsSpan(0, x.Width).Fill(1);
        Gradient[^1] = Diagonal[^1] = 0;
        var losses = 0.0;
        for (var row = 0; row < x.Rows; row++)
        {
            var margin = (_labels[row] ? 1 : -1) * (Dot(row, w) + parameters[^1]);
            // log(1 + exp(−m)) without overflow, and 1 − σ(m) without cancellation.
            var decay = Math.Exp(-Math.Abs(margin));
            losses += Math.Max(-margin, 0) + Math.Log(1 + decay);
            var miss = (margin > 0 ? decay : 1) / (1 + decay);
            AddWithBias(Gradient, row, (_labels[row] ? -c : c) * miss);
            _weight[row] = c * decay / ((1 + decay) * (1 + decay));
            AddSquares(row);
        }
        return 0.5 * TensorPrimitives.SumOfSquares(w) + c * losses;
    }

    /// <summary>H · vector with H = diag(1, …, 1, 0) + C Σ σ(1 − σ) x xᵀ, x with a 1 for b.</summary>
    public void Curvature(ReadOnlySpan<double> vector, Span<double> product)
    {
        vector.CopyTo(product);
        product[^1] = 0;
        for (var row = 0; row < x.Rows; row++)
            AddWithBias(product, row, _weight[row] * (Dot(row, vector[..^1]) + vector[^1]));
    }

    private void AddWithBias(Span<double> vector, int row, double factor)
    {
        if (_dense is null)
            SparseProducts.AddRow(x, row, factor, vector);
        else
            TensorPrimitives.MultiplyAdd(DenseRow(row), factor, vector[..x.Width], vector[..x.Width]);
        vector[^1] += factor;
    }

    private double Dot(int row, ReadOnlySpan<double> vector) =>
        _dense is null ? SparseProducts.Dot(x, row, vector) : TensorPrimitives.Dot(DenseRow(row), vector);

    private ReadOnlySpan<double> DenseRow(int row) => _dense.AsSpan(row * x.Width, x.Width);

    private static double[]? Dense(SparseActivations x)
    {
        if (x.Count == 0 || x.Count != (long)x.Rows * x.Width || x.Count > Array.MaxLength)
            return null;
        var values = new double[x.Count];
        for (var row = 0; row < x.Rows; row++)
            TensorPrimitives.ConvertChecked(x.Values(row), values.AsSpan(row * x.Width, x.Width));
        return values;
    }

    private void AddSquares(int row)
    {
        var indices = x.Indices(row);
        var values = x.Values(row);
        for (var i = 0; i < indices.Length; i++)
            Diagonal[indices[i]] += _weight[row] * values[i] * values[i];
        Diagonal[^1] += _weight[row];
    }
}
