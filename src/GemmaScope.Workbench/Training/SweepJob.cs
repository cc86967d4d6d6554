using GemmaScope.Activations;
using GemmaScope.Models;
using GemmaScope.Training;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="SweepJob"/> does.</summary>
public sealed record SweepJobOptions
{
    /// <summary>What all dictionaries share, and what is varied.</summary>
    public required SweepConfiguration Configuration { get; init; }

    /// <summary>Whether what is there already is trained anew.</summary>
    public bool Restart { get; init; }

    /// <summary>How the model is loaded; null for the defaults.</summary>
    public ModelLoadOptions? Load { get; init; }
}

/// <summary>
/// Trains a suite of dictionaries, as many together on one reading of the data as memory holds. What is finished is passed over when the
/// job is run again, and a group that was interrupted goes on from its checkpoint.
/// </summary>
public static class SweepJob
{
    /// <summary>The dictionaries a suite stands for.</summary>
    /// <exception cref="GemmaScopeException">A site is unknown, no layer is named or found, or a configuration contradicts
    /// itself.</exception>
    public static IReadOnlyList<SweepItem> Items(SweepConfiguration configuration) =>
        SweepPlan.Items(configuration, configuration.Base.Data.Store is { } store ? ActivationStore.Open(store).Sites : null);

    /// <summary>Trains what is not finished and writes the suite's tables, pages and catalogue.</summary>
    /// <param name="options">The suite.</param>
    /// <param name="progress">Told how far it is: a <see cref="TrainingReport"/> after each step.</param>
    /// <param name="cancellationToken">Stops between two steps, and keeps what was learned.</param>
    /// <exception cref="GemmaScopeException">The suite contradicts itself, data or model cannot be read, or nothing can be
    /// trained.</exception>
    public static async Task<SweepResult> RunAsync(
        SweepJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options.Configuration.Check();
        var items = Items(options.Configuration);
        using var microscope = await TrainingModel
            .OpenAsync(options.Configuration.Base, options.Load, progress, cancellationToken)
            .ConfigureAwait(false);
        var suite = new Suite(options, items, microscope?.Model, progress);
        return await Task.Run(() => suite.Train(cancellationToken), cancellationToken).ConfigureAwait(false);
    }
}
