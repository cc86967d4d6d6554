namespace GemmaScope.Evaluation;

/// <summary>
/// How well activations that were guessed from an explanation fit the true ones, over the tokens of all passages together (METHODS §6.1; a
/// mean of the
/// correlations of single passages is another, larger number).
/// </summary>
/// <param name="Pearson">Correlation; null where one side is constant.</param>
/// <param name="RSquared">1 − mean squared error / variance of the truth; null where the truth is constant.</param>
/// <param name="AbsoluteDeviationExplained">1 − mean absolute error / mean absolute deviation of the truth from its mean; null where the
/// truth is constant.</param>
public sealed record SimulationScore(double? Pearson, double? RSquared, double? AbsoluteDeviationExplained)
{
    /// <summary>Compares guesses with the truth.</summary>
    /// <param name="truth">Activation of each token.</param>
    /// <param name="predicted">What was guessed for it.</param>
    /// <exception cref="ArgumentProblemException">There are not as many guesses as tokens.</exception>
    public static SimulationScore Of(ReadOnlySpan<double> truth, ReadOnlySpan<double> predicted)
    {
        var pearson = Correlation.Pearson(truth, predicted);
        if (truth.Length == 0 || !truth.ContainsAnyExcept(truth[0]))
            return new SimulationScore(pearson, null, null);
        double mean = 0,
            squaredError = 0,
            squares = 0,
            error = 0,
            deviation = 0;
        foreach (var value in truth)
            mean += value / truth.Length;
        for (var i = 0; i < truth.Length; i++)
        {
            var (off, from) = (truth[i] - predicted[i], truth[i] - mean);
            (squaredError, squares) = (squaredError + off * off, squares + from * from);
            (error, deviation) = (error + Math.Abs(off), deviation + Math.Abs(from));
        }
        return new SimulationScore(pearson, 1 - squaredError / squares, 1 - error / deviation);
    }
}
