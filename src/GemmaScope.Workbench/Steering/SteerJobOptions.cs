using GemmaScope.Behaviour;
using GemmaScope.Models;

namespace GemmaScope.Workbench;

/// <summary>A feature to steer with.</summary>
/// <param name="Feature">Its index in the dictionary.</param>
/// <param name="Strength">Its own strength; null for that of all.</param>
public sealed record FeatureStrength(int Feature, double? Strength = null);

/// <summary>Pairs of texts whose mean difference is a vector to steer with.</summary>
/// <param name="File">The file they are from, or another name.</param>
/// <param name="Pairs">The pairs.</param>
public sealed record ContrastSet(string File, IReadOnlyList<ContrastPair> Pairs)
{
    /// <summary>Reads JSON lines with <c>prompt</c>, <c>positive</c> and <c>negative</c>.</summary>
    /// <exception cref="FileFormatException">The file cannot be read, holds nothing, or a line lacks an answer.</exception>
    public static ContrastSet Load(string file) => new(file, ContrastPair.Load(file));
}

/// <summary>What <see cref="SteerJob"/> does: steers with features of the microscope's dictionary, or with a contrast vector.</summary>
public sealed record SteerJobOptions
{
    /// <summary>The strength of features that have none of their own; Neuronpedia's (METHODS §7).</summary>
    public const double DefaultFeatureStrength = 10;

    /// <summary>The strength of a contrast vector, which is added as it is.</summary>
    public const double DefaultVectorStrength = 1;

    /// <summary>Neuronpedia's sampling (METHODS §7).</summary>
    public static GenerationOptions DefaultSampling { get; } =
        new()
        {
            MaxNewTokens = 256,
            Temperature = 0.5,
            FrequencyPenalty = 1,
            Seed = 16,
        };

    /// <summary>The text to continue, or with <see cref="Chat"/> the message to answer.</summary>
    public required string Text { get; init; }

    /// <summary>Whether the text is a message to a model that was tuned to chat.</summary>
    public bool Chat { get; init; }

    /// <summary>Whether a BOS is put in front, as the models expect. A chat has one in any case.</summary>
    public bool AddBos { get; init; } = true;

    /// <summary>The features to steer with.</summary>
    public IReadOnlyList<FeatureStrength> SteeredFeatures { get; init; } = [];

    /// <summary>How features are steered.</summary>
    public SteeringMode Mode { get; init; } = SteeringMode.Add;

    /// <summary>Pairs to steer with instead of features; null for none.</summary>
    public ContrastSet? Contrast { get; init; }

    /// <summary>Where the contrast vector is read and added; ignored without one.</summary>
    public Site? Site { get; init; }

    /// <summary>The strength of what has none of its own; null for the default, which <see cref="SteeringMode.Orthogonal"/> and
    /// <see cref="SteeringMode.Cap"/> lack.</summary>
    public double? Strength { get; init; }

    /// <summary>Several strengths, a text for each; null for one text with <see cref="Strength"/>.</summary>
    public IReadOnlyList<double>? Sweep { get; init; }

    /// <summary>Where it is steered; null for all positions, and for new ones only with a contrast vector.</summary>
    public SteeredPositions? Positions { get; init; }

    /// <summary>Whether BOS is steered too.</summary>
    public bool Bos { get; init; }

    /// <summary>How tokens are chosen, with steering and without.</summary>
    public GenerationOptions Sampling { get; init; } = DefaultSampling;

    /// <summary>Whether both texts grow by a token in turn instead of one after the other; not for a sweep.</summary>
    public bool InTurn { get; init; }

    /// <summary>Where it is steered, the default filled in.</summary>
    public SteeredPositions At => Positions ?? (Contrast is null ? SteeredPositions.All : SteeredPositions.Generated);

    /// <summary>For each steered text the strengths of the features, or of the vector; none where the mode has none.</summary>
    public IReadOnlyList<double[]> Runs => Sweep is null ? [StrengthsOf(null)] : [.. Sweep.Select(strength => StrengthsOf(strength))];

    /// <summary>Finds options that do not go together, before anything is loaded.</summary>
    /// <exception cref="ArgumentProblemException">They do not.</exception>
    public void Check()
    {
        if (Contrast is not null)
        {
            if (SteeredFeatures.Count > 0)
                throw new ArgumentProblemException(
                    "steers with a vector of its own",
                    new Setting(nameof(Contrast)),
                    new Remedy($"leave out {new Setting(nameof(SteeredFeatures))}")
                );
            if (Mode != SteeringMode.Add)
                throw new ArgumentProblemException(
                    "a contrast vector is added",
                    new Setting(nameof(Contrast)),
                    new Remedy($"leave out {new Setting(nameof(Mode))}")
                );
        }
        else if (SteeredFeatures.Count == 0)
            throw new ArgumentProblemException(
                "there is nothing to steer with",
                new Setting(nameof(SteeredFeatures)),
                new Remedy($"name a feature with {new Setting(nameof(SteeredFeatures))}, or pairs with {new Setting(nameof(Contrast))}")
            );
        if (Strength is not null)
            RequireStrength(nameof(Strength));
        if (SteeredFeatures.Any(one => one.Strength is not null))
            RequireStrength(nameof(SteeredFeatures));
        if (Sweep is not null)
            CheckSweep();
        _ = Runs;
    }

    private void CheckSweep()
    {
        var sweep = new Setting(nameof(Sweep));
        if (Strength is not null)
            throw new ArgumentProblemException(
                "says the strengths already",
                sweep,
                new Remedy($"give {new Setting(nameof(Strength))} or {sweep}, not both")
            );
        if (SteeredFeatures.Any(one => one.Strength is not null))
            throw new ArgumentProblemException("gives all features the same strengths; leave out those of single features", sweep);
        RequireStrength(nameof(Sweep));
    }

    private void RequireStrength(string setting)
    {
        if (!Steering.HasStrength(Mode))
            throw new ArgumentProblemException($"{Steering.NameOf(Mode)} has no strength; leave it out", new Setting(setting));
    }

    private double[] StrengthsOf(double? sweep) =>
        Contrast is not null ? [sweep ?? Strength ?? DefaultVectorStrength]
        : !Steering.HasStrength(Mode) ? []
        : [.. SteeredFeatures.Select(one => one.Strength ?? sweep ?? FeatureDefault())];

    private double FeatureDefault() =>
        Strength
        ?? (
            Mode is SteeringMode.Orthogonal or SteeringMode.Cap
                ? throw new ArgumentProblemException(
                    $"is needed for {Steering.NameOf(Mode)}: a coefficient (0 removes, 1 leaves) or a ceiling",
                    new Setting(nameof(Strength))
                )
                : DefaultFeatureStrength
        );
}
