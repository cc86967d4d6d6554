using GemmaScope.Circuits;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>The measurements by which a graph is checked, for all jobs that make or open one.</summary>
internal static class CircuitChecks
{
    /// <summary>Turns features off in all modes, and measures circuits of rising size where that is asked for.</summary>
    /// <returns>The figures, and the effects with nothing frozen.</returns>
    public static (GraphCheck Check, IReadOnlyList<MeasuredEffect> Effects) Measure(
        Microscope microscope,
        CircuitCheckJobOptions options,
        AttributionGraph graph,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var (agreement, effects) = InAllModes(
            Math.Min(options.Strongest + options.Random, graph.FeatureCount),
            progress,
            (mode, report) => EffectCheck.Measure(graph, mode, options.Strongest, options.Random, options.Seed, report, cancellationToken)
        );
        return (new(agreement, options.Curve ? Curves(microscope, options, graph, progress, cancellationToken) : null), effects);
    }

    /// <summary>Agreement in all modes, and the effects of the last, with nothing frozen.</summary>
    public static (IReadOnlyList<CircuitAgreement> Agreement, IReadOnlyList<MeasuredEffect> Effects) InAllModes(
        int features,
        IProgress<JobReport>? progress,
        Func<InterventionMode, IProgress<int>?, IReadOnlyList<MeasuredEffect>> measure
    )
    {
        var (agreement, effects) = (new List<CircuitAgreement>(), (IReadOnlyList<MeasuredEffect>)[]);
        foreach (var mode in Enum.GetValues<InterventionMode>())
        {
            effects = measure(
                mode,
                progress is null
                    ? null
                    : new Reports<int>(progress, done => new JobStage($"turning off ({mode})", done, features, "features"))
            );
            agreement.Add(
                new(
                    mode,
                    EffectAgreement.Of([.. effects.Where(one => one.Strong)]),
                    EffectAgreement.Of([.. effects.Where(one => !one.Strong)])
                )
            );
        }
        return (agreement, effects);
    }

    /// <summary>Effects as they are reported.</summary>
    public static IReadOnlyList<CircuitEffect> Effects(
        IReadOnlyList<MeasuredEffect> effects,
        IReadOnlyList<string> targets,
        ReplacementModel model,
        Tokenizer tokenizer
    ) =>
        [
            .. effects.Select(one => new CircuitEffect(
                one.Feature.Layer,
                one.Feature.Feature,
                one.Feature.Position,
                tokenizer.Display(model.Prompt[one.Feature.Position]),
                one.Strong,
                targets[one.Target],
                one.Predicted,
                one.Measured
            )),
        ];

    /// <summary>Circuits of rising size.</summary>
    public static CircuitFaithfulnessResult Curves(
        Microscope microscope,
        CircuitCheckJobOptions options,
        AttributionGraph graph,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var texts = ReferenceTexts.Read(microscope.Model, options.Reference);
        var means = ReferenceMeans.Of(
            microscope.Model,
            graph.Model.Transcoders,
            texts,
            progress is null ? null : new Reports<int>(progress, done => new JobStage("taking means", done, texts.Count, "texts")),
            cancellationToken
        );
        return CircuitFaithfulness.Measure(
            graph,
            means,
            new() { RandomOrders = options.RandomCircuits, Seed = options.Seed },
            progress is null
                ? null
                : new Reports<FaithfulnessProgress>(progress, one => new JobStage("keeping nodes", one.Runs, one.Total, "runs")),
            cancellationToken
        );
    }

    // Progress<T> would report late, from another thread.
    private sealed class Reports<T>(IProgress<JobReport> progress, Func<T, JobReport> of) : IProgress<T>
    {
        public void Report(T value) => progress.Report(of(value));
    }
}
