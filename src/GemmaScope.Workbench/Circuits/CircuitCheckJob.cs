using GemmaScope.Circuits;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="CircuitCheckJob"/> does.</summary>
public sealed record CircuitCheckJobOptions
{
    /// <summary>The graph that is checked.</summary>
    public required CircuitJobOptions Circuit { get; init; }

    /// <summary>Features with the most influence that are turned off one by one, from 0.</summary>
    public int Strongest { get; init; } = 10;

    /// <summary>Random others that fire, as control; from 0.</summary>
    public int Random { get; init; } = 10;

    /// <summary>Seed of their choice.</summary>
    public int Seed { get; init; }

    /// <summary>Finds out what is wrong before a model is loaded.</summary>
    /// <exception cref="ArgumentProblemException">A number is out of range.</exception>
    public void Check()
    {
        Circuit.Check();
        if (Strongest < 0)
            throw new ArgumentProblemException($"is {Strongest}; it must be 0 or more", new Setting(nameof(Strongest)));
        if (Random < 0 || Strongest + Random == 0)
            throw new ArgumentProblemException($"is {Random}; at least one feature must be turned off", new Setting(nameof(Random)));
    }
}

/// <summary>How well predictions and measurements agree in one mode.</summary>
/// <param name="Mode">What stays as it was while a feature is off.</param>
/// <param name="Strongest">Over the strongest features; each with each target.</param>
/// <param name="Random">Over the random ones.</param>
public sealed record CircuitAgreement(InterventionMode Mode, EffectAgreement Strongest, EffectAgreement Random);

/// <summary>One feature turned off, with nothing frozen.</summary>
/// <param name="Layer">Its layer.</param>
/// <param name="Feature">Its index.</param>
/// <param name="Position">Where it was turned off.</param>
/// <param name="Token">The token there.</param>
/// <param name="Strong">Whether it is one of the strongest, or of the control.</param>
/// <param name="Target">The target.</param>
/// <param name="Predicted">The change that its edge predicts.</param>
/// <param name="Measured">The change of the model.</param>
public sealed record CircuitEffect(
    int Layer,
    int Feature,
    int Position,
    string Token,
    bool Strong,
    string Target,
    double Predicted,
    double Measured
);

/// <summary>What <see cref="CircuitCheckJob"/> found.</summary>
/// <param name="Model">The model.</param>
/// <param name="Targets">Names of the targets.</param>
/// <param name="ReplacementScore">Share of the targets' weight that comes from tokens and not from errors.</param>
/// <param name="CompletenessScore">Share of the contributions to nodes that no error makes.</param>
/// <param name="IdentityHolds">Whether the graph is complete.</param>
/// <param name="Agreement">For each mode.</param>
/// <param name="Effects">Every feature and target, with nothing frozen.</param>
public sealed record CircuitCheckResult(
    string Model,
    IReadOnlyList<string> Targets,
    double ReplacementScore,
    double CompletenessScore,
    bool IdentityHolds,
    IReadOnlyList<CircuitAgreement> Agreement,
    IReadOnlyList<CircuitEffect> Effects
);

/// <summary>Proves a graph by intervention: turns features off and compares what happens with what their edges predict.</summary>
public static class CircuitCheckJob
{
    /// <summary>Computes the graph and measures, in all three modes.</summary>
    /// <param name="microscope">The model.</param>
    /// <param name="options">The graph, and how many features are turned off.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Stops between layers.</param>
    /// <exception cref="GemmaScopeException">As of <see cref="CircuitJob.RunAsync"/>.</exception>
    public static async Task<CircuitCheckResult> RunAsync(
        Microscope microscope,
        CircuitCheckJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options.Check();
        using var opened = await OpenedCircuit.OpenAsync(microscope, options.Circuit, progress, cancellationToken).ConfigureAwait(false);
        return await Task.Run(() => Measure(microscope, options, opened, progress, cancellationToken), CancellationToken.None)
            .ConfigureAwait(false);
    }

    private static CircuitCheckResult Measure(
        Microscope microscope,
        CircuitCheckJobOptions options,
        OpenedCircuit opened,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var (graph, agreement, effects) = (opened.Graph, new List<CircuitAgreement>(), (IReadOnlyList<MeasuredEffect>)[]);
        if (graph.FeatureCount == 0)
            throw new ArgumentProblemException("no feature fires in this text, so that none can be turned off", "text");
        foreach (var mode in Enum.GetValues<InterventionMode>())
        {
            effects = EffectCheck.Measure(
                graph,
                mode,
                options.Strongest,
                options.Random,
                options.Seed,
                progress is null
                    ? null
                    : new FeatureReports(progress, mode, Math.Min(options.Strongest + options.Random, graph.FeatureCount)),
                cancellationToken
            );
            agreement.Add(
                new(
                    mode,
                    EffectAgreement.Of([.. effects.Where(one => one.Strong)]),
                    EffectAgreement.Of([.. effects.Where(one => !one.Strong)])
                )
            );
        }
        var tokenizer = microscope.Model.Tokenizer;
        return new(
            microscope.ModelName,
            [.. graph.Targets.Select(target => target.Name)],
            graph.ReplacementScore,
            graph.CompletenessScore,
            graph.IsComplete,
            agreement,
            [
                .. effects.Select(one => new CircuitEffect(
                    one.Feature.Layer,
                    one.Feature.Feature,
                    one.Feature.Position,
                    tokenizer.Display(opened.Model.Prompt[one.Feature.Position]),
                    one.Strong,
                    graph.Targets[one.Target].Name,
                    one.Predicted,
                    one.Measured
                )),
            ]
        );
    }

    private sealed class FeatureReports(IProgress<JobReport> progress, InterventionMode mode, int total) : IProgress<int>
    {
        public void Report(int value) => progress.Report(new JobStage($"turning off ({mode})", value, total, "features"));
    }
}
