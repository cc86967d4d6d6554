namespace GemmaScope.Numerics;

/// <summary>A piece of parallel work: <see cref="Run"/> is called once for each index, from any worker.</summary>
public interface IJob
{
    /// <summary>Does part <paramref name="index"/>.</summary>
    void Run(int index);
}

/// <summary>The process's worker threads, one team for all models, so that many models do not start many times as many threads.</summary>
public static class Workers
{
    /// <summary>The environment variable that sets <see cref="Count"/>.</summary>
    public const string ThreadsVariable = "GEMMASCOPE_THREADS";

    private static readonly Lock Starting = new();
    private static WorkerTeam? s_team;
    private static int s_count;

    /// <summary>
    /// Number of threads that share the work, the caller's included: the processors this process may use, or what
    /// the environment variable GEMMASCOPE_THREADS says.
    /// </summary>
    /// <exception cref="ArgumentProblemException">The variable is no number from 1 to 1024.</exception>
    public static int Count => s_count > 0 ? s_count : s_count = ReadCount(Environment.GetEnvironmentVariable(ThreadsVariable));

    /// <summary>
    /// Runs job.Run(0 … count − 1), each once, over all workers; returns when all are done. Allocates nothing per call.
    /// Threads that call it at the same time share the workers. Inside another loop the caller does all of it.
    /// The first exception ends the loop and is thrown here.
    /// </summary>
    public static void For<TJob>(int count, TJob job)
        where TJob : struct, IJob => (s_team ?? Team()).For(count, job);

    internal static int ReadCount(string? setting)
    {
        if (string.IsNullOrWhiteSpace(setting))
            return Environment.ProcessorCount;
        return int.TryParse(setting, out var n) && n is >= 1 and <= 1024
            ? n
            : throw new ArgumentProblemException($"'{setting}' is not a number of threads; give 1 to 1024 or unset it", ThreadsVariable);
    }

    private static WorkerTeam Team()
    {
        lock (Starting)
            return s_team ??= new WorkerTeam(Count);
    }
}
