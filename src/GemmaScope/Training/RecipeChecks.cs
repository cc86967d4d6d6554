namespace GemmaScope.Training;

/// <summary>Finds out before the first step what a recipe cannot mean.</summary>
internal static class RecipeChecks
{
    /// <exception cref="ArgumentProblemException">The recipe contradicts itself or does not fit the shape.</exception>
    public static void Check(Recipe recipe, TrainerShape shape)
    {
        CheckShape(shape);
        CheckObjective(recipe, shape);
        CheckOptimiser(recipe);
    }

    private static void CheckShape(TrainerShape shape)
    {
        Require(
            shape.Blocks.Count > 0 && shape.OutputLayers > 0 && shape.OutputWidth % shape.OutputLayers == 0,
            "shape",
            "has no blocks, or layers of unequal width"
        );
        foreach (var block in shape.Blocks)
            Require(
                block.Features > 0
                    && block.InputWidth > 0
                    && block.InputStart >= 0
                    && block.InputStart + block.InputWidth <= shape.InputWidth
                    && block.OutputWidth > 0
                    && block.OutputStart >= 0
                    && block.OutputStart + block.OutputWidth <= shape.OutputWidth
                    && block.OutputStart % shape.LayerWidth == 0
                    && block.OutputWidth % shape.LayerWidth == 0,
                "shape",
                $"has a block beyond its rows: {block}"
            );
        Require(!shape.Reconstructs || shape.InputWidth == shape.OutputWidth, "shape", "cannot reconstruct rows of another width");
    }

    private static void CheckObjective(Recipe recipe, TrainerShape shape)
    {
        var (kind, term) = (recipe.Architecture, recipe.Sparsity);
        var counts =
            term
            is SparsityTerm.L0
                or SparsityTerm.L0Target
                or SparsityTerm.L0TargetPerToken
                or SparsityTerm.L0TargetRelative
                or SparsityTerm.Frequency;
        Require(
            kind == Architecture.JumpRelu || (!counts && recipe.FrequencyRatio == 0 && recipe.PreActivation == 0),
            "sparsity",
            $"{term} counts active features, or there is a frequency or pre-activation term; only JumpReLU can learn from it, not {kind}"
        );
        Require(
            kind is not (Architecture.TopK or Architecture.BatchTopK) || term == SparsityTerm.None,
            "sparsity",
            $"{kind} is sparse by itself; {term} must be none"
        );
        Require(
            kind != Architecture.Gated || (term == SparsityTerm.L1 && !recipe.NormWeighted),
            "sparsity",
            $"a gated dictionary learns with L1 without norms, not {term}"
        );
        Require(
            term != SparsityTerm.Lp || (kind == Architecture.Relu && recipe.AnnealUpdates > 0),
            "sparsity",
            "p-anneal is for ReLU, with at least one update"
        );
        Require(
            term is not (SparsityTerm.L0Target or SparsityTerm.L0TargetPerToken or SparsityTerm.L0TargetRelative) || recipe.L0Target > 0,
            "l0_target",
            "must be above 0"
        );
        Require(
            recipe.L0TargetStart is null or > 0 && recipe.L0TargetSteps >= 0,
            "l0_target_start",
            "must be above 0, in a number of steps that is not below 0"
        );
        Require(recipe.FrequencyScale > 0, "frequency_scale", "must be above 0");
        Require(
            recipe.AuxiliaryCoefficient == 0 || kind is Architecture.TopK or Architecture.BatchTopK,
            "auxiliary_coefficient",
            $"AuxK belongs to top-k, not to {kind}"
        );
        Require(
            recipe.K > 0 && (kind is not (Architecture.TopK or Architecture.BatchTopK) || recipe.K <= shape.Features),
            "k",
            $"is {recipe.K}; it must be 1 to {shape.Features}"
        );
        Require(
            recipe.KStart is null
                || (kind is Architecture.TopK or Architecture.BatchTopK && recipe.KStart > 0 && recipe.KStart <= shape.Features),
            "k_start",
            $"is for top_k and batch_top_k, and must be 1 to {shape.Features}"
        );
        Require(recipe.KSteps >= 0, "k_steps", "must be at least 0");
        Require(recipe.ResampleEvery is null or > 0, "resample_every", "must be 1 step or more");
        Require(
            recipe.ResampleUntil is null || recipe.ResampleEvery is not null,
            "resample_until",
            "ends what resample_every begins, which is missing"
        );
        Require(recipe.ResampleScale > 0 && double.IsFinite(recipe.ResampleScale), "resample_scale", "must be above 0");
        if (kind == Architecture.JumpRelu)
        {
            Require(recipe.Epsilon > 0, "epsilon", "must be above 0");
            Require(!recipe.LogThreshold || recipe.ThresholdStart > 0, "threshold_start", "must be above 0 where its logarithm is trained");
        }
        if (recipe.Prefixes is { } prefixes)
            Require(
                shape.Blocks.Count == 1
                    && prefixes.Count > 0
                    && prefixes[0] > 0
                    && prefixes[^1] == shape.Features
                    && prefixes.Zip(prefixes.Skip(1)).All(pair => pair.First < pair.Second),
                "prefixes",
                $"must rise, from above 0 to all {shape.Features} features of a dictionary of one block"
            );
        Require(!recipe.Skip || shape.OutputLayers == shape.Blocks.Count, "skip", "needs one block a layer");
    }

    private static void CheckOptimiser(Recipe recipe)
    {
        Require(recipe.LearningRate > 0 && double.IsFinite(recipe.LearningRate), "learning_rate", "must be above 0");
        Require(recipe.Beta1 is >= 0 and < 1, "beta1", "must be at least 0 and below 1");
        Require(recipe.Beta2 is > 0 and < 1, "beta2", "must be above 0 and below 1");
        Require(recipe.AdamEpsilon > 0, "adam_epsilon", "must be above 0");
        Require(recipe.Lambda >= 0 && double.IsFinite(recipe.Lambda), "lambda", "must be at least 0");
        Require(
            recipe.DecayStart is null == recipe.DecayEnd is null && !(recipe.DecayEnd < recipe.DecayStart),
            "decay_end",
            "needs decay_start before it, and the other way round"
        );
        Require(recipe.ClipNorm >= 0 && double.IsFinite(recipe.ClipNorm), "clip_norm", "must be at least 0");
        Require(recipe.ThresholdRate is > 0 and <= 1, "threshold_rate", "must be above 0 and at most 1");
    }

    private static void Require(bool holds, string argument, string problem)
    {
        if (!holds)
            throw new ArgumentProblemException(problem, argument);
    }
}
