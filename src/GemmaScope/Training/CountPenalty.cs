namespace GemmaScope.Training;

/// <summary>
/// The sparsity terms that count active features (METHODS §2.7, §3.3): their value, and their derivative by the step H(z − θ) of a row and
/// a feature, which is a number of the row plus a number of the feature.
/// </summary>
internal sealed class CountPenalty
{
    private readonly double _everywhere,
        _frequency,
        _scale;
    private readonly double[]? _rows;
    private readonly int _count;

    /// <param name="recipe">The term and its constants.</param>
    /// <param name="lambda">λ in force.</param>
    /// <param name="l0">Active features of each row.</param>
    public CountPenalty(Recipe recipe, double lambda, ReadOnlySpan<int> l0)
    {
        _count = l0.Length;
        _scale = recipe.FrequencyScale;
        _frequency = recipe.Sparsity == SparsityTerm.Frequency ? lambda : lambda * recipe.FrequencyRatio;
        double sum = 0;
        foreach (var n in l0)
            sum += n;
        var (mean, target) = (sum / _count, recipe.L0Target);
        switch (recipe.Sparsity)
        {
            case SparsityTerm.L0:
                (Value, _everywhere) = (lambda * mean, lambda / _count);
                break;
            case SparsityTerm.L0Target:
                (Value, _everywhere) = (
                    lambda / (2 * target) * (mean - target) * (mean - target),
                    lambda / target * (mean - target) / _count
                );
                break;
            case SparsityTerm.L0TargetRelative:
                (Value, _everywhere) = (
                    lambda * (mean / target - 1) * (mean / target - 1),
                    lambda * 2 * (mean / target - 1) / target / _count
                );
                break;
            case SparsityTerm.L0TargetPerToken:
                _rows = new double[_count];
                for (var row = 0; row < _count; row++)
                {
                    var above = l0[row] - target;
                    Value += lambda / (2 * target) * above * above / _count;
                    _rows[row] = lambda / target * above / _count;
                }
                break;
        }
    }

    /// <summary>The part of the loss that depends on the rows' L0.</summary>
    public double Value { get; }

    /// <summary>Whether firing rates cost something.</summary>
    public bool CountsFrequency => _frequency != 0;

    /// <summary>The part of the derivative that belongs to the row.</summary>
    public double OfRow(int row) => _rows is null ? _everywhere : _rows[row];

    /// <summary>λ p (1 + p / p0) of a feature, and the part of the derivative that belongs to it.</summary>
    /// <param name="active">Rows in which it is active.</param>
    public (double Value, double Derivative) OfFeature(int active)
    {
        if (_frequency == 0)
            return (0, 0);
        var p = (double)active / _count;
        return (_frequency * p * (1 + p / _scale), _frequency * (1 + 2 * p / _scale) / _count);
    }
}
