using GemmaScope.Activations;
using GemmaScope.Models;
using GemmaScope.Text;
using GemmaScope.Training;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="TrainJob"/> does.</summary>
public sealed record TrainJobOptions
{
    /// <summary>What is trained, on what, how, and where the result goes.</summary>
    public required TrainingConfiguration Configuration { get; init; }

    /// <summary>Whether it begins anew where a run in the output folder could be taken up.</summary>
    public bool Restart { get; init; }

    /// <summary>How the model is loaded; null for the defaults.</summary>
    public ModelLoadOptions? Load { get; init; }
}

/// <summary>
/// Trains a dictionary, measures it and writes it with scores, model card and a page of curves. Interrupted, the same job goes on and ends
/// with the same files.
/// </summary>
public static class TrainJob
{
    /// <summary>Trains; where an L0 is searched for, short runs find the λ first.</summary>
    /// <param name="options">What.</param>
    /// <param name="progress">Told how far it is: a <see cref="TrainingReport"/> after each step.</param>
    /// <param name="cancellationToken">Stops between two steps, and keeps what was learned.</param>
    /// <exception cref="GemmaScopeException">The configuration contradicts itself, data or model cannot be read, a run in the folder is of
    /// another configuration, or the training fails.</exception>
    public static async Task<TrainResult> RunAsync(
        TrainJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        var configuration = options.Configuration;
        configuration.Check();
        using var microscope = await TrainingModel
            .OpenAsync(configuration, options.Load, progress, cancellationToken)
            .ConfigureAwait(false);
        var model = microscope?.Model;
        return await Task.Run(
                () =>
                {
                    progress.Stage("opening the data");
                    var skipped = new SkippedRows();
                    using var source = TrainingData.Open(configuration.Data, configuration.AllSites, model, skipped, cancellationToken);
                    if (configuration.Search is { L0: not null, Lambda: null })
                        configuration = Search(options, source, progress, cancellationToken);
                    using var run = TrainingRun.Open([configuration], source, configuration.Output, options.Restart);
                    WatchedRun.ToEnd(run, configuration.Output, progress, cancellationToken);
                    progress.NoteOn(skipped);
                    var trained = TrainedFolder.Write(
                        run.Members,
                        configuration.Output,
                        source,
                        model,
                        skipped.Count,
                        progress,
                        cancellationToken
                    )[0];
                    Compare(trained, progress);
                    return trained;
                },
                cancellationToken
            )
            .ConfigureAwait(false);
    }

    private static TrainingConfiguration Search(
        TrainJobOptions options,
        IActivationSource source,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var (configuration, search) = (options.Configuration, options.Configuration.Search);
        var found = LambdaSearch.Find(
            configuration,
            source,
            run => WatchedRun.ToEnd(run, run.Members[0].Configuration.Output, progress, cancellationToken),
            new Tried(progress),
            options.Restart
        );
        progress.Note(
            Math.Abs(found.L0 / search.L0!.Value - 1) <= search.Tolerance
                ? $"search: training with lambda {found.Lambda:g4}"
                : $"search: no lambda within {search.Tolerance:0%} of L0 {search.L0} in {search.Runs} runs (search.runs); "
                    + $"training with the nearest, {found.Lambda:g4}"
        );
        source.Seek(0);
        return configuration with { Search = search with { Lambda = found.Lambda } };
    }

    /// <summary>Says when a search led to another L0 than the one wanted.</summary>
    private static void Compare(TrainResult trained, IProgress<JobReport>? progress)
    {
        if (
            trained.Configuration.Search is { L0: { } wanted } search
            && trained.Scores.L0 is { } l0
            && Math.Abs(l0 / wanted - 1) > search.Tolerance
        )
            progress.Note(
                $"search: the training came to L0 {l0:0.0}, not {wanted}: its short runs had learned too little to tell; "
                    + "take more search.steps"
            );
        if (MissedTarget(trained.Configuration, trained.Scores.L0) is { } missed)
            progress.Note(missed);
    }

    /// <summary>An L0 that is another than the penalty aimed at by more than this share.</summary>
    private const double Missed = 0.25;

    /// <summary>What to say of a target that was missed, with the likely cause; null where there was none, or it was met.</summary>
    internal static string? MissedTarget(TrainingConfiguration configuration, double? l0)
    {
        var recipe = configuration.Recipe;
        if (
            recipe.Sparsity is not (SparsityTerm.L0Target or SparsityTerm.L0TargetPerToken or SparsityTerm.L0TargetRelative)
            || l0 is not { } found
            || Math.Abs(found / recipe.L0Target - 1) <= Missed
        )
            return null;
        var cause =
            configuration.TotalSteps < recipe.LambdaWarmupSteps
                ? $"its {configuration.TotalSteps} steps end while the penalty is still rising (recipe.lambda_warmup_steps is "
                    + $"{recipe.LambdaWarmupSteps}): take more steps, or a shorter rise"
                : "take more steps, or another recipe.lambda";
        return FormattableString.Invariant($"the training came to L0 {found:0.0}, not {recipe.L0Target}: {cause}");
    }

    private sealed class Tried(IProgress<JobReport>? progress) : IProgress<SearchedLambda>
    {
        public void Report(SearchedLambda value) => progress.Note($"search: lambda {value.Lambda:g4} gives L0 {value.L0:0.0}");
    }
}
