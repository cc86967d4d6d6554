namespace GemmaScope.Evaluation;

/// <summary>
/// What splicing a dictionary into the model costs its predictions (METHODS §2.9): next-token cross-entropy of the clean, the spliced
/// and the ablated run, and the divergence of the latter two from the clean one. In nats; sums in f64.
/// </summary>
public sealed class LossSums
{
    private double _clean, _spliced, _ablated, _splicedDivergence, _ablatedDivergence;

    /// <summary>Predictions added.</summary>
    public long Positions { get; private set; }

    /// <summary>Mean cross-entropy of the clean run.</summary>
    public double Clean => _clean / Positions;

    /// <summary>Mean cross-entropy with the reconstruction in place of the activations.</summary>
    public double Spliced => _spliced / Positions;

    /// <summary>Mean cross-entropy with zeros in place of the activations.</summary>
    public double Ablated => _ablated / Positions;

    /// <summary>Spliced − clean.</summary>
    public double DeltaLoss => Spliced - Clean;

    /// <summary>(ablated − spliced) / (ablated − clean).</summary>
    public double LossRecovered => (_ablated - _spliced) / (_ablated - _clean);

    /// <summary>Mean KL(clean ‖ spliced).</summary>
    public double SplicedDivergence => _splicedDivergence / Positions;

    /// <summary>Mean KL(clean ‖ ablated).</summary>
    public double AblatedDivergence => _ablatedDivergence / Positions;

    /// <summary>(KL ablated − KL spliced) / KL ablated.</summary>
    public double KlScore => (_ablatedDivergence - _splicedDivergence) / _ablatedDivergence;

    /// <summary>Adds the three predictions of one token.</summary>
    /// <param name="clean">Logits of the clean run.</param>
    /// <param name="spliced">Logits of the spliced run.</param>
    /// <param name="ablated">Logits of the ablated run.</param>
    /// <param name="next">The token that followed.</param>
    public void Add(ReadOnlySpan<float> clean, ReadOnlySpan<float> spliced, ReadOnlySpan<float> ablated, int next)
    {
        var (one, two, three) = (LogSum(clean), LogSum(spliced), LogSum(ablated));
        _clean += one - clean[next];
        _spliced += two - spliced[next];
        _ablated += three - ablated[next];
        for (var i = 0; i < clean.Length; i++)
        {
            var log = clean[i] - one;
            var p = Math.Exp(log);
            _splicedDivergence += p * (log - (spliced[i] - two));
            _ablatedDivergence += p * (log - (ablated[i] - three));
        }
        Positions++;
    }

    private static double LogSum(ReadOnlySpan<float> logits)
    {
        double max = double.NegativeInfinity, sum = 0;
        foreach (var logit in logits) max = Math.Max(max, logit);
        foreach (var logit in logits) sum += Math.Exp(logit - max);
        return max + Math.Log(sum);
    }
}
