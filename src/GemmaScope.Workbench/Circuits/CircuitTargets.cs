using GemmaScope.Circuits;
using GemmaScope.Safety;

namespace GemmaScope.Workbench;

/// <summary>The targets of a graph, as <see cref="CircuitJobOptions"/> name them.</summary>
internal static class CircuitTargets
{
    /// <summary>Where they are named.</summary>
    public static readonly Setting Setting = new(nameof(CircuitJobOptions.Targets));

    private static readonly Setting Weights = new(nameof(CircuitJobOptions.Weights));

    /// <summary>Finds out what is wrong before a model is loaded.</summary>
    /// <exception cref="ArgumentProblemException">A target cannot be read, or weights do not belong to targets.</exception>
    public static void Check(CircuitJobOptions options)
    {
        foreach (var target in options.Targets)
            CircuitTargetReader.Check(target, Setting);
        if (options.Targets.Distinct().Count() < options.Targets.Count)
            throw new ArgumentProblemException("one target is named twice", Setting);
        _ = Policy(options);
        if (options.Weights.Count == 0)
            return;
        if (options.Weights.Count != options.Targets.Count)
            throw new ArgumentProblemException(
                $"{options.Weights.Count} weights are given for {options.Targets.Count} targets; give one for each, in their order, or none",
                Weights
            );
        foreach (var weight in options.Weights)
            if (!(weight >= 0 && double.IsFinite(weight)))
                throw new ArgumentProblemException($"is {weight}; it must be 0 or more", Weights);
        if (options.Weights.Sum() == 0)
            throw new ArgumentProblemException("are all 0, so that nothing is explained", Weights);
    }

    /// <summary>The policy whose verdict is explained, so that the prompt asks about it; null for none.</summary>
    public static ShieldPolicy? Policy(CircuitJobOptions options)
    {
        ShieldPolicy[] policies = [.. options.Targets.Select(CircuitTargetReader.Policy).OfType<ShieldPolicy>().Distinct()];
        return policies.Length <= 1
            ? policies.FirstOrDefault()
            : throw new ArgumentProblemException("are of several policies, and each is asked about in a prompt of its own", Setting);
    }

    /// <summary>The targets of a prompt.</summary>
    public static IReadOnlyList<CircuitTarget> Of(
        Microscope microscope,
        CircuitJobOptions options,
        ReplacementModel model,
        IProgress<JobReport>? progress
    )
    {
        var reader = new CircuitTargetReader(microscope, Setting, progress);
        if (options.Targets.Count == 0)
            return
            [
                .. CircuitTarget
                    .TopLogits(model, options.Logits, options.Mass)
                    .Select(one => one with { Name = reader.NameOf(one.Token!.Value) }),
            ];
        CircuitTarget[] targets =
        [
            .. options.Targets.Select((text, i) => reader.Read(text, model) with { Weight = options.Weights.ElementAtOrDefault(i, 1) }),
        ];
        if (targets.Select(one => (one.Kind, one.Name)).Distinct().Count() < targets.Length)
            throw new ArgumentProblemException("one target is named twice", Setting);
        return targets;
    }

    private static double ElementAtOrDefault(this IReadOnlyList<double> weights, int i, double standard) =>
        i < weights.Count ? weights[i] : standard;
}
