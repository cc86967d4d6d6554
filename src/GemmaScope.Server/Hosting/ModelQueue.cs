using System.Diagnostics;

namespace GemmaScope.Server.Hosting;

/// <summary>
/// The one way to the model: everything that runs it waits here and is done one after another on one thread, for the model uses all cores
/// by itself. Fair: sources take turns, so that one with many requests does not keep the others waiting. Bounded: beyond
/// its length work is refused, that of the source with most of it first. Work whose client went away or whose time is over is not begun, and is stopped where it runs.
/// </summary>
public sealed class ModelQueue : IDisposable
{
    private const double MostSecondsToRetry = 60,
        Smoothing = 0.1;

    // How long the first of those who asked together waits for the others, and at most which part of what a piece of work takes.
    private const double MostSecondsForCompany = 0.002,
        MostOfWorkForCompany = 0.05;

    private readonly int _most;
    private readonly TimeSpan _limit;
    private readonly ServerMetrics? _metrics;
    private readonly Action? _before;
    private readonly TimeSpan? _company;
    private readonly Thread _thread;
    private readonly object _lock = new();

    // Sources in the order of their turns; each has work waiting.
    private readonly LinkedList<Lane> _lanes = new();
    private readonly CancellationTokenSource _stopping = new();
    private int _waiting;
    private double _secondsEach = 0.1;

    // Whether the last run was for several, or others waited for its end: those who were answered may well ask again.
    private bool _crowded;

    /// <summary>Starts the thread.</summary>
    /// <param name="most">Pieces of work that may wait.</param>
    /// <param name="limit">How long a piece may wait and run together.</param>
    public ModelQueue(int most, TimeSpan limit)
        : this(most, limit, null) { }

    /// <param name="most">Pieces of work that may wait.</param>
    /// <param name="limit">How long a piece may wait and run together.</param>
    /// <param name="metrics">Told what happens; may be null.</param>
    /// <param name="before">Asked before each run; what it throws is told to those who wait for it.</param>
    /// <param name="company">How long work that others may join waits for them where several ask; null for what their work is worth.</param>
    internal ModelQueue(int most, TimeSpan limit, ServerMetrics? metrics, Action? before = null, TimeSpan? company = null)
    {
        (_most, _limit, _metrics, _before, _company) = (most, limit, metrics, before, company);
        metrics?.Observe("gemmascope.queue.length", "Pieces of work that wait for the model", () => Length);
        _thread = new Thread(Work) { Name = "model", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Pieces of work that wait; what runs is not among them.</summary>
    public int Length
    {
        get
        {
            lock (_lock)
                return _waiting;
        }
    }

    /// <summary>Does work on the model's thread when its turn comes.</summary>
    /// <param name="source">Who asks; sources take turns.</param>
    /// <param name="work">What is done; its token is cancelled when the client goes away or the time is over.</param>
    /// <param name="cancellationToken">Cancelled when nobody waits for the result any more.</param>
    /// <exception cref="QueueFullException">Too much is waiting.</exception>
    /// <exception cref="TimeOverException">It was not done in time.</exception>
    /// <exception cref="OperationCanceledException">The client went away, or the server stopped.</exception>
    internal Task<T> RunAsync<T>(string source, Func<CancellationToken, T> work, CancellationToken cancellationToken) =>
        RunAsync(
            source,
            new ModelBatch<Func<CancellationToken, T>, T>((items, turn) => [items[0](turn)], _ => 1, most: 1),
            work,
            cancellationToken
        );

    /// <summary>The same for an item that is done together with others of its batch that wait.</summary>
    /// <param name="source">Who asks; sources take turns.</param>
    /// <param name="batch">How items are done together.</param>
    /// <param name="item">The item.</param>
    /// <param name="cancellationToken">Cancelled when nobody waits for the result any more.</param>
    internal async Task<TResult> RunAsync<TItem, TResult>(
        string source,
        ModelBatch<TItem, TResult> batch,
        TItem item,
        CancellationToken cancellationToken
    )
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_limit);
        var piece = new ModelBatch<TItem, TResult>.Piece(batch, item, limit.Token);
        var lane = Enqueue(source, piece);
        // Whoever waits is answered at once, also from far back in the queue.
        var gone = limit.Token.Register(() =>
        {
            Remove(lane, piece);
            piece.Cancel();
        });
        try
        {
            await using (gone.ConfigureAwait(false))
                return await piece.Result.ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new TimeOverException(_limit);
        }
    }

    /// <summary>Takes no more work, and cancels what waits and what runs.</summary>
    public void Dispose()
    {
        ModelPiece[] left;
        lock (_lock)
        {
            if (_stopping.IsCancellationRequested)
                return;
            _stopping.Cancel();
            left = [.. _lanes.SelectMany(lane => lane.Pieces)];
            _lanes.Clear();
            _waiting = 0;
            Monitor.PulseAll(_lock);
        }
        foreach (var piece in left)
            piece.Cancel();
        _thread.Join();
        _stopping.Dispose();
    }

