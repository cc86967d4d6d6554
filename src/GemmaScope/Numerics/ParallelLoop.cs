namespace GemmaScope.Numerics;

/// <summary>The parts of a product, on all workers or on the calling thread alone.</summary>
internal static class ParallelLoop
{
    /// <summary>Bytes of weights that a worker takes at a time: enough that what is fetched ahead of its end matters little.</summary>
    private const int BytesPerPart = 1 << 18;

    /// <summary>Parts for each worker where the weights are few, so that one that is held up does not keep the others waiting long.</summary>
    private const int PartsPerWorker = 8;

    /// <summary>Stored rows of a part of a product of one or a few rows; a multiple of four.</summary>
    public static int RowsPerPart(int rows, long rowBytes)
    {
        var bytes = Math.Min(BytesPerPart, rows * rowBytes / (PartsPerWorker * Workers.Count));
        return Math.Max(4, (int)Math.Min(rows, bytes / Math.Max(1, rowBytes)) & ~3);
    }

    public static void Run<TJob>(int count, TJob job, bool here)
        where TJob : struct, IJob
    {
        if (here)
            for (var i = 0; i < count; i++)
                job.Run(i);
        else
            Workers.For(count, job);
    }
}
