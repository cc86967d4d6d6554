using System.Globalization;

namespace GemmaScope.Training;

/// <summary>Numbers of a recipe that depend on how long the training is.</summary>
/// <param name="LambdaWarmupSteps">Steps in which λ rises.</param>
/// <param name="L0TargetSteps">Steps in which L0* falls.</param>
/// <param name="KSteps">Steps in which k falls.</param>
/// <param name="AnnealStart">The first fall of p.</param>
/// <param name="AnnealEnd">The last fall of p.</param>
/// <param name="DeadAfterTokens">Tokens without firing after which a feature is dead.</param>
/// <param name="LearningRate">Learning rate.</param>
/// <param name="WarmupSteps">Steps in which it rises.</param>
internal readonly record struct LengthSettings(
    long LambdaWarmupSteps,
    long L0TargetSteps,
    long KSteps,
    long AnnealStart,
    long AnnealEnd,
    long DeadAfterTokens,
    double LearningRate,
    long WarmupSteps
);

/// <summary>
/// What depends on the length of a run. The published numbers are of runs of hundreds of thousands of steps: in one of a few hundred the
/// penalty would hardly have begun to rise, and thresholds could not come far. Null is what nobody has set.
/// </summary>
public sealed partial record Recipe
{
    // A run of so many steps or more is a long one.
    private const long LongSteps = 50_000;

    private const double LargestLearningRate = 2e-3;

    private static readonly LengthSettings Long = new(10_000, 50_000, 50_000, 15_000, 100_000, 10_000_000, 7e-5, 1_000);

    private readonly double? _lambda,
        _learningRate;

    private readonly long? _lambdaWarmupSteps,
        _l0TargetSteps,
        _kSteps,
        _annealStart,
        _annealEnd,
        _deadAfterTokens,
        _warmupSteps;

    /// <summary>The recipe of a run: what is not set is as its length wants it.</summary>
    /// <param name="steps">Steps of the whole run.</param>
    /// <param name="batch">Rows of a step.</param>
    public Recipe For(long steps, int batch) => WithUnset(SettingsFor(steps, batch));

    /// <summary>The recipe of a run that goes on: what is not set stays as it was.</summary>
    internal Recipe Following(Recipe before) =>
        WithUnset(
            new(
                before.LambdaWarmupSteps,
                before.L0TargetSteps,
                before.KSteps,
                before.AnnealStart,
                before.AnnealEnd,
                before.DeadAfterTokens,
                before.LearningRate,
                before.WarmupSteps
            )
        ) with
        {
            Lambda = _lambda ?? before.Lambda,
        };

    /// <summary>The recipe for a run that is shorter by a factor: what is set ends as much earlier, the rest is left to that run.</summary>
    internal Recipe Shorter(double share)
    {
        long Part(long step) => (long)Math.Ceiling(step * share);
        long? PartOf(long? step) => step is { } one ? Part(one) : null;
        var shorter = this with
        {
            DecayStart = PartOf(DecayStart),
            DecayEnd = PartOf(DecayEnd),
            ResampleEvery = PartOf(ResampleEvery),
            ResampleUntil = PartOf(ResampleUntil),
        };
        if (_lambdaWarmupSteps is { } rise)
            shorter = shorter with { LambdaWarmupSteps = Part(rise) };
        if (_warmupSteps is { } warm)
            shorter = shorter with { WarmupSteps = Part(warm) };
        if (_l0TargetSteps is { } fall)
            shorter = shorter with { L0TargetSteps = Part(fall) };
        if (_kSteps is { } fewer)
            shorter = shorter with { KSteps = Part(fewer) };
        if (_annealStart is { } first)
            shorter = shorter with { AnnealStart = Part(first) };
        if (_annealEnd is { } last)
            shorter = shorter with { AnnealEnd = Part(last) };
        return shorter;
    }

    /// <summary>What is to be said behind the numbers that are others than in a long run because this one is short, by their keys.</summary>
    /// <param name="steps">Steps of the whole run.</param>
    /// <param name="batch">Rows of a step.</param>
    internal IReadOnlyDictionary<string, string> Remarks(long steps, int batch)
    {
        var (remarks, run) = (new Dictionary<string, string>(), SettingsFor(steps, batch));
        Add("lambda_warmup_steps", LambdaWarmupSteps, run.LambdaWarmupSteps, Long.LambdaWarmupSteps);
        Add("l0_target_steps", L0TargetSteps, run.L0TargetSteps, Long.L0TargetSteps);
        Add("k_steps", KSteps, run.KSteps, Long.KSteps);
        Add("anneal_start", AnnealStart, run.AnnealStart, Long.AnnealStart);
        Add("anneal_end", AnnealEnd, run.AnnealEnd, Long.AnnealEnd);
        Add("dead_after_tokens", DeadAfterTokens, run.DeadAfterTokens, Long.DeadAfterTokens);
        Add("learning_rate", LearningRate, run.LearningRate, Long.LearningRate);
        Add("warmup_steps", WarmupSteps, run.WarmupSteps, Long.WarmupSteps);
        return remarks;

        void Add<T>(string key, T value, T here, T usual)
            where T : struct, IFormattable
        {
            if (value.Equals(here) && !value.Equals(usual))
                remarks.Add(key, string.Create(CultureInfo.InvariantCulture, $"scaled to {steps} steps; {usual} in a long run"));
        }
    }

    /// <summary>λ of a term. One that leads to a target has to outweigh the reconstruction well before it is far from it.</summary>
    internal static double DefaultLambda(SparsityTerm term) =>
        term switch
        {
            SparsityTerm.L0Target or SparsityTerm.L0TargetPerToken => 0.03,
            SparsityTerm.L0TargetRelative => 1,
            _ => 6e-4,
        };

    private static LengthSettings SettingsFor(long steps, int batch)
    {
        long Share(long usual, double share) => Math.Min(usual, Math.Max(1, (long)(steps * share)));
        return new(
            Share(Long.LambdaWarmupSteps, 0.2),
            Share(Long.L0TargetSteps, 0.5),
            Share(Long.KSteps, 0.5),
            Share(Long.AnnealStart, 0.15),
            Share(Long.AnnealEnd, 0.9),
            Share(Long.DeadAfterTokens, 0.1 * batch),
            // In round numbers, since it is read by people.
            Math.Max(Long.LearningRate, Math.Min(LargestLearningRate, Math.Round(Long.LearningRate * LongSteps / steps, 5))),
            Share(Long.WarmupSteps, 0.1)
        );
    }

    private Recipe WithUnset(LengthSettings defaults) =>
        this with
        {
            Lambda = Lambda,
            LambdaWarmupSteps = _lambdaWarmupSteps ?? defaults.LambdaWarmupSteps,
            L0TargetSteps = _l0TargetSteps ?? defaults.L0TargetSteps,
            KSteps = _kSteps ?? defaults.KSteps,
            AnnealStart = _annealStart ?? defaults.AnnealStart,
            AnnealEnd = _annealEnd ?? defaults.AnnealEnd,
            DeadAfterTokens = _deadAfterTokens ?? defaults.DeadAfterTokens,
            LearningRate = _learningRate ?? defaults.LearningRate,
            WarmupSteps = _warmupSteps ?? defaults.WarmupSteps,
        };
}
