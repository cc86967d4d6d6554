using GemmaScope.Files;
using GemmaScope.Training;

namespace GemmaScope.Workbench;

/// <summary>An L0 that a training aimed at and did not come to.</summary>
/// <param name="Wanted">The L0 aimed at.</param>
/// <param name="Found">The L0 of the result.</param>
/// <param name="Cause">The likely cause, and what to do about it.</param>
public sealed record MissedTarget(double Wanted, double Found, string Cause)
{
    // Shares of the target: how far off is missed, and how much an L0 that is still on its way changes in the last part of a run.
    private const double Far = 0.25,
        Moving = 0.1;

    // Of the steps, where that last part begins.
    private const double LastPart = 0.75;

    /// <summary>All of it in a sentence.</summary>
    public override string ToString() => FormattableString.Invariant($"the training came to L0 {Found:0.0}, not {Wanted}: {Cause}");

    /// <summary>What was missed; null where nothing was aimed at, or it was met.</summary>
    /// <param name="configuration">What was trained.</param>
    /// <param name="l0">The L0 of the result.</param>
    /// <param name="metrics">The lines of metrics that its run wrote.</param>
    internal static MissedTarget? Of(TrainingConfiguration configuration, double? l0, IEnumerable<JsonSection> metrics)
    {
        if (l0 is not { } found)
            return null;
        var (recipe, search) = (configuration.Recipe.For(configuration.TotalSteps, configuration.Batch), configuration.Search);
        if (search.L0 is { } searched)
            return IsFar(found, searched, search.Tolerance)
                ? new(searched, found, "the short runs of the search had learned too little to tell; take more search.steps")
                : null;
        return HasTarget(recipe) && IsFar(found, recipe.L0Target, Far)
            ? new(recipe.L0Target, found, CauseOf(recipe, configuration.TotalSteps, found, [.. metrics.Where(line => line.Has("l0"))]))
            : null;
    }

    private static string CauseOf(Recipe recipe, long steps, double found, JsonSection[] metrics)
    {
        var (target, above) = (recipe.L0Target, found > recipe.L0Target);
        if (steps < recipe.LambdaWarmupSteps)
            return $"its {steps} steps end while the penalty is still rising (recipe.lambda_warmup_steps is {recipe.LambdaWarmupSteps}): "
                + "take more steps, or a shorter rise";
        if (recipe.L0TargetStart is not null && steps < recipe.L0TargetSteps)
            return $"its {steps} steps end while the target itself is still falling (recipe.l0_target_steps is {recipe.L0TargetSteps}): "
                + "take more steps, or a shorter fall";
        double? last = metrics.LastOrDefault()?.Number("l0"),
            before = metrics.LastOrDefault(line => line.Number("step") <= steps * LastPart)?.Number("l0");
        if (last is { } trained && !IsFar(trained, target, Far))
            return FormattableString.Invariant(
                $"on the text trained on it was {trained:0.0}; the text measured on is another kind, or there was too little to train on"
            );
        if (last - before is { } change && Math.Abs(change) > Moving * target && change < 0 == above)
            return "L0 was still on its way there when the training ended: take more steps, or a larger recipe.learning_rate";
        return above
            ? "the reconstruction outweighs the penalty: take a larger recipe.lambda, or more steps"
            : "features fell silent and did not come back: take a longer recipe.lambda_warmup_steps, or a smaller recipe.lambda";
    }

    private static bool HasTarget(Recipe recipe) =>
        recipe.Sparsity is SparsityTerm.L0Target or SparsityTerm.L0TargetPerToken or SparsityTerm.L0TargetRelative;

    private static bool IsFar(double l0, double target, double share) => Math.Abs(l0 / target - 1) > share;
}
