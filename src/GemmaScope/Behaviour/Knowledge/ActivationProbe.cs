using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;

namespace GemmaScope.Behaviour.Knowledge;

/// <summary>How a probe is fitted.</summary>
public enum ProbeMethod
{
    /// <summary>The difference of the class means (Marks and Tegmark 2310.06824).</summary>
    MassMean,

    /// <summary>Logistic regression.</summary>
    Logistic,
}

/// <summary>
/// A linear probe of activations. Rows are centred and divided by their mean length before a fit, so that the penalty means the same in every
/// layer and model; the probe itself takes rows as they are.
/// </summary>
public sealed class ActivationProbe
{
    // Scores are ranked and made probabilities; ten digits of the optimum change neither.
    private static readonly LogisticOptions Fitting = new() { C = 10, GradientTolerance = 1e-3 };

    // One number is fitted to one number: it needs next to no penalty, but some, where classes are told apart without an error.
    private static readonly LogisticOptions Scaling = new() { C = 10, GradientTolerance = 1e-6 };

    private readonly double[] _direction;
    private readonly double _offset,
        _slope,
        _base;

    private ActivationProbe(double[] direction, double offset, double slope = 1, double constant = 0) =>
        (_direction, _offset, _slope, _base) = (direction, offset, slope, constant);

    /// <summary>Fits a probe.</summary>
    /// <param name="method">How.</param>
    /// <param name="rows">One row an example.</param>
    /// <param name="labels">Whether each is a positive; both kinds are needed.</param>
    /// <param name="cancellationToken">Stops between two steps.</param>
    /// <exception cref="ArgumentProblemException">The labels are of one class, or not as many as rows.</exception>
    public static ActivationProbe Fit(
        ProbeMethod method,
        IReadOnlyList<float[]> rows,
        ReadOnlySpan<bool> labels,
        CancellationToken cancellationToken = default
    )
    {
        if (labels.Length != rows.Count)
            throw new ArgumentProblemException($"{labels.Length} labels for {rows.Count} rows", "labels");
        if (!labels.Contains(true) || !labels.Contains(false))
            throw new ArgumentProblemException("all examples are of one class; a probe needs both", "labels");
        var mean = new double[rows[0].Length];
        foreach (var row in rows)
            for (var i = 0; i < mean.Length; i++)
                mean[i] += row[i] / (double)rows.Count;
        var scale = rows.Average(row => Math.Sqrt(row.Select((value, i) => Math.Pow(value - mean[i], 2)).Sum()));
        // All rows are the same: nothing can be told apart, and every score is 0.
        if (!(scale > 0))
            return new(new double[mean.Length], 0);
        var scaled = Scaled(rows, mean, scale);
        double[] direction;
        double intercept;
        if (method == ProbeMethod.Logistic)
        {
            var probe = LogisticProbe.Fit(scaled, labels, Fitting, cancellationToken);
            (direction, intercept) = ([.. probe.Coefficients], probe.Intercept);
        }
        else
        {
            direction = MeanDifference.Of(scaled, labels);
            var length = TensorPrimitives.Norm<double>(direction);
            if (length > 0)
                TensorPrimitives.Divide<double>(direction, length, direction);
            // 0 lies half-way between the two means.
            var scores = SparseProducts.Times(scaled, direction);
            var (positive, negative) = (0.0, 0.0);
            for (var i = 0; i < scores.Length; i++)
                if (labels[i])
                    positive += scores[i];
                else
                    negative += scores[i];
            var positives = labels.Count(true);
            intercept = -(positive / positives + negative / (labels.Length - positives)) / 2;
        }
        TensorPrimitives.Divide<double>(direction, scale, direction);
        return new(direction, intercept - TensorPrimitives.Dot<double>(direction, mean));
    }

    /// <summary>The direction, as it acts on rows.</summary>
    public float[] Direction => Array.ConvertAll(_direction, value => (float)value);

    /// <summary>The score of each row: above 0 on the side of the positives.</summary>
    public double[] Scores(IReadOnlyList<float[]> rows) => [.. rows.Select(Score)];

    /// <summary>The probability that each row is a positive.</summary>
    public double[] Probabilities(IReadOnlyList<float[]> rows) =>
        [.. rows.Select(row => LogisticProbe.Probability(_slope * Score(row) + _base))];

    /// <summary>
    /// The same probe with probabilities fitted on rows that it was not fitted on (Platt): on its own rows it is too sure. A probe whose scores
    /// fall where they should rise knows nothing, and its probabilities are all the same; it is not turned round.
    /// </summary>
    /// <param name="rows">Rows that were held out.</param>
    /// <param name="labels">Whether each is a positive; of one class, nothing is fitted.</param>
    public ActivationProbe Calibrated(IReadOnlyList<float[]> rows, ReadOnlySpan<bool> labels)
    {
        if (!labels.Contains(true) || !labels.Contains(false))
            return this;
        var scores = Scores(rows);
        var mean = scores.Average();
        var spread = Math.Sqrt(scores.Average(score => (score - mean) * (score - mean)));
        var share = labels.Count(true) / (double)labels.Length;
        if (!(spread > 0))
            return new(_direction, _offset, 0, Math.Log(share / (1 - share)));
        var column = Sparse([.. scores.Select(score => (float[])[(float)((score - mean) / spread)])]);
        var fitted = LogisticProbe.Fit(column, labels, Scaling);
        var slope = fitted.Coefficients[0] / spread;
        return slope > 0
            ? new(_direction, _offset, slope, fitted.Intercept - slope * mean)
            : new(_direction, _offset, 0, Math.Log(share / (1 - share)));
    }

    private double Score(float[] row)
    {
        var sum = _offset;
        for (var i = 0; i < row.Length; i++)
            sum += _direction[i] * row[i];
        return sum;
    }

    private static SparseActivations Scaled(IReadOnlyList<float[]> rows, double[] mean, double scale) =>
        Sparse([.. rows.Select(row => row.Select((value, i) => (float)((value - mean[i]) / scale)).ToArray())]);

    /// <summary>Dense rows in the form that probes take.</summary>
    internal static SparseActivations Sparse(IReadOnlyList<float[]> rows)
    {
        var width = rows.Count > 0 ? rows[0].Length : 0;
        var sparse = new FeatureRows(rows.Count, width);
        for (var row = 0; row < rows.Count; row++)
        for (var i = 0; i < width; i++)
            if (rows[row][i] != 0)
                sparse[row].Add(i, rows[row][i]);
        return sparse.ToActivations();
    }
}
