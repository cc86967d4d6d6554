using System.Numerics.Tensors;
using GemmaScope.Dictionaries;

namespace GemmaScope.Evaluation;

/// <summary>The limits of the absorption protocol.</summary>
public sealed record AbsorptionOptions
{
    /// <summary>A main latent at or above this is active.</summary>
    public double Epsilon { get; init; } = 1e-6;

    /// <summary>Full: least cosine of the latent that contributes most.</summary>
    public double FullMinCosine { get; init; } = 0.025;

    /// <summary>Full: least share of the projection that it explains.</summary>
    public double FullMinShare { get; init; } = 0.4;

    /// <summary>Fraction: least cosine of an absorber.</summary>
    public double FractionMinCosine { get; init; } = 0.1;

    /// <summary>Fraction: absorbers that count, strongest first.</summary>
    public int MaxAbsorbers { get; init; } = 3;

    /// <summary>Fraction: least share of the projection that they explain.</summary>
    public double FractionMinShare { get; init; } = 0.4;
}

/// <summary>
/// Feature absorption (METHODS §6.2): the latents that stand for a concept are silent on a word that has it, because a more specific latent
/// carries the concept's direction too. Judges words that the probe gets right, one by one.
/// </summary>
public sealed class Absorption
{
    private readonly AbsorptionOptions _options;
    private readonly double[] _probe,
        _cosine;
    private readonly int[] _main;

    /// <summary>Prepares the cosines of all latents with a probe.</summary>
    /// <param name="width">Number of latents.</param>
    /// <param name="decoder">Reads the decoder vector of a latent, e.g. <see cref="SparseDictionary.Decoder"/>.</param>
    /// <param name="probe">The probe's direction; its length does not matter.</param>
    /// <param name="main">The main latents of the concept.</param>
    /// <param name="options">The limits; null for those of the protocol.</param>
    /// <exception cref="ArgumentProblemException">A main latent does not exist, or the probe is zero.</exception>
    public Absorption(
        int width,
        Action<int, Span<float>> decoder,
        ReadOnlySpan<float> probe,
        IReadOnlyList<int> main,
        AbsorptionOptions? options = null
    )
    {
        (_options, _main, _probe, _cosine) = (options ?? new(), [.. main], Widened(probe), new double[width]);
        if (main.FirstOrDefault(latent => (uint)latent >= (uint)width, -1) is not -1 and var wrong)
            throw new ArgumentProblemException($"{wrong} is no latent of a dictionary of {width}", "main");
        var norm = TensorPrimitives.Norm<double>(_probe);
        if (!(norm > 0))
            throw new ArgumentProblemException("the probe's direction is zero", "probe");
        TensorPrimitives.Divide(_probe, norm, _probe);
        var row = new float[probe.Length];
        for (var latent = 0; latent < width; latent++)
        {
            decoder(latent, row);
            var vector = Widened(row);
            var length = TensorPrimitives.Norm<double>(vector);
            _cosine[latent] = length > 0 ? Dot(vector, _probe) / length : 0;
        }
    }

    /// <summary>Judges one word.</summary>
    /// <param name="activation">The activation x at the word.</param>
    /// <param name="features">The latents there: a row of features.</param>
    /// <param name="row">Which row.</param>
    public AbsorbedWord Judge(ReadOnlySpan<float> activation, SparseActivations features, int row)
    {
        var projection = Dot(Widened(activation), _probe);
        var contribution = new double[_cosine.Length];
        for (var i = 0; i < features.Indices(row).Length; i++)
            contribution[features.Indices(row)[i]] = features.Values(row)[i] * _cosine[features.Indices(row)[i]];
        var top = Array.IndexOf(contribution, contribution.Max());
        var absorbers = Absorbers(contribution);
        var strongest = absorbers.Take(_options.MaxAbsorbers).Sum();
        var main = _main.Sum(latent => contribution[latent]);
        var full = Full(projection, contribution[top], _cosine[top], _main.Any(latent => features.Value(row, latent) >= _options.Epsilon));
        var (partial, fraction) = Fraction(projection, strongest, main);
        return new AbsorbedWord(
            full,
            partial,
            fraction,
            projection,
            top,
            _cosine[top],
            contribution[top],
            strongest,
            absorbers.Length,
            main
        );
    }

    // Shares are compared so that 0 / 0, which is no number, does not count as a share.
    private FullAbsorption Full(double projection, double top, double cosine, bool mainActive) =>
        mainActive ? FullAbsorption.MainActive
        : cosine < _options.FullMinCosine ? FullAbsorption.TopCosineTooSmall
        : projection < 0 ? FullAbsorption.ProjectionNegative
        : !(top / projection >= _options.FullMinShare) ? FullAbsorption.TopShareTooSmall
        : FullAbsorption.Absorbed;

    private (PartialAbsorption, double) Fraction(double projection, double absorbers, double main)
    {
        if (main >= projection)
            return (PartialAbsorption.MainExplains, 0);
        if (!(absorbers / projection >= _options.FractionMinShare))
            return (PartialAbsorption.AbsorbersTooSmall, 0);
        if (main <= 0)
            return (PartialAbsorption.MainSilent, 1);
        var gap = projection - main;
        var filled = Math.Min(absorbers, gap);
        return (absorbers <= gap ? PartialAbsorption.BelowGap : PartialAbsorption.CappedByGap, filled / (filled + main));
    }

    private double[] Absorbers(double[] contribution) =>
        [
            .. Enumerable
                .Range(0, contribution.Length)
                .Where(i => contribution[i] > 0 && _cosine[i] >= _options.FractionMinCosine && !_main.Contains(i))
                .Select(i => contribution[i])
                .OrderDescending(),
        ];

    private static double[] Widened(ReadOnlySpan<float> values)
    {
        var result = new double[values.Length];
        TensorPrimitives.ConvertChecked(values, result);
        return result;
    }

    // In order, so that exact inputs give exact sums whatever the width of the machine's vectors.
    private static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (var i = 0; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }
}

/// <summary>Absorption over the words that the probe gets right.</summary>
/// <param name="Words">How many these are.</param>
/// <param name="FullCount">Fully absorbed ones.</param>
/// <param name="FullRate">Their share; null without words.</param>
/// <param name="MeanFraction">Mean fraction; null without words.</param>
public sealed record AbsorptionRate(int Words, int FullCount, double? FullRate, double? MeanFraction)
{
    /// <summary>Sums words up.</summary>
    public static AbsorptionRate Of(IReadOnlyCollection<AbsorbedWord> words)
    {
        var full = words.Count(word => word.Full == FullAbsorption.Absorbed);
        return words.Count == 0
            ? new(0, 0, null, null)
            : new(words.Count, full, (double)full / words.Count, words.Average(word => word.Fraction));
    }
}
