namespace GemmaScope.Features;

/// <summary>
/// How often and how strongly each feature fires over many headlines, and the weight that follows: neither a feature that is always on nor
/// one whose activations are large everywhere says something about a text (METHODS §6.10).
/// </summary>
public sealed class FeatureDensity
{
    private readonly Dictionary<int, long> _active = [];
    private readonly Dictionary<int, float> _largest = [];

    /// <summary>Counts the tokens of readings.</summary>
    public FeatureDensity(IEnumerable<HeadlineReading> readings)
    {
        foreach (var reading in readings)
            for (var t = 0; t < reading.Counted.Count; t++)
            {
                if (!reading.Counted[t])
                    continue;
                Tokens++;
                for (var i = 0; i < reading.Features.Indices(t).Length; i++)
                {
                    var (feature, value) = (reading.Features.Indices(t)[i], reading.Features.Values(t)[i]);
                    _active[feature] = _active.GetValueOrDefault(feature) + 1;
                    _largest[feature] = Math.Max(_largest.GetValueOrDefault(feature), value);
                }
            }
    }

    /// <summary>Tokens that were counted.</summary>
    public long Tokens { get; }

    /// <summary>Share of the tokens on which a feature fires.</summary>
    public double Of(int feature) => Tokens == 0 ? 0 : (double)_active.GetValueOrDefault(feature) / Tokens;

    /// <summary>
    /// What a unit of activation counts: ln((N + 1) / (n + 1)) / largest for n of N tokens; 0 for a feature that always fires, or never
    /// did.
    /// </summary>
    public double Weight(int feature) =>
        _largest.GetValueOrDefault(feature) is var largest and > 0 ? Math.Log((Tokens + 1.0) / (_active[feature] + 1)) / largest : 0;
}
