using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace GemmaScope.Numerics;

/// <summary>A piece of parallel work: <see cref="Run"/> is called once for each index, from any worker.</summary>
public interface IJob
{
    /// <summary>Does part <paramref name="index"/>.</summary>
    void Run(int index);
}

/// <summary>
/// The process's worker threads: a team that lives as long as the process, because a decoded token makes hundreds
/// of short parallel loops and each must cost microseconds. Indices are handed out one at a time, so a thread that
/// the system holds up delays only the part it has taken.
/// </summary>
public static unsafe class Workers
{
    /// <summary>The environment variable that sets <see cref="Count"/>.</summary>
    public const string ThreadsVariable = "GEMMASCOPE_THREADS";

    // _state = generation · 2^32 + open · 2^16 + number of helpers inside the current loop.
    private const long Generation = 1L << 32,
        Open = 1L << 16,
        Inside = Open - 1;
    private static readonly long SpinTicks = Stopwatch.Frequency / 20_000;
    private static readonly Lock Door = new();
    private static readonly object Parking = new();
    private static long _state;
    private static int _parked;
    private static bool _started;
    private static int _count;

    private static delegate* <void*, void> _body;
    private static void* _job;
    private static long _next;
    private static int _end;
    private static Exception? _failure;

    [ThreadStatic]
    private static bool t_insideLoop;

    /// <summary>
    /// Number of threads that share the work, the caller's included: the processors this process may use, or what
    /// the environment variable GEMMASCOPE_THREADS says.
    /// </summary>
    /// <exception cref="ArgumentProblemException">The variable is no number from 1 to 1024.</exception>
    public static int Count => _count > 0 ? _count : _count = ReadCount(Environment.GetEnvironmentVariable(ThreadsVariable));

    /// <summary>
    /// Runs job.Run(0 … count − 1), each once, over all workers; returns when all are done. Allocates nothing per call.
    /// Inside another loop, or while another thread's loop runs, the caller does all of it. The first exception
    /// ends the loop and is thrown here.
    /// </summary>
    public static void For<TJob>(int count, TJob job)
        where TJob : struct, IJob
    {
        if (count <= 0)
            return;
        if (count == 1 || Count == 1 || t_insideLoop || !Door.TryEnter())
        {
            for (var i = 0; i < count; i++)
                job.Run(i);
            return;
        }
        try
        {
            Share(count, ref job);
        }
        finally
        {
            Door.Exit();
        }
    }

    internal static int ReadCount(string? setting)
    {
        if (string.IsNullOrWhiteSpace(setting))
            return Environment.ProcessorCount;
        return int.TryParse(setting, out var n) && n is >= 1 and <= 1024
            ? n
            : throw new ArgumentProblemException($"'{setting}' is not a number of threads; give 1 to 1024 or unset it", ThreadsVariable);
    }

    // The job stays in the caller's frame, which outlives the loop; the collector sees it there.
    private static void Share<TJob>(int count, ref TJob job)
        where TJob : struct, IJob
    {
        if (!_started)
            Start();
        (_next, _end, _failure) = (0, count, null);
        _job = Unsafe.AsPointer(ref job);
        _body = &TakeIndices<TJob>;
        var opened = (_state & ~(Generation - 1)) + Generation + Open;
        Interlocked.Exchange(ref _state, opened);
        if (Volatile.Read(ref _parked) > 0)
            lock (Parking)
                Monitor.PulseAll(Parking);

        Enter(_body);

        // Helpers that have not come in by now are no longer needed, so a descheduled one holds up nobody.
        Interlocked.And(ref _state, ~Open);
        var wait = new SpinWait();
        while ((Volatile.Read(ref _state) & Inside) != 0)
            wait.SpinOnce(sleep1Threshold: -1);
        _job = null;
        if (_failure is { } failure)
        {
            _failure = null;
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    private static void Enter(delegate* <void*, void> body)
    {
        t_insideLoop = true;
        try
        {
            body(_job);
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref _failure, e, null);
            Interlocked.Exchange(ref _next, _end);
        }
        t_insideLoop = false;
    }

    private static void TakeIndices<TJob>(void* job)
        where TJob : struct, IJob
    {
        ref var work = ref Unsafe.AsRef<TJob>(job);
        for (long i; (i = Interlocked.Increment(ref _next) - 1) < _end; )
            work.Run((int)i);
    }

    private static void Start()
    {
        for (var i = 1; i < Count; i++)
            new Thread(Help) { IsBackground = true, Name = $"GemmaScope worker {i}" }.Start();
        _started = true;
    }

    private static void Help()
    {
        for (long done = 0; ; )
        {
            var state = AwaitOpenAfter(done);
            if (Interlocked.CompareExchange(ref _state, state + 1, state) != state)
                continue;
            Enter(_body);
            done = state >> 32;
            Interlocked.Decrement(ref _state);
        }
    }

    private static bool IsNew(long state, long done) => (state & Open) != 0 && state >> 32 != done;

    // Spins for some 50 µs, longer than the serial stretch between two products of a layer, then sleeps.
    private static long AwaitOpenAfter(long done)
    {
        long state;
        for (var end = Stopwatch.GetTimestamp() + SpinTicks; Stopwatch.GetTimestamp() < end; Thread.SpinWait(8))
            if (IsNew(state = Volatile.Read(ref _state), done))
                return state;
        lock (Parking)
        {
            Interlocked.Increment(ref _parked);
            while (!IsNew(state = Volatile.Read(ref _state), done))
                Monitor.Wait(Parking);
            Interlocked.Decrement(ref _parked);
        }
        return state;
    }
}
