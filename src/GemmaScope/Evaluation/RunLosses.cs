namespace GemmaScope.Evaluation;

/// <summary>The losses of one run over the text: in all, and by the position predicted from.</summary>
public sealed class RunLosses
{
    private readonly List<LossSums> _byPosition = [];

    /// <summary>Of all predictions.</summary>
    public LossSums Total { get; } = new();

    /// <summary>Of the predictions made at each of the first positions.</summary>
    public IReadOnlyList<LossSums> ByPosition => _byPosition;

    internal void Add(EvaluationBatch batch, int positions, double[] crossEntropy, double[]? divergence = null)
    {
        for (var row = 0; row < batch.Rows; row++)
        {
            var (sides, loss, kl) = (batch.Prediction(row), crossEntropy[row], divergence?[row] ?? 0);
            Total.Add(sides, loss, kl);
            if (batch.Positions[row] < positions)
                At(batch.Positions[row]).Add(sides, loss, kl);
        }
    }

    internal void Merge(RunLosses other)
    {
        Total.Merge(other.Total);
        for (var position = 0; position < other._byPosition.Count; position++)
            At(position).Merge(other._byPosition[position]);
    }

    internal void Visit(SumsState state)
    {
        state.Within("total", Total.Visit);
        state.List("position", _byPosition.Count, i => At(i).Visit);
    }

    private LossSums At(int position)
    {
        while (_byPosition.Count <= position)
            _byPosition.Add(new());
        return _byPosition[position];
    }
}
