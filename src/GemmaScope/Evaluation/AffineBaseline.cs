using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Evaluation;

/// <summary>
/// How much of y follows from x by one affine map alone, y ≈ x · W + b by least squares (METHODS §4.2): what a skip connection reaches
/// without a single feature. Moments are summed in f64 around the first row, so rows may come in any portions.
/// </summary>
public sealed class AffineBaseline
{
    /// <summary>Added to each input's variance, relative to their mean: inputs that depend on each other have no unique map.</summary>
    public const double Ridge = 1e-6;

    private readonly int _inputs,
        _outputs;
    private readonly double[] _origin,
        _sum,
        _moments;

    /// <summary>Sums for rows of these widths; memory grows with inputs · (inputs + outputs).</summary>
    public AffineBaseline(int inputs, int outputs)
    {
        (_inputs, _outputs) = (inputs, outputs);
        (_origin, _sum) = (new double[inputs + outputs], new double[inputs + outputs]);
        _moments = new double[checked(inputs * (inputs + outputs))];
    }

    /// <summary>Rows added.</summary>
    public long Rows { get; private set; }

    /// <summary>Adds rows.</summary>
    /// <param name="x">[rows, inputs].</param>
    /// <param name="y">[rows, outputs].</param>
    public void Add(MatrixView x, MatrixView y)
    {
        if (x.Columns != _inputs || y.Columns != _outputs || x.Rows != y.Rows)
            throw new ArgumentProblemException(
                $"rows of {x.Columns} and {y.Columns} numbers where {_inputs} and {_outputs} are needed",
                "x"
            );
        if (x.Rows == 0)
            return;
        if (Rows == 0)
            Beside(x.Row(0), y.Row(0), _origin);
        // [inputs + outputs, rows] centred, so that the moments are one product.
        using var both = Tensor.Uninitialized(x.Rows, _inputs + _outputs);
        using var turned = Tensor.Uninitialized(_inputs, x.Rows);
        for (var row = 0; row < x.Rows; row++)
        {
            var values = both.Row(row);
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = (float)((i < _inputs ? x.Row(row)[i] : y.Row(row)[i - _inputs]) - _origin[i]);
                _sum[i] += values[i];
                if (i < _inputs)
                    turned.Row(i)[row] = values[i];
            }
        }
        using var moments = Tensor.Uninitialized(_inputs, _inputs + _outputs);
        Compute.Kernels.Multiply(turned.AsMatrix(), WeightView.Of(both, WeightLayout.InOut), moments.AsMatrix(), Arithmetic.Exact);
        var all = moments.AsSpan();
        for (var i = 0; i < all.Length; i++)
            _moments[i] += all[i];
        Rows += x.Rows;
    }

    /// <summary>The map that the rows so far determine.</summary>
    /// <exception cref="ArgumentProblemException">There are no more rows than inputs.</exception>
    public AffineMap Solve()
    {
        if (Rows <= _inputs)
            throw new ArgumentProblemException($"{Rows} rows do not determine a map of {_inputs} inputs; give more", "rows");
        var (a, b) = (new double[_inputs][], new double[_inputs][]);
        double trace = 0;
        for (var i = 0; i < _inputs; i++)
        {
            var row = _moments.AsSpan(i * (_inputs + _outputs), _inputs + _outputs);
            var centred = new double[row.Length];
            for (var j = 0; j < row.Length; j++)
                centred[j] = row[j] - _sum[i] * _sum[j] / Rows;
            (a[i], b[i]) = (centred[.._inputs], centred[_inputs..]);
            trace += a[i][i];
        }
        for (var i = 0; i < _inputs; i++)
            a[i][i] += Math.Max(Ridge * trace / _inputs, double.Epsilon);
        Cholesky(a);
        Substitute(a, b);
        return Map(b);
    }

    /// <summary>a becomes L of a = L · Lᵀ in its lower half.</summary>
    private static void Cholesky(double[][] a)
    {
        for (var i = 0; i < a.Length; i++)
        {
            for (var j = 0; j <= i; j++)
            {
                var rest = a[i][j] - TensorPrimitives.Dot<double>(a[i].AsSpan(0, j), a[j].AsSpan(0, j));
                a[i][j] = i == j ? Math.Sqrt(Math.Max(rest, double.Epsilon)) : rest / a[j][j];
            }
        }
    }

    /// <summary>b becomes the solution of L · Lᵀ · w = b.</summary>
    private static void Substitute(double[][] l, double[][] b)
    {
        for (var i = 0; i < l.Length; i++)
        {
            for (var j = 0; j < i; j++)
                TensorPrimitives.MultiplyAdd(b[j], -l[i][j], b[i], b[i]);
            TensorPrimitives.Divide(b[i], l[i][i], b[i]);
        }
        for (var i = l.Length - 1; i >= 0; i--)
        {
            for (var j = i + 1; j < l.Length; j++)
                TensorPrimitives.MultiplyAdd(b[j], -l[j][i], b[i], b[i]);
            TensorPrimitives.Divide(b[i], l[i][i], b[i]);
        }
    }

    private AffineMap Map(double[][] w)
    {
        var (matrix, bias) = (Tensor.Uninitialized(_inputs, _outputs), new double[_outputs]);
        for (var j = 0; j < _outputs; j++)
            bias[j] = _origin[_inputs + j] + _sum[_inputs + j] / Rows;
        for (var i = 0; i < _inputs; i++)
        {
            TensorPrimitives.MultiplyAdd(w[i], -(_origin[i] + _sum[i] / Rows), bias, bias);
            for (var j = 0; j < _outputs; j++)
                matrix.Row(i)[j] = (float)w[i][j];
        }
        return new AffineMap(matrix, [.. bias.Select(value => (float)value)]);
    }

    private static void Beside(ReadOnlySpan<float> x, ReadOnlySpan<float> y, double[] both)
    {
        for (var i = 0; i < x.Length; i++)
            both[i] = x[i];
        for (var i = 0; i < y.Length; i++)
            both[x.Length + i] = y[i];
    }
}

/// <summary>y = x · W + b.</summary>
/// <param name="weights">W [inputs, outputs], owned by the map.</param>
/// <param name="bias">b.</param>
public sealed class AffineMap(Tensor weights, float[] bias) : IDisposable
{
    /// <summary>Applies the map to rows: [rows, outputs].</summary>
    public Tensor Apply(MatrixView x)
    {
        var y = Tensor.Uninitialized(x.Rows, bias.Length);
        Compute.Kernels.Multiply(x, WeightView.Of(weights, WeightLayout.InOut), y.AsMatrix(), Arithmetic.Exact);
        for (var row = 0; row < x.Rows; row++)
            TensorPrimitives.Add(y.Row(row), bias, y.Row(row));
        return y;
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose() => weights.Dispose();
}
