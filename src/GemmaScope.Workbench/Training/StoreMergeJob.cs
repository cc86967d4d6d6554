using GemmaScope.Activations;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="StoreMergeJob"/> does.</summary>
public sealed record StoreMergeJobOptions
{
    /// <summary>One store to tidy up, or several to join.</summary>
    public required IReadOnlyList<string> Stores { get; init; }

    /// <summary>The folder of the new store, where several are joined.</summary>
    public string? Target { get; init; }
}

/// <summary>Puts the manifests of a store's parts into one, or copies several stores into a new one.</summary>
public static class StoreMergeJob
{
    /// <summary>Makes one store of parts or of stores.</summary>
    /// <param name="options">Which.</param>
    /// <param name="progress">Told the bytes copied so far.</param>
    /// <param name="cancellationToken">Stops; a copy is begun anew the next time.</param>
    /// <exception cref="GemmaScopeException">They do not belong together, hold the same rows, one is not complete or damaged, or there is
    /// no room.</exception>
    public static Task<StoreSummary> RunAsync(
        StoreMergeJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        var target = new Setting(nameof(options.Target));
        return (options.Stores, options.Target) switch
        {
            ([var one], null) => Task.Run(() => new StoreSummary(StoreMerge.Parts(one)), cancellationToken),
            ([_], _) => throw new ArgumentProblemException("belongs to several stores; one alone is tidied up where it is", target),
            (_, null) => throw new ArgumentProblemException("name the folder of the new store", target),
            (var stores, var folder) => Task.Run(
                () =>
                    new StoreSummary(
                        StoreMerge.Stores(stores, folder, progress.Counting("copying", "bytes", total: null), cancellationToken)
                    ),
                cancellationToken
            ),
        };
    }
}
