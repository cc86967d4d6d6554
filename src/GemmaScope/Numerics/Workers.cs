namespace GemmaScope.Numerics;

/// <summary>A piece of parallel work: <see cref="Run"/> is called once for each index, from any worker.</summary>
public interface IJob
{
    /// <summary>Does part <paramref name="index"/>.</summary>
    void Run(int index);
}

/// <summary>The process's worker threads.</summary>
public static class Workers
{
    /// <summary>Number of threads that share the work, the caller's included.</summary>
    public static int Count { get; } = Environment.ProcessorCount;

    /// <summary>Runs job.Run(0 … count − 1), each once, over all workers; returns when all are done. Allocates nothing per call.</summary>
    public static void For<TJob>(int count, TJob job) where TJob : struct, IJob => Parallel.For(0, count, i => job.Run(i));
}
