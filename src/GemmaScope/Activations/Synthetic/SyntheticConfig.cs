namespace GemmaScope.Activations;

/// <summary>
/// What synthetic activations with known features are made of. The defaults are the configuration published as SynthSAEBench-16k (Chanin
/// and Garriga-Alonso, arXiv 2602.14687, second version of the model): 16,384 features in 768 dimensions, most of them in trees whose
/// children fire only with their parent and one at a time.
/// </summary>
public sealed record SyntheticConfig
{
    /// <summary>True features n.</summary>
    public int Features { get; init; } = 16384;

    /// <summary>Numbers in an activation d.</summary>
    public int Width { get; init; } = 768;

    /// <summary>Exponent of the law by which features get rarer with their index.</summary>
    public double ZipfExponent { get; init; } = 0.5;

    /// <summary>Share of rows in which the first feature fires.</summary>
    public double MaxProbability { get; init; } = 0.4;

    /// <summary>Share of rows in which the last feature fires.</summary>
    public double MinProbability { get; init; } = 5e-4;

    /// <summary>Trees; 0: none.</summary>
    public int Roots { get; init; } = 128;

    /// <summary>Children of each feature in a tree.</summary>
    public int Branching { get; init; } = 4;

    /// <summary>Levels below a root.</summary>
    public int Depth { get; init; } = 3;

    /// <summary>Whether children fire more often where their parent fires, for the rows that parent and siblings take from them.</summary>
    public bool CompensateProbabilities { get; init; } = true;

    /// <summary>Whether a child is as much stronger as its parent is (second version of the benchmark), not only silent without it
    /// (first).</summary>
    public bool ScaleChildrenByParent { get; init; } = true;

    /// <summary>Common causes of which features fire together.</summary>
    public int CorrelationRank { get; init; } = 25;

    /// <summary>Standard deviation of what each has to do with them.</summary>
    public double CorrelationScale { get; init; } = 0.1;

    /// <summary>Steps of Adam that push directions apart.</summary>
    public int OrthogonalisationSteps { get; init; } = 100;

    /// <summary>Their learning rate.</summary>
    public double OrthogonalisationRate { get; init; } = 3e-4;

    /// <summary>Mean strength of the first feature where it fires; it changes evenly to that of the last.</summary>
    public double FirstMean { get; init; } = 5;

    /// <summary>Mean strength of the last feature.</summary>
    public double LastMean { get; init; } = 4;

    /// <summary>Mean of the features' standard deviations.</summary>
    public double StdMean { get; init; } = 0.5;

    /// <summary>Standard deviation of the features' standard deviations.</summary>
    public double StdSpread { get; init; } = 0.5;

    /// <summary>Length of what is added to every activation.</summary>
    public double BiasNorm { get; init; } = 0.5;

    /// <summary>Decides directions, strengths and causes; which rows there are decides the seed of the source.</summary>
    public long Seed { get; init; } = 42;

    /// <summary>Refuses what makes no model.</summary>
    /// <exception cref="ArgumentProblemException">A value is out of range; the error names its key.</exception>
    public void Check()
    {
        static void Require(bool holds, string key, string problem)
        {
            if (!holds)
                throw new ArgumentProblemException(problem, key);
        }
        Require(Features is >= 1 and <= 1 << 20, "features", "must be 1 to 1,048,576");
        Require(Width is >= 1 and <= 1 << 14, "width", "must be 1 to 16,384");
        Require(double.IsFinite(ZipfExponent), "zipf_exponent", "must be finite");
        Require(MaxProbability is > 0 and <= 1, "max_probability", "must be above 0 and at most 1");
        Require(MinProbability > 0 && MinProbability <= MaxProbability, "min_probability", "must be above 0 and at most max_probability");
        Require(Roots >= 0, "roots", "must not be negative");
        Require(Branching >= 1, "branching", "must be 1 or more");
        Require(Depth >= 0, "depth", "must not be negative");
        Require(CorrelationRank >= 0, "correlation_rank", "must not be negative");
        Require(double.IsFinite(CorrelationScale), "correlation_scale", "must be finite");
        Require(OrthogonalisationSteps >= 0, "orthogonalisation_steps", "must not be negative");
        Require(OrthogonalisationRate > 0, "orthogonalisation_rate", "must be above 0");
        Require(FirstMean > 0 && LastMean > 0, "first_mean", "and last_mean must be above 0");
        Require(double.IsFinite(StdMean) && double.IsFinite(StdSpread), "std_mean", "and std_spread must be finite");
        Require(BiasNorm >= 0, "bias_norm", "must not be negative");
    }
}
