namespace GemmaScope.Training;

/// <summary>How the learning rate and λ change with the step, counted from 0 (METHODS §2.3).</summary>
internal static class Schedules
{
    /// <summary>From 0.1 of the learning rate along a half cosine to all of it, constant, and where wanted linearly down to 0.</summary>
    public static double LearningRate(Recipe recipe, long step)
    {
        var warm = recipe.WarmupSteps > 0 ? Math.Min(step, recipe.WarmupSteps) / (double)recipe.WarmupSteps : 1;
        var factor = 0.1 + 0.9 * 0.5 * (1 - Math.Cos(Math.PI * warm));
        if (recipe.DecayStart is { } start && recipe.DecayEnd is { } end && step >= start)
            factor *= Math.Clamp((end - step) / (double)Math.Max(1, end - start), 0, 1);
        return recipe.LearningRate * factor;
    }

    /// <summary>L0*, which falls linearly where it begins higher.</summary>
    public static double L0Target(Recipe recipe, long step) =>
        recipe.L0TargetStart is { } start && step < recipe.L0TargetSteps
            ? start + (recipe.L0Target - start) * step / recipe.L0TargetSteps
            : recipe.L0Target;

    /// <summary>k, which falls linearly where it begins higher; a fraction counts where k · B features of a batch are kept.</summary>
    public static double K(Recipe recipe, long step) =>
        recipe.KStart is { } start && step < recipe.KSteps ? start + (double)(recipe.K - start) * step / recipe.KSteps : recipe.K;

    /// <summary>λ, which rises linearly from its first fraction.</summary>
    public static double Lambda(Recipe recipe, long step) =>
        recipe.Lambda * (recipe.LambdaWarmupSteps > 0 ? Math.Min(1, (step + 1) / (double)recipe.LambdaWarmupSteps) : 1);
}
