using GemmaScope.Activations;
using GemmaScope.Models;
using GemmaScope.Training;

namespace GemmaScope.Workbench;

/// <summary>How one dictionary of a run does.</summary>
/// <param name="Configuration">What it is.</param>
/// <param name="Last">What its last step found; null before the first.</param>
/// <param name="Failure">Why it is no longer trained, or null.</param>
public sealed record TrainingMemberReport(TrainingConfiguration Configuration, StepReport? Last, string? Failure);

/// <summary>How far a run is, said after each of its steps. Between two runs of a job it says something else.</summary>
/// <param name="Progress">Steps and speed.</param>
/// <param name="Members">The dictionaries that are trained together.</param>
public sealed record TrainingReport(TrainingProgress Progress, IReadOnlyList<TrainingMemberReport> Members) : JobReport;

/// <summary>Runs a training and says how it goes.</summary>
internal static class WatchedRun
{
    /// <summary>Opens a run, with rows that it does not read where it shall be measured on them.</summary>
    /// <inheritdoc cref="TrainingRun.Open"/>
    public static TrainingRun Open(
        IReadOnlyList<TrainingConfiguration> configurations,
        IActivationSource source,
        string folder,
        bool restart,
        GemmaModel? model,
        CancellationToken cancellationToken
    )
    {
        var sites = configurations.SelectMany(one => one.AllSites);
        using var heldOut = configurations[0].Evaluation.EverySteps is null
            ? null
            : TrainingData.OpenHeldOut(configurations[0], sites, model, cancellationToken);
        return TrainingRun.Open(configurations, source, folder, restart, heldOut);
    }

    /// <summary>Trains to the end.</summary>
    /// <param name="run">The run.</param>
    /// <param name="place">Where an interrupted run is kept.</param>
    /// <param name="progress">Told after each step.</param>
    /// <param name="cancellationToken">Stops between two steps.</param>
    public static void ToEnd(TrainingRun run, string place, IProgress<JobReport>? progress, CancellationToken cancellationToken)
    {
        if (run.IsResumed)
            progress.Note(
                $"going on from step {run.Step:#,0} of {run.TotalSteps:#,0}",
                new Remedy($"{new Setting(nameof(TrainJobOptions.Restart))} begins anew")
            );
        progress.Stage("training");
        try
        {
            run.Run(progress is null ? null : new Steps(run, progress), cancellationToken);
        }
        catch (OperationCanceledException)
        {
            progress.Note($"step {run.Step:#,0} of {run.TotalSteps:#,0} is kept in {place}; the same training goes on from there");
            throw;
        }
    }

    private sealed class Steps(TrainingRun run, IProgress<JobReport> progress) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) =>
            progress.Report(
                new TrainingReport(
                    value,
                    [.. run.Members.Select(member => new TrainingMemberReport(member.Configuration, member.Last, member.Failure))]
                )
            );
    }
}
