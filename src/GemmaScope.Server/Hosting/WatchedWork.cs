using System.Runtime.CompilerServices;
using System.Threading.Channels;
using GemmaScope.Workbench;

namespace GemmaScope.Server.Hosting;

/// <summary>A job on the model whose reports come as they are made, in turns with what others ask of the model. Whoever stops reading stops
/// it.</summary>
internal static class WatchedWork
{
    /// <summary>Runs a job.</summary>
    /// <param name="queue">The model's queue.</param>
    /// <param name="source">Who asks.</param>
    /// <param name="job">The job.</param>
    /// <param name="told">What is said of a report.</param>
    /// <param name="done">What is said of the result.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static async IAsyncEnumerable<TReport> RunAsync<TResult, TReport>(
        ModelQueue queue,
        string source,
        Func<IProgress<JobReport>, CancellationToken, Task<TResult>> job,
        Func<JobReport, TReport> told,
        Func<TResult, TReport> done,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        using var stopped = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var arriving = Channel.CreateUnbounded<TReport>();
        var running = RunAsync();
        try
        {
            await foreach (var report in arriving.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
                yield return report;
            yield return done(await running.ConfigureAwait(false));
        }
        finally
        {
            await stopped.CancelAsync().ConfigureAwait(false);
            await Task.WhenAny(running).ConfigureAwait(false);
        }

        async Task<TResult> RunAsync()
        {
            try
            {
                return await LongWork
                    .RunAsync(
                        queue,
                        source,
                        (turns, token) => job(new Reports(report => arriving.Writer.TryWrite(told(report)), turns), token),
                        stopped.Token
                    )
                    .ConfigureAwait(false);
            }
            finally
            {
                // What went wrong is said by the task itself.
                arriving.Writer.Complete();
            }
        }
    }

    // Progress<T> would report late, from another thread.
    private sealed class Reports(Action<JobReport> tell, LongWork turns) : IProgress<JobReport>
    {
        public void Report(JobReport value)
        {
            tell(value);
            // Between two steps.
            if (value is JobStage)
                turns.GiveWay();
        }
    }
}
