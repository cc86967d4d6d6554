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
                    using var run = WatchedRun.Open(
                        [configuration],
                        source,
                        configuration.Output,
                        options.Restart,
                        model,
                        cancellationToken
                    );
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
                    if (trained.MissedTarget is { } missed)
                        progress.Note($"{missed}");
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

    private sealed class Tried(IProgress<JobReport>? progress) : IProgress<SearchedLambda>
    {
        public void Report(SearchedLambda value) => progress.Note($"search: lambda {value.Lambda:g4} gives L0 {value.L0:0.0}");
    }
}
