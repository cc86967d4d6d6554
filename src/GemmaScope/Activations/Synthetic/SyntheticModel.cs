using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using GemmaScope.Numerics;

namespace GemmaScope.Activations;

/// <summary>
/// A model of activations whose features are known: unit directions, how often and how strongly each fires, which fire together, and which
/// only under another one. An activation is the sum of what fires and a bias; nothing else is in it (SynthSAEBench, arXiv 2602.14687).
/// </summary>
public sealed class SyntheticModel : IDisposable
{
    private readonly float[] _factors;
    private readonly double[] _own,
        _thresholds;

    /// <summary>Makes the model of a config; the same on every machine up to rounding.</summary>
    /// <param name="config">What it is made of.</param>
    /// <param name="cancellationToken">Ends the steps that push directions apart.</param>
    /// <exception cref="ArgumentProblemException">The config makes no model.</exception>
    public SyntheticModel(SyntheticConfig config, CancellationToken cancellationToken = default)
        : this(Checked(config), SyntheticDraws.Of(config), cancellationToken) { }

    internal SyntheticModel(SyntheticConfig config, SyntheticDraws draws, CancellationToken cancellationToken = default)
        : this(
            config,
            draws.Directions,
            OfLength(draws.Bias, config.BiasNorm),
            Factors(config, draws.Factors),
            [.. draws.Std.Select(normal => (float)Math.Abs(config.StdMean + config.StdSpread * normal))]
        ) => DirectionSpread.Run(Directions, config.OrthogonalisationSteps, config.OrthogonalisationRate, cancellationToken);

    internal SyntheticModel(SyntheticConfig config, Tensor directions, float[] bias, float[] factors, float[] stds)
    {
        (Config, Trees, Directions, Bias, _factors) = (config, new FeatureTrees(config), directions, bias, factors);
        _own = [.. Shares(config, factors).Select(share => Math.Sqrt(1 - share))];
        _thresholds = [.. Trees.Firing.Select(p => NormalDistribution.Quantile(1 - p))];
        var last = Math.Max(1, config.Features - 1);
        Means = [.. Enumerable.Range(0, config.Features).Select(i => config.FirstMean + (config.LastMean - config.FirstMean) * i / last)];
        Stds = [.. stds.Select(std => (double)std)];
    }

    /// <summary>What it is made of.</summary>
    public SyntheticConfig Config { get; }

    /// <summary>The true directions [features, width], of length 1.</summary>
    public Tensor Directions { get; }

    /// <summary>What is added to every activation [width].</summary>
    public float[] Bias { get; }

    /// <summary>Mean strength of each feature where it fires.</summary>
    public IReadOnlyList<double> Means { get; }

    /// <summary>Standard deviation of each feature's strength.</summary>
    public IReadOnlyList<double> Stds { get; }

    internal FeatureTrees Trees { get; }

    /// <summary>Above this a feature's normal number lets it fire; −∞: it always does.</summary>
    internal ReadOnlySpan<double> Thresholds => _thresholds;

    /// <summary>What features have to do with the common causes [features, rank].</summary>
    internal ReadOnlySpan<float> CommonFactors => _factors;

    /// <summary>Share of a feature's variance that is its own.</summary>
    internal IEnumerable<double> OwnVariance => _own.Select(root => root * root);

    /// <summary>The activations of one row before trees have their say: 0, or the strength with which a feature fires.</summary>
    internal double Strength<TNoise>(int feature, double common, ref TNoise noise)
        where TNoise : struct, ISampleNoise
    {
        var bound = (_thresholds[feature] - common) / _own[feature];
        return noise.Exceeds(feature, bound) ? Math.Max(0, Means[feature] + Stds[feature] * noise.Strength(feature)) : 0;
    }

    /// <summary>Draws the features of one row, by rising index.</summary>
    /// <param name="causes">The row's common causes [rank].</param>
    /// <param name="noise">Its other chance.</param>
    /// <param name="active">Gets the features; what it held is removed.</param>
    internal void Draw<TNoise>(ReadOnlySpan<float> causes, ref TNoise noise, List<FiringFeature> active)
        where TNoise : struct, ISampleNoise
    {
        active.Clear();
        for (var root = 0; root < Trees.Roots; root++)
            Fire(root, 1, causes, ref noise, active);
        // Each level follows the one above whole, as its features lie in the list: whom a sibling silenced is not there to have children.
        for (var at = 0; at < active.Count; at++)
        {
            var parent = active[at];
            var (first, count) = Trees.Children(parent.Feature);
            var scale = Config.ScaleChildrenByParent ? parent.Value / Means[parent.Feature] : 1;
            var before = active.Count;
            for (var child = first; child < first + count; child++)
                Fire(child, scale, causes, ref noise, active);
            if (active.Count - before < 2)
                continue;
            var kept = active[before + noise.Keep(CollectionsMarshal.AsSpan(active)[before..])];
            active.RemoveRange(before, active.Count - before);
            active.Add(kept);
        }
        for (var feature = Trees.InTrees; feature < Config.Features; feature++)
            Fire(feature, 1, causes, ref noise, active);
    }

    /// <summary>Adds up what fires.</summary>
    /// <param name="active">The features of a row.</param>
    /// <param name="target">[width].</param>
    internal void Mix(ReadOnlySpan<FiringFeature> active, Span<float> target)
    {
        Bias.CopyTo(target);
        foreach (var (feature, value) in active)
            TensorPrimitives.MultiplyAdd(Directions.Row(feature), (float)value, target, target);
    }

    /// <summary>Frees the directions.</summary>
    public void Dispose() => Directions.Dispose();

    private void Fire<TNoise>(int feature, double scale, ReadOnlySpan<float> causes, ref TNoise noise, List<FiringFeature> active)
        where TNoise : struct, ISampleNoise
    {
        var rank = causes.Length;
        double common = TensorPrimitives.Dot(_factors.AsSpan(feature * rank, rank), causes);
        if (scale * Strength(feature, common, ref noise) is > 0 and var value)
            active.Add(new(feature, value));
    }

    /// <summary>A feature's number has variance 1: what the common causes leave is its own, and they have to leave something.</summary>
    private static float[] Factors(SyntheticConfig config, float[] draws)
    {
        var factors = draws.Select(normal => (float)(config.CorrelationScale * normal)).ToArray();
        if (factors.Length > 0 && Shares(config, factors).Max() is >= 1 and var most)
            TensorPrimitives.Multiply(factors, (float)Math.Sqrt(0.99 / most), factors);
        return factors;
    }

    private static IEnumerable<double> Shares(SyntheticConfig config, float[] factors) =>
        Enumerable
            .Range(0, config.Features)
            .Select(i => SquaredNorm.Of(factors.AsSpan(i * config.CorrelationRank, config.CorrelationRank)));

    private static float[] OfLength(float[] vector, double length)
    {
        var scaled = (float[])vector.Clone();
        TensorPrimitives.Multiply(scaled, (float)(length / Math.Sqrt(SquaredNorm.Of(scaled))), scaled);
        return scaled;
    }

    private static SyntheticConfig Checked(SyntheticConfig config)
    {
        config.Check();
        return config;
    }
}
