using GemmaScope.Dictionaries;
using GemmaScope.Numerics;

namespace GemmaScope.Evaluation;

/// <summary>
/// What probes need of their inputs. Dense activations, features of a dictionary and counts of words all come as
/// <see cref="SparseActivations"/>,
/// so that there is one probe and not three; sums are f64.
/// </summary>
public static class SparseProducts
{
    /// <summary>Dense rows in sparse form; what is exactly 0 is left out.</summary>
    public static SparseActivations FromDense(MatrixView rows)
    {
        var result = new FeatureRows(rows.Rows, rows.Columns);
        for (var row = 0; row < rows.Rows; row++)
        for (var column = 0; column < rows.Columns; column++)
            if (rows.Row(row)[column] is var value && value != 0)
                result[row].Add(column, value);
        return result.ToActivations();
    }

    /// <summary>Some columns, in the order given.</summary>
    public static SparseActivations Columns(SparseActivations x, IReadOnlyList<int> columns)
    {
        var result = new FeatureRows(x.Rows, columns.Count);
        for (var row = 0; row < x.Rows; row++)
        for (var i = 0; i < columns.Count; i++)
            if (x.Value(row, columns[i]) is var value && value != 0)
                result[row].Add(i, value);
        return result.ToActivations();
    }

    /// <summary>Some rows, in the order given.</summary>
    public static SparseActivations Rows(SparseActivations x, IReadOnlyList<int> rows)
    {
        var result = new FeatureRows(rows.Count, x.Width);
        for (var row = 0; row < rows.Count; row++)
        for (var i = 0; i < x.Indices(rows[row]).Length; i++)
            result[row].Add(x.Indices(rows[row])[i], x.Values(rows[row])[i]);
        return result.ToActivations();
    }

    /// <summary>One row · vector.</summary>
    public static double Dot(SparseActivations x, int row, ReadOnlySpan<double> vector)
    {
        var indices = x.Indices(row);
        var values = x.Values(row);
        double sum = 0;
        for (var i = 0; i < indices.Length; i++)
            sum += values[i] * vector[indices[i]];
        return sum;
    }

    /// <summary>Every row · vector: [rows].</summary>
    public static double[] Times(SparseActivations x, ReadOnlySpan<double> vector)
    {
        var result = new double[x.Rows];
        for (var row = 0; row < result.Length; row++)
            result[row] = Dot(x, row, vector);
        return result;
    }

    /// <summary>Adds factor · row to a vector of <see cref="SparseActivations.Width"/> numbers.</summary>
    internal static void AddRow(SparseActivations x, int row, double factor, Span<double> vector)
    {
        var indices = x.Indices(row);
        var values = x.Values(row);
        for (var i = 0; i < indices.Length; i++)
            vector[indices[i]] += factor * values[i];
    }
}
