using System.Collections.Concurrent;

namespace GemmaScope.Tests;

/// <summary>A clock that stands still until a test moves it. Waits that are short by its measure are over at once.</summary>
internal sealed class TestClock : TimeProvider
{
    private readonly List<Timer> _timers = [];
    private DateTimeOffset _now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>What does not have to be waited for.</summary>
    public TimeSpan Short { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The short waits there were.</summary>
    public ConcurrentQueue<TimeSpan> Waits { get; } = new();

    public override DateTimeOffset GetUtcNow()
    {
        lock (_timers)
            return _now;
    }

    /// <summary>Lets time pass.</summary>
    public void Advance(TimeSpan time)
    {
        Timer[] due;
        lock (_timers)
        {
            _now += time;
            due = [.. _timers.Where(timer => timer.Due <= _now)];
            _timers.RemoveAll(timer => timer.Due <= _now);
        }
        foreach (var timer in due)
            timer.Ring();
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class Timer(TestClock clock, Action ring) : ITimer
    {
        public DateTimeOffset Due { get; private set; }

        public void Ring() => ring();

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._timers)
            {
                clock._timers.Remove(this);
                if (dueTime == Timeout.InfiniteTimeSpan)
                    return true;
                if (dueTime > clock.Short)
                {
                    Due = clock._now + dueTime;
                    clock._timers.Add(this);
                    return true;
                }
            }
            clock.Waits.Enqueue(dueTime);
            ThreadPool.QueueUserWorkItem(_ => ring());
            return true;
        }

        public void Dispose() => Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
