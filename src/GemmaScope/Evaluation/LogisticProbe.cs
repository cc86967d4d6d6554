using System.Numerics.Tensors;
using GemmaScope.Dictionaries;

namespace GemmaScope.Evaluation;

/// <summary>Settings of <see cref="LogisticProbe.Fit"/>.</summary>
public sealed record LogisticOptions
{
    /// <summary>Weight of the losses against ½|w|²; above 0.</summary>
    public double C { get; init; } = 1;

    /// <summary>Stops when no entry of the gradient is larger. Since ½|w|² is strongly convex, the coefficients are then as close to the
    /// optimum.</summary>
    public double GradientTolerance { get; init; } = 1e-10;

    /// <summary>Newton steps at most, from 1.</summary>
    public int MaxSteps { get; init; } = 200;
}

/// <summary>
/// Logistic regression: the unique minimum of ½|w|² + C Σ log(1 + exp(−(2y − 1)(w·x + b))), b not penalised, inputs neither centred nor
/// scaled (METHODS §6.2). Found in f64 by Newton steps, each solved by conjugate gradients, so that no matrix of columns × columns is
/// needed
/// and there may be more columns than rows.
/// </summary>
public sealed class LogisticProbe
{
    private LogisticProbe(double[] parameters, double objective, double gradient) =>
        (Coefficients, Intercept, Objective, GradientMax) = (parameters[..^1], parameters[^1], objective, gradient);

    /// <summary>w, one number for each column.</summary>
    public IReadOnlyList<double> Coefficients { get; }

    /// <summary>b.</summary>
    public double Intercept { get; }

    /// <summary>The objective at (w, b).</summary>
    public double Objective { get; }

    /// <summary>The largest entry of its gradient there: how far the search came.</summary>
    public double GradientMax { get; }

    /// <summary>Fits a probe.</summary>
    /// <param name="x">One row for each example.</param>
    /// <param name="labels">Whether each is a positive.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="cancellationToken">Stops between two steps.</param>
    /// <exception cref="ArgumentProblemException">There are not as many labels as rows, or not both classes: b would run away.</exception>
    public static LogisticProbe Fit(
        SparseActivations x,
        ReadOnlySpan<bool> labels,
        LogisticOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        options ??= new LogisticOptions();
        if (!(options.C > 0))
            throw new ArgumentProblemException($"must be above 0, found {options.C}", "C");
        Labels.RequireBoth(x, labels);
        var loss = new LogisticLoss(x, labels, options.C);
        var parameters = new double[x.Width + 1];
        var objective = loss.At(parameters);
        for (var step = 0; step < options.MaxSteps && loss.GradientMax > options.GradientTolerance; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var direction = Direction(loss);
            if (Descend(loss, parameters, direction, objective) is not { } lower)
                break;
            objective = lower;
        }
        return new LogisticProbe(parameters, objective, loss.GradientMax);
    }

    /// <summary>w·x + b of each row; above 0 means positive.</summary>
    /// <exception cref="ArgumentProblemException">The rows have another width.</exception>
    public double[] Scores(SparseActivations x)
    {
        if (x.Width != Coefficients.Count)
            throw new ArgumentProblemException($"has {x.Width} columns, the probe was fitted on {Coefficients.Count}", "x");
        var scores = SparseProducts.Times(x, (double[])Coefficients);
        TensorPrimitives.Add(scores, Intercept, scores);
        return scores;
    }

    /// <summary>1 / (1 + exp(−score)).</summary>
    public static double Probability(double score) => 1 / (1 + Math.Exp(-score));

    /// <summary>
    /// Solves H d = −g by conjugate gradients, preconditioned with H's diagonal (b and w may differ in scale by orders of magnitude), as
    /// exactly
    /// as the gradient is small: coarse far from the optimum, quadratic convergence near it.
    /// </summary>
    private static double[] Direction(LogisticLoss loss)
    {
        var n = loss.Gradient.Length;
        double[] solution = new double[n],
            residual = new double[n],
            scaled = new double[n],
            search = new double[n],
            product = new double[n];
        TensorPrimitives.Negate<double>(loss.Gradient, residual);
        TensorPrimitives.Divide<double>(residual, loss.Diagonal, scaled);
        scaled.CopyTo(search, 0);
        var start = TensorPrimitives.Norm<double>(residual);
        var enough = start * Math.Min(0.1, Math.Sqrt(loss.GradientMax));
        var alignment = TensorPrimitives.Dot<double>(residual, scaled);
        for (var i = 0; i < 10 * n && TensorPrimitives.Norm<double>(residual) > enough; i++)
        {
            loss.Curvature(search, product);
            var length = alignment / TensorPrimitives.Dot<double>(search, product);
            TensorPrimitives.MultiplyAdd(search, length, solution, solution);
            TensorPrimitives.MultiplyAdd(product, -length, residual, residual);
            TensorPrimitives.Divide<double>(residual, loss.Diagonal, scaled);
            var next = TensorPrimitives.Dot<double>(residual, scaled);
            TensorPrimitives.MultiplyAdd(search, next / alignment, scaled, search);
            alignment = next;
        }
        return solution;
    }

    /// <summary>Goes along a direction, halving the step until the objective falls; null where rounding leaves nothing to gain.</summary>
    private static double? Descend(LogisticLoss loss, double[] parameters, double[] direction, double objective)
    {
        var slope = TensorPrimitives.Dot<double>(loss.Gradient, direction);
        var (gradient, trial) = (loss.GradientMax, new double[parameters.Length]);
        for (var step = 1.0; step > 1e-12; step /= 2)
        {
            TensorPrimitives.MultiplyAdd(direction, step, parameters, trial);
            var value = loss.At(trial);
            // Close to the optimum the objective no longer resolves a step that the gradient still does.
            if (
                value <= objective + 1e-4 * step * slope
                || (loss.GradientMax < gradient && value <= objective + 1e-12 * Math.Abs(objective))
            )
            {
                trial.CopyTo(parameters, 0);
                return value;
            }
        }
        loss.At(parameters);
        return null;
    }
}
