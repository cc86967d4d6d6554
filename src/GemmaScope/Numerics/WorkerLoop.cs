using System.Runtime.InteropServices;

namespace GemmaScope.Numerics;

/// <summary>
/// A place for a loop that its caller opens to helpers. What waiting helpers read and what working ones count lie in cache lines of their
/// own. The body is a pointer, so that a loop costs no allocation.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal sealed unsafe class WorkerLoop
{
    // The state is generation · 2^32 + open · 2^16 + number of helpers inside.
    private const long NextGeneration = 1L << 32,
        OpenFlag = 1L << 16,
        InsideMask = OpenFlag - 1;

    [FieldOffset(0)]
    private Exception? _failure;

    [FieldOffset(8)]
    private delegate* <WorkerLoop, void*, void> _body;

    [FieldOffset(16)]
    private void* _job;

    [FieldOffset(24)]
    private int _end;

    [FieldOffset(64)]
    private int _taken;

    [FieldOffset(72)]
    private long _state;

    [FieldOffset(136)]
    private long _next;

    /// <summary>What helpers look at and enter by.</summary>
    public long State => Volatile.Read(ref _state);

    public static long Generation(long state) => state >> 32;

    public static bool IsOpen(long state) => (state & OpenFlag) != 0;

    public static int Inside(long state) => (int)(state & InsideMask);

    /// <summary>Whether it is open with another loop than the one of a generation.</summary>
    public static bool IsNew(long state, long generation) => IsOpen(state) && Generation(state) != generation;

    /// <summary>Makes it the caller's, until it is released.</summary>
    public bool TryTake() => Volatile.Read(ref _taken) == 0 && Interlocked.CompareExchange(ref _taken, 1, 0) == 0;

    public void Open(int count, void* job, delegate* <WorkerLoop, void*, void> body)
    {
        (_next, _end, _failure) = (0, count, null);
        _job = job;
        _body = body;
        // A full fence: either a helper that is about to sleep sees it open, or the caller sees the helper among those who sleep.
        Interlocked.Exchange(ref _state, (_state & ~(NextGeneration - 1)) + NextGeneration + OpenFlag);
    }

    /// <summary>Enters as a helper, if nothing has changed since.</summary>
    public bool TryEnter(long state) => Interlocked.CompareExchange(ref _state, state + 1, state) == state;

    public void Leave() => Interlocked.Decrement(ref _state);

    /// <summary>The next index, or −1 where there is none left.</summary>
    public int Next()
    {
        var index = Interlocked.Increment(ref _next) - 1;
        return index < _end ? (int)index : -1;
    }

    /// <summary>Does parts until none is left. The first exception ends the loop for all.</summary>
    public void Work()
    {
        try
        {
            _body(this, _job);
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref _failure, e, null);
            Interlocked.Exchange(ref _next, _end);
        }
    }

    public void Close() => Interlocked.And(ref _state, ~OpenFlag);

    /// <summary>Waits until the last helper has left and gives the place back.</summary>
    /// <returns>The first exception, or null.</returns>
    public Exception? Release()
    {
        var wait = new SpinWait();
        while ((State & InsideMask) != 0)
            wait.SpinOnce(sleep1Threshold: -1);
        var failure = _failure;
        _job = null;
        _failure = null;
        Volatile.Write(ref _taken, 0);
        return failure;
    }
}
