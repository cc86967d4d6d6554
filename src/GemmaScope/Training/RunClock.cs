using System.Diagnostics;

namespace GemmaScope.Training;

/// <summary>How fast a run goes, and how much of its time it waits for data: since it began, and since it was last asked.</summary>
internal sealed class RunClock
{
    private readonly Stopwatch _all = Stopwatch.StartNew(),
        _loading = new();
    private readonly long _firstStep;
    private long _intervalStep;
    private TimeSpan _intervalAll,
        _intervalLoading;

    public RunClock(long firstStep) => _firstStep = _intervalStep = firstStep;

    /// <summary>Share of the time that went into loading.</summary>
    public double Loading => _loading.Elapsed / _all.Elapsed;

    /// <summary>Steps a second since the beginning.</summary>
    public double Steps(long step) => (step - _firstStep) / _all.Elapsed.TotalSeconds;

    /// <summary>Loads.</summary>
    public void Load(Action load)
    {
        _loading.Start();
        load();
        _loading.Stop();
    }

    /// <summary>Steps a second and share of loading since the last call.</summary>
    public (double Steps, double Loading) Interval(long step)
    {
        var (all, loading) = (_all.Elapsed - _intervalAll, _loading.Elapsed - _intervalLoading);
        var steps = step - _intervalStep;
        (_intervalStep, _intervalAll, _intervalLoading) = (step, _all.Elapsed, _loading.Elapsed);
        return (steps / all.TotalSeconds, loading / all);
    }
}
