using System.Text.Json.Serialization;
using GemmaScope.Activations;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="StoreVerifyJob"/> does.</summary>
public sealed record StoreVerifyJobOptions
{
    /// <summary>The store's folder.</summary>
    public required string Store { get; init; }
}

/// <summary>Whether a store is what its manifest says.</summary>
/// <param name="Rows">Rows of each site.</param>
/// <param name="IsComplete">Whether all parts are there and complete.</param>
/// <param name="Problems">What is wrong; none if all is well.</param>
public sealed record StoreVerification(
    long Rows,
    [property: JsonPropertyName("complete")] bool IsComplete,
    IReadOnlyList<StoreProblem> Problems
)
{
    /// <summary>Number of sites.</summary>
    [JsonIgnore]
    public int Sites { get; init; }
}

/// <summary>Reads a store whole: checksums, shapes and counts, and that no token is there twice.</summary>
public static class StoreVerifyJob
{
    /// <summary>Compares a store with its manifest.</summary>
    /// <param name="options">Which.</param>
    /// <param name="progress">Told the bytes read so far.</param>
    /// <param name="cancellationToken">Stops between files.</param>
    /// <exception cref="GemmaScope.FileFormatException">There is no store.</exception>
    public static Task<StoreVerification> RunAsync(
        StoreVerifyJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    ) =>
        Task.Run(
            () =>
            {
                var store = ActivationStore.Open(options.Store);
                var bytes = progress.Counting("verifying", "bytes", new StoreSummary(store).Bytes);
                return new StoreVerification(store.Rows, store.IsComplete, [.. StoreVerifier.Verify(store, bytes, cancellationToken)])
                {
                    Sites = store.Sites.Count,
                };
            },
            cancellationToken
        );
}
