namespace GemmaScope.Evaluation;

/// <summary>
/// Next-token cross-entropy of one run and its divergence from the clean run (METHODS §2.9), by each <see cref="PredictionRule"/>. In nats;
/// sums in f64, so predictions may come in any portions. A mean over nothing is NaN.
/// </summary>
public sealed class LossSums
{
    private const int Rules = (int)PredictionRule.Both + 1;

    private readonly long[] _predictions = new long[Rules];
    private readonly double[] _crossEntropy = new double[Rules],
        _divergence = new double[Rules];

    /// <summary>Predictions that a rule counts.</summary>
    public long Predictions(PredictionRule rule = PredictionRule.Both) => _predictions[(int)rule];

    /// <summary>Mean cross-entropy.</summary>
    public double CrossEntropy(PredictionRule rule = PredictionRule.Both) => _crossEntropy[(int)rule] / _predictions[(int)rule];

    /// <summary>Mean KL(clean ‖ this run).</summary>
    public double Divergence(PredictionRule rule = PredictionRule.Both) => _divergence[(int)rule] / _predictions[(int)rule];

    /// <summary>Cross-entropy of this run − that of the clean one.</summary>
    public double DeltaLoss(LossSums clean, PredictionRule rule = PredictionRule.Both) => CrossEntropy(rule) - clean.CrossEntropy(rule);

    /// <summary>(ablated − this) / (ablated − clean): 1 where nothing is lost, 0 where as much as by ablating.</summary>
    public double LossRecovered(LossSums clean, LossSums ablated, PredictionRule rule = PredictionRule.Both) =>
        (ablated.CrossEntropy(rule) - CrossEntropy(rule)) / (ablated.CrossEntropy(rule) - clean.CrossEntropy(rule));

    /// <summary>(KL ablated − KL of this run) / KL ablated.</summary>
    public double KlScore(LossSums ablated, PredictionRule rule = PredictionRule.Both) =>
        (ablated.Divergence(rule) - Divergence(rule)) / ablated.Divergence(rule);

    /// <summary>Adds one prediction to the sums of all rules that count it.</summary>
    /// <param name="sides">Which of its sides are not special.</param>
    /// <param name="crossEntropy">−log p(next token).</param>
    /// <param name="divergence">KL(clean ‖ this run) at the same place.</param>
    public void Add(PredictionRule sides, double crossEntropy, double divergence)
    {
        for (var rule = PredictionRule.Source; rule <= PredictionRule.Both; rule++)
        {
            if ((sides & rule) != rule)
                continue;
            _predictions[(int)rule]++;
            _crossEntropy[(int)rule] += crossEntropy;
            _divergence[(int)rule] += divergence;
        }
    }

    /// <summary>Adds the sums of other predictions of the same run.</summary>
    public void Merge(LossSums other)
    {
        for (var rule = 0; rule < Rules; rule++)
        {
            _predictions[rule] += other._predictions[rule];
            _crossEntropy[rule] += other._crossEntropy[rule];
            _divergence[rule] += other._divergence[rule];
        }
    }

    internal void Visit(SumsState state)
    {
        state.Counts("predictions", _predictions);
        state.Numbers("cross_entropy", _crossEntropy);
        state.Numbers("divergence", _divergence);
    }
}
