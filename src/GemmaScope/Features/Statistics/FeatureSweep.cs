using GemmaScope.Numerics;

namespace GemmaScope.Features.Statistics;

/// <summary>What one worker gathers about a run of features while it reads the corpus.</summary>
internal interface ISweepPart
{
    /// <summary>Reads one sequence.</summary>
    /// <param name="segment">The segment it lies in.</param>
    /// <param name="local">Its index there.</param>
    /// <param name="sequence">Its index in the corpus.</param>
    void Read(ActivationSegment segment, int local, int sequence);
}

/// <summary>
/// Reads a corpus from its first sequence to its last. The features are divided among the workers, and every worker reads every
/// sequence: so all sums are made in the order of the corpus, whatever the number of threads.
/// </summary>
internal static class FeatureSweep
{
    private const int PartsPerWorker = 2;

    /// <summary>Divides the features [first, end) and lets each part read everything.</summary>
    public static TPart[] Run<TPart>(
        ActivationSegments store,
        int first,
        int end,
        Func<int, int, TPart> make,
        IProgress<double>? progress,
        CancellationToken cancellationToken
    )
        where TPart : ISweepPart
    {
        var count = Math.Clamp(end - first, 1, Workers.Count * PartsPerWorker);
        var parts = new TPart[count];
        for (var p = 0; p < count; p++)
            parts[p] = make(Bound(p), Bound(p + 1));
        for (var i = 0; i < store.Segments.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Workers.For(count, new Job<TPart>(parts, store.Segments[i], store.FirstSequence(i)));
            progress?.Report((i + 1.0) / store.Segments.Count);
        }
        return parts;

        int Bound(int part) => first + (int)((long)(end - first) * part / count);
    }

    private readonly struct Job<TPart>(TPart[] parts, ActivationSegment segment, int firstSequence) : IJob
        where TPart : ISweepPart
    {
        public void Run(int index)
        {
            for (var s = 0; s < segment.Sequences; s++)
                parts[index].Read(segment, s, firstSequence + s);
        }
    }
}