    private Lane Enqueue(string source, ModelPiece piece)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_stopping.IsCancellationRequested, this);
            var lane = _lanes.FirstOrDefault(lane => lane.Source == source);
            if (_waiting >= _most)
            {
                _metrics?.Refused();
                var full = new QueueFullException(
                    _waiting,
                    TimeSpan.FromSeconds(Math.Clamp(Math.Ceiling(_waiting * _secondsEach), 1, MostSecondsToRetry))
                );
                // The room is shared as the turns are: whoever has more of it than the newcomer would gives way with what came last.
                var longest = _lanes.MaxBy(other => other.Pieces.Count)!;
                if (longest.Pieces.Count <= (lane?.Pieces.Count ?? 0) + 1)
                    throw full;
                var last = longest.Pieces.Last!.Value;
                longest.Pieces.RemoveLast();
                _waiting--;
                last.Fail(full);
            }
            lane ??= _lanes.AddLast(new Lane(source, [])).Value;
            lane.Pieces.AddLast(piece);
            _waiting++;
            Monitor.Pulse(_lock);
            return lane;
        }
    }

    private void Remove(Lane lane, ModelPiece piece)
    {
        lock (_lock)
        {
            if (!lane.Pieces.Remove(piece))
                return;
            _waiting--;
            if (lane.Pieces.Count == 0)
                _lanes.Remove(lane);
        }
    }

    private void Work()
    {
        while (Next() is { } together)
        {
            var begun = Stopwatch.GetTimestamp();
            foreach (var piece in together)
                _metrics?.Waited(Stopwatch.GetElapsedTime(piece.Arrived, begun));
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
            using (WhenAllAreGone(together, ending))
                together[0].Run(together, _before, ending.Token);
            var elapsed = Stopwatch.GetElapsedTime(begun);
            _metrics?.Ran(together.Count, elapsed);
            lock (_lock)
            {
                _secondsEach += Smoothing * (elapsed.TotalSeconds / together.Count - _secondsEach);
                _crowded = together.Count > 1 || _waiting > 0;
            }
        }
    }

    /// <summary>The next piece in turn, and those that go with it; waits for it, and is null at the end.</summary>
    private List<ModelPiece>? Next()
    {
        lock (_lock)
        {
            while (_lanes.Count == 0)
            {
                if (_stopping.IsCancellationRequested)
                    return null;
                Monitor.Wait(_lock);
            }
            List<ModelPiece> together = [];
            Gather(together);
            if (_crowded && _lanes.Count == 0 && together is [var alone] && alone.Cost < alone.MostTogether)
            {
                WaitForCompany();
                Gather(together);
            }
            return together;
        }
    }

    /// <summary>Takes what can be done together, in turn.</summary>
    private void Gather(List<ModelPiece> together)
    {
        for (var cost = together.Sum(piece => piece.Cost); Fitting(together, cost) is { } lane; cost += together[^1].Cost)
        {
            together.Add(lane.Pieces.First!.Value);
            lane.Pieces.RemoveFirst();
            _waiting--;
            // Its next turn comes after everyone else's.
            _lanes.Remove(lane);
            if (lane.Pieces.Count > 0)
                _lanes.AddLast(lane);
        }
    }

    /// <summary>Waits a moment for whoever asks at the same time: two who are answered together ask again together, but the first of them
    /// would begin alone, and the other wait for its end.</summary>
    private void WaitForCompany()
    {
        var patience = _company ?? TimeSpan.FromSeconds(Math.Min(MostSecondsForCompany, MostOfWorkForCompany * _secondsEach));
        var begun = Stopwatch.GetTimestamp();
        while (_lanes.Count == 0 && !_stopping.IsCancellationRequested && patience - Stopwatch.GetElapsedTime(begun) is var left)
            if (left <= TimeSpan.Zero || !Monitor.Wait(_lock, left))
                return;
    }

    /// <summary>The first source in turn whose first piece goes together with what is chosen already.</summary>
    private Lane? Fitting(List<ModelPiece> together, int cost) =>
        together is []
            ? _lanes.First?.Value
            : _lanes.FirstOrDefault(lane =>
                lane.Pieces.First!.Value is var next && next.Batch == together[0].Batch && cost + next.Cost <= next.MostTogether
            );

    /// <summary>Work done together goes on as long as anyone waits for it.</summary>
    private static Registrations WhenAllAreGone(List<ModelPiece> together, CancellationTokenSource ending)
    {
        var left = together.Count;
        return new([
            .. together.Select(piece =>
                piece.Client.Register(() =>
                {
                    if (Interlocked.Decrement(ref left) == 0)
                        ending.Cancel();
                })
            ),
        ]);
    }

    private sealed record Lane(string Source, LinkedList<ModelPiece> Pieces);

    private readonly record struct Registrations(CancellationTokenRegistration[] All) : IDisposable
    {
        public void Dispose()
        {
            foreach (var one in All)
                one.Dispose();
        }
    }
}
