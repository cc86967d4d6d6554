using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace GemmaScope.Numerics;

/// <summary>
/// Threads that share loops. They live as long as the process, because a decoded token makes hundreds of short loops and each must cost
/// microseconds. Several loops may be open at once: each caller works on its own, and idle helpers enter the one that has fewest.
/// Indices are handed out one at a time, so a thread that the system holds up delays only the part it has taken.
/// </summary>
/// <param name="threads">Threads that share the work, a caller's included; from 1.</param>
internal sealed unsafe class WorkerTeam(int threads)
{
    /// <summary>Loops that may be open at once; who comes later runs its loop alone.</summary>
    internal const int Slots = 16;

    private static readonly long SpinTicks = Stopwatch.Frequency / 20_000;

    [ThreadStatic]
    private static bool t_insideLoop;

    private readonly WorkerLoop[] _loops = [.. Enumerable.Range(0, Slots).Select(_ => new WorkerLoop())];
    private readonly Lock _starting = new();
    private readonly object _parking = new();

    // Slots that were ever taken: with one caller helpers look at one.
    private int _known;
    private int _parked;
    private bool _started;

    /// <summary>Helpers that wait for work without taking a processor's time.</summary>
    internal int Asleep => Volatile.Read(ref _parked);

    /// <inheritdoc cref="Workers.For"/>
    public void For<TJob>(int count, TJob job)
        where TJob : struct, IJob
    {
        if (count <= 0)
            return;
        if (count > 1 && threads > 1 && !t_insideLoop && Take() is { } loop)
            Share(loop, count, ref job);
        else
            for (var i = 0; i < count; i++)
                job.Run(i);
    }

    private WorkerLoop? Take()
    {
        for (var i = 0; i < Slots; i++)
            if (_loops[i].TryTake())
            {
                if (i >= Volatile.Read(ref _known))
                    Know(i + 1);
                return _loops[i];
            }
        return null;
    }

    private void Know(int slots)
    {
        lock (_starting)
        {
            _known = Math.Max(_known, slots);
            if (_started)
                return;
            _started = true;
            for (var i = 1; i < threads; i++)
                new Thread(Help) { IsBackground = true, Name = $"GemmaScope worker {i}" }.Start();
        }
    }

    // The job stays in the caller's frame, which outlives the loop; the collector sees it there.
    private void Share<TJob>(WorkerLoop loop, int count, ref TJob job)
        where TJob : struct, IJob
    {
        loop.Open(count, Unsafe.AsPointer(ref job), &TakeIndices<TJob>);
        WakeIfWanted();
        t_insideLoop = true;
        loop.Work();
        t_insideLoop = false;
        // Helpers that have not come in by now are no longer needed, so a descheduled one holds up nobody.
        loop.Close();
        // Those for whom there was no room while this caller worked may help another one now.
        if (Volatile.Read(ref _known) > 1)
            WakeIfWanted();
        if (loop.Release() is { } failure)
            ExceptionDispatchInfo.Throw(failure);
    }

    private static void TakeIndices<TJob>(WorkerLoop loop, void* job)
        where TJob : struct, IJob
    {
        ref var work = ref Unsafe.AsRef<TJob>(job);
        for (int i; (i = loop.Next()) >= 0; )
            work.Run(i);
    }

    private void WakeIfWanted()
    {
        if (Asleep == 0 || !Wanted())
            return;
        lock (_parking)
            Monitor.PulseAll(_parking);
    }

    private void Help()
    {
        t_insideLoop = true;
        // The loop of each slot that this helper has worked on to its end.
        var done = stackalloc long[Slots];
        new Span<long>(done, Slots).Clear();
        while (true)
        {
            var slot = AwaitWork(done);
            var loop = _loops[slot];
            var state = loop.State;
            if (!WorkerLoop.IsNew(state, done[slot]) || !loop.TryEnter(state))
                continue;
            loop.Work();
            done[slot] = WorkerLoop.Generation(state);
            loop.Leave();
        }
    }

    // Spins for some 50 µs, longer than the serial stretch between two products of a layer, then sleeps.
    private int AwaitWork(long* done)
    {
        int slot;
        for (var end = Stopwatch.GetTimestamp() + SpinTicks; Stopwatch.GetTimestamp() < end; Thread.SpinWait(8))
            if ((slot = Find(done)) >= 0)
                return slot;
        lock (_parking)
        {
            Interlocked.Increment(ref _parked);
            while ((slot = Find(done)) < 0)
                Monitor.Wait(_parking);
            Interlocked.Decrement(ref _parked);
        }
        return slot;
    }

    /// <summary>The open slot with the fewest helpers that this one has not worked on, or −1; also −1 where as many threads are at work as
    /// there may be, because one more would only take a processor from another.</summary>
    private int Find(long* done)
    {
        var (found, fewest, busy) = (-1, int.MaxValue, 0);
        var known = Volatile.Read(ref _known);
        for (var i = 0; i < known; i++)
        {
            var state = _loops[i].State;
            var inside = WorkerLoop.Inside(state);
            busy += inside + (WorkerLoop.IsOpen(state) ? 1 : 0);
            if (inside < fewest && WorkerLoop.IsNew(state, done[i]))
                (found, fewest) = (i, inside);
        }
        return busy < threads ? found : -1;
    }

    private bool Wanted()
    {
        var (open, busy) = (false, 0);
        var known = Volatile.Read(ref _known);
        for (var i = 0; i < known; i++)
        {
            var state = _loops[i].State;
            busy += WorkerLoop.Inside(state) + (WorkerLoop.IsOpen(state) ? 1 : 0);
            open |= WorkerLoop.IsOpen(state);
        }
        return open && busy < threads;
    }
}
