namespace GemmaScope.Behaviour.Knowledge;

/// <summary>What a few covariates do not explain of rows, by least squares, column by column.</summary>
internal sealed class Residuals
{
    // Covariates that say the same leave a matrix without an inverse; this much of the diagonal is added.
    private const double Ridge = 1e-6;

    private readonly double[] _means;
    private readonly double[][] _weights;

    private Residuals(double[] means, double[][] weights) => (_means, _weights) = (means, weights);

    /// <summary>Fits the covariates of each row to it.</summary>
    public static Residuals Fit(double[][] covariates, float[][] rows)
    {
        var (count, width) = (covariates[0].Length, rows[0].Length);
        double[] means = [.. Enumerable.Range(0, count).Select(c => covariates.Average(row => row[c]))];
        var products = new double[count, count];
        var targets = new double[count][];
        for (var a = 0; a < count; a++)
        {
            targets[a] = new double[width];
            for (var i = 0; i < rows.Length; i++)
            {
                var centred = covariates[i][a] - means[a];
                for (var b = 0; b < count; b++)
                    products[a, b] += centred * (covariates[i][b] - means[b]);
                for (var column = 0; column < width; column++)
                    targets[a][column] += centred * rows[i][column];
            }
            products[a, a] += Ridge * products[a, a] + double.Epsilon;
        }
        return new(means, Solve(products, targets));
    }

    /// <summary>The row without what its covariates predict.</summary>
    public float[] Of(double[] covariates, float[] row)
    {
        float[] rest = [.. row];
        for (var c = 0; c < covariates.Length; c++)
        for (var column = 0; column < rest.Length; column++)
            rest[column] -= (float)((covariates[c] - _means[c]) * _weights[c][column]);
        return rest;
    }

    /// <summary>Gauss and Jordan; a covariate that never changes explains nothing.</summary>
    private static double[][] Solve(double[,] matrix, double[][] right)
    {
        var n = right.Length;
        for (var pivot = 0; pivot < n; pivot++)
        {
            var divisor = matrix[pivot, pivot];
            if (!(Math.Abs(divisor) > 1e-12))
            {
                right[pivot].AsSpan().Clear();
                continue;
            }
            for (var row = 0; row < n; row++)
            {
                if (row == pivot)
                    continue;
                var factor = matrix[row, pivot] / divisor;
                for (var column = pivot; column < n; column++)
                    matrix[row, column] -= factor * matrix[pivot, column];
                for (var column = 0; column < right[row].Length; column++)
                    right[row][column] -= factor * right[pivot][column];
            }
            for (var column = 0; column < right[pivot].Length; column++)
                right[pivot][column] /= divisor;
            for (var column = pivot + 1; column < n; column++)
                matrix[pivot, column] /= divisor;
        }
        return right;
    }
}
