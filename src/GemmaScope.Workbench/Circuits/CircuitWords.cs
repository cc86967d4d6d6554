using GemmaScope.Circuits;

namespace GemmaScope.Workbench;

/// <summary>How what is measured of circuits is called, in a terminal and on a page.</summary>
public static class CircuitWords
{
    /// <summary>What stays as it was: "attention, norms, MLPs", "attention", "nothing".</summary>
    public static string Of(InterventionMode mode) =>
        mode switch
        {
            InterventionMode.Constrained => "attention, norms, MLPs",
            InterventionMode.AttentionFrozen => "attention",
            _ => "nothing",
        };

    /// <summary>What a curve keeps: "features", "as many neurons".</summary>
    public static string Of(FaithfulnessKind kind) =>
        kind switch
        {
            FaithfulnessKind.Features => "features",
            FaithfulnessKind.FeaturesByGradient => "features by gradient",
            FaithfulnessKind.RandomFeatures => "random features",
            FaithfulnessKind.FeaturesWithoutErrors => "features, no errors",
            FaithfulnessKind.Neurons => "neurons",
            _ => "as many neurons",
        };
}
