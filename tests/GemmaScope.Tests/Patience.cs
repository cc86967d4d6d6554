using System.Diagnostics;

namespace GemmaScope.Tests;

/// <summary>
/// How tests wait: for something to be so, never for some time to pass. A machine may be as slow as it likes; only what hangs ends at the
/// limit, with a word on what did not come.
/// </summary>
internal static class Patience
{
    // Short: what is waited for is mostly there already.
    private const int BetweenLooks = 5;

    /// <summary>How long something may take before it counts as hanging.</summary>
    public static TimeSpan Limit { get; } = TimeSpan.FromMinutes(10);

    /// <summary>Waits until something is so.</summary>
    public static void Until(Func<bool> holds, string what)
    {
        for (var begun = Stopwatch.StartNew(); !holds(); Thread.Sleep(BetweenLooks))
            Check(begun, what);
    }

    /// <summary>Waits until something is so.</summary>
    public static async Task UntilAsync(Func<bool> holds, string what)
    {
        for (var begun = Stopwatch.StartNew(); !holds(); await Task.Delay(BetweenLooks))
            Check(begun, what);
    }

    private static void Check(Stopwatch begun, string what)
    {
        if (begun.Elapsed > Limit)
            throw new TimeoutException($"{what} did not come within {Limit.TotalMinutes} minutes");
    }
}
