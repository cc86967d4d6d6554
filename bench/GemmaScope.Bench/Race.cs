using System.Diagnostics;

namespace GemmaScope.Bench;

/// <summary>Something to time.</summary>
/// <param name="Work">Operations, bytes or tokens of one call.</param>
/// <param name="Call">One call.</param>
/// <param name="Before">What each call needs first; it is not timed.</param>
internal sealed record Contestant(double Work, Action Call, Action? Before = null);

/// <summary>
/// Times things in turn, round after round, so that whatever else the machine does meets all of them alike; only then
/// does their ratio say something.
/// </summary>
/// <param name="rounds">How many rounds; more give a steadier median.</param>
/// <param name="seconds">A contestant repeats its call for at least so long in each round.</param>
/// <param name="byProcessor">Whether the time is that of all processors together and not the clock's: on a machine with other work that
/// alone is the contestant's own.</param>
internal sealed class Race(int rounds, double seconds, bool byProcessor = false)
{
    /// <summary>Work per second: [contestant][round].</summary>
    public double[][] Run(CancellationToken cancellationToken, params ReadOnlySpan<Contestant> contestants)
    {
        var rates = new double[contestants.Length][];
        for (var i = 0; i < rates.Length; i++)
        {
            rates[i] = new double[rounds];
            Time(contestants[i]); // code gets compiled and memory touched before it counts
        }
        for (var round = 0; round < rounds; round++)
        for (var i = 0; i < rates.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            rates[i][round] = Rate(contestants[i]);
        }
        return rates;
    }

    private double Rate(Contestant contestant)
    {
        double work = 0,
            elapsed = 0;
        while (elapsed < seconds || work == 0)
        {
            elapsed += Time(contestant);
            work += contestant.Work;
        }
        return work / elapsed;
    }

    private double Time(Contestant contestant)
    {
        contestant.Before?.Invoke();
        var start = Now();
        contestant.Call();
        return (Now() - start).TotalSeconds;
    }

    private TimeSpan Now() => byProcessor ? Environment.CpuUsage.TotalTime : Stopwatch.GetElapsedTime(0);
}
