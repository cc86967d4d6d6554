namespace GemmaScope.Numerics;

/// <summary>The parts of a product, on all workers or on the calling thread alone.</summary>
internal static class ParallelLoop
{
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
