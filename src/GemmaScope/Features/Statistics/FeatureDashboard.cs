using GemmaScope.Models;

namespace GemmaScope.Features.Statistics;

/// <summary>
/// What a feature dashboard shows of one feature (METHODS §7). Only counted positions take part unless a name says otherwise. The
/// dictionary is
/// used as stored: where decoder vectors are not of norm 1, a view with folded norms multiplies activations by <see cref="DecoderNorm"/>
/// and divides logit effects by it.
/// </summary>
public sealed record FeatureDashboard
{
    /// <summary>Index in the dictionary.</summary>
    public required int Feature { get; init; }

    /// <summary>Counted positions with f &gt; 0.</summary>
    public required long Count { get; init; }

    /// <summary>Positions that do not count (BOS, special tokens, padding) with f &gt; 0.</summary>
    public long CountElsewhere { get; init; }

    /// <summary>Count / counted positions: our definition.</summary>
    public required double Density { get; init; }

    /// <summary>Count / all positions: the definition of SAEDashboard.</summary>
    public required double DensityAllPositions { get; init; }

    /// <summary>Largest activation; 0 for a dead feature.</summary>
    public required float Max { get; init; }

    /// <summary>Largest activation wherever it is. Above <see cref="Max"/> the feature is strongest where nothing counts.</summary>
    public float MaxAnywhere { get; init; }

    /// <summary>The first sequence with the largest activation, or −1.</summary>
    public int MaxSequence { get; init; } = -1;

    /// <summary>Its first position with it, or −1.</summary>
    public int MaxPosition { get; init; } = -1;

    /// <summary>The token there, or −1.</summary>
    public int MaxToken { get; init; } = -1;

    /// <summary>Mean of the non-zero activations.</summary>
    public required double MeanNonzero { get; init; }

    /// <summary>Counts of the non-zero activations in equal bins over <see cref="HistogramStart"/> .. <see cref="Max"/>; 50 of
    /// ours.</summary>
    public required IReadOnlyList<int> Histogram { get; init; }

    /// <summary>Where the histogram begins: 0, but the smallest activation in files of other programs.</summary>
    public double HistogramStart { get; init; }

    /// <summary>Share of the counted positions with lo &lt; f ≤ hi in five equal intervals over 0 .. <see cref="Max"/>, the lowest
    /// first.</summary>
    public required IReadOnlyList<double> IntervalShares { get; init; }

    /// <summary>Examples: the strongest sequences first (interval −1), then those drawn from the intervals, from the highest
    /// down.</summary>
    public IReadOnlyList<FeatureExample> Examples { get; init; } = [];

    /// <summary>‖W_dec‖.</summary>
    public required float DecoderNorm { get; init; }

    /// <summary>Largest coordinates of the unit decoder vector.</summary>
    public IReadOnlyList<AlignedCoordinate> Alignment { get; init; } = [];

    /// <summary>Features with the nearest decoder vectors.</summary>
    public IReadOnlyList<NearFeature> Neighbours { get; init; } = [];

    /// <summary>Features with the largest correlations.</summary>
    public IReadOnlyList<CorrelatedFeature> CorrelatedFeatures { get; init; } = [];

    /// <summary>Coordinates of the input with the largest correlations.</summary>
    public IReadOnlyList<CorrelatedNeuron> CorrelatedNeurons { get; init; } = [];

    /// <summary>Features that fire most often at the same positions.</summary>
    public IReadOnlyList<TogetherFeature> Together { get; init; } = [];

    /// <summary>Of a dictionary of attention heads: the norm of each head's slice of W_dec / the sum of these norms.</summary>
    public IReadOnlyList<float> HeadShares { get; init; } = [];

    /// <summary>What the feature adds to the logits directly, or null where its site has no linear way there.</summary>
    public LogitEffects? Logits { get; init; }

    /// <summary>The same with the gain of the final norm.</summary>
    public LogitEffects? GainedLogits { get; init; }

    /// <summary>Whether it fired at no counted position.</summary>
    public bool IsDead => Count == 0;

    /// <summary>Edge of an interval: equal steps over 0 .. <see cref="Max"/>.</summary>
    /// <param name="index">0 to 5.</param>
    public double IntervalEdge(int index) => (double)index / ActivationDistribution.Intervals * Max;
}

/// <summary>A sequence with the activations of one feature.</summary>
/// <param name="Interval">−1 in the top group; else the interval it was drawn from, 0 the lowest.</param>
/// <param name="Sequence">Its index in the corpus.</param>
/// <param name="Position">The marked token: of the maximum in the top group, else the first inside the interval.</param>
/// <param name="Tokens">Token ids.</param>
/// <param name="Values">The activation at each token, 0 where nothing counts.</param>
/// <param name="Sources">Attention dictionaries, top group: how much each token gives to the activation at the marked one (DFA).</param>
/// <param name="Start">Tokens of the sequence before the first of these: 0, or more in an excerpt.</param>
public sealed record FeatureExample(
    int Interval,
    int Sequence,
    int Position,
    IReadOnlyList<int> Tokens,
    IReadOnlyList<float> Values,
    IReadOnlyList<float>? Sources = null,
    int Start = 0
);

/// <summary>A coordinate of a decoder vector.</summary>
/// <param name="Index">Coordinate.</param>
/// <param name="Value">Its value in the unit vector.</param>
/// <param name="Share">Its magnitude / the sum of all magnitudes.</param>
public sealed record AlignedCoordinate(int Index, float Value, float Share);

/// <summary>A feature with a near decoder vector.</summary>
/// <param name="Feature">Its index.</param>
/// <param name="Cosine">Cosine of the two vectors.</param>
public sealed record NearFeature(int Feature, float Cosine);

/// <summary>A feature whose activations go along.</summary>
/// <param name="Feature">Its index.</param>
/// <param name="Pearson">Correlation over the counted positions.</param>
/// <param name="Cosine">Cosine of the two columns of activations, no mean subtracted.</param>
public sealed record CorrelatedFeature(int Feature, float Pearson, float Cosine);

/// <summary>A coordinate of the input whose values go along.</summary>
/// <param name="Neuron">Coordinate.</param>
/// <param name="Pearson">Correlation over the counted positions.</param>
/// <param name="Cosine">Cosine of the two columns, no mean subtracted.</param>
public sealed record CorrelatedNeuron(int Neuron, float Pearson, float Cosine);

/// <summary>A feature that fires at the same positions.</summary>
/// <param name="Feature">Its index.</param>
/// <param name="Positions">Counted positions where both fire.</param>
public sealed record TogetherFeature(int Feature, int Positions);

/// <summary>What a unit of a feature adds to the logits of the vocabulary, without any final softcap.</summary>
/// <param name="Top">Largest first.</param>
/// <param name="Bottom">Smallest first.</param>
/// <param name="Minimum">Smallest of the vocabulary.</param>
/// <param name="Maximum">Largest of the vocabulary.</param>
/// <param name="Histogram">50 equal bins from the smallest to the largest, the last one closed.</param>
public sealed record LogitEffects(
    IReadOnlyList<TokenScore> Top,
    IReadOnlyList<TokenScore> Bottom,
    float Minimum,
    float Maximum,
    IReadOnlyList<int> Histogram
);
