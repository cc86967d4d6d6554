namespace GemmaScope.Server.Hosting;

/// <summary>Work that takes minutes: it runs on a thread of its own and has the model in turns of the queue, which it gives back between its
/// steps, so that what others ask meanwhile is answered.</summary>
internal sealed class LongWork : IDisposable
{
    private readonly SemaphoreSlim _turn = new(0),
        _given = new(0);
    private readonly CancellationToken _stopped;

    private LongWork(CancellationToken stopped) => _stopped = stopped;

    /// <summary>Does long work.</summary>
    /// <param name="queue">The model's queue.</param>
    /// <param name="source">Who asks; sources take turns.</param>
    /// <param name="work">What is done. It calls <see cref="GiveWay"/> between its steps, on whatever thread, and stops when its token
    /// says so.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="QueueFullException">Too much is waiting.</exception>
    /// <exception cref="TimeOverException">A turn did not come, or a step did not end, in time.</exception>
    public static async Task<T> RunAsync<T>(
        ModelQueue queue,
        string source,
        Func<LongWork, CancellationToken, Task<T>> work,
        CancellationToken cancellationToken
    )
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var one = new LongWork(stopping.Token);
        Task<T>? running = null;
        try
        {
            do await queue.RunAsync(source, Turn, cancellationToken).ConfigureAwait(false);
            while (running is not { IsCompleted: true });
            return await running.ConfigureAwait(false);
        }
        finally
        {
            await stopping.CancelAsync().ConfigureAwait(false);
            if (running is not null)
                await Task.WhenAny(running).ConfigureAwait(false);
        }

        bool Turn(CancellationToken turn)
        {
            // Whoever went away, or whose time is over, is told by the queue; the work has to hear of it too.
            using var over = turn.Register(stopping.Cancel);
            if (running is null)
                running = Task.Run(() => work(one, stopping.Token), CancellationToken.None);
            else
                one._turn.Release();
            // The model is the work's until it gives way or ends.
            Task.WaitAny([running, one._given.WaitAsync(CancellationToken.None)], CancellationToken.None);
            return true;
        }
    }

    /// <summary>Frees what turns are told by; the work has ended.</summary>
    public void Dispose()
    {
        _turn.Dispose();
        _given.Dispose();
    }

    /// <summary>Lets others have the model; returns with the next turn.</summary>
    /// <exception cref="OperationCanceledException">The work is stopped.</exception>
    public void GiveWay()
    {
        _given.Release();
        _turn.Wait(_stopped);
    }
}
