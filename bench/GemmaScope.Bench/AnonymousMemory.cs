namespace GemmaScope.Bench;

/// <summary>Memory of this process that is not a mapped file's, as Linux tells it.</summary>
internal static class AnonymousMemory
{
    private const string Status = "/proc/self/status",
        Line = "RssAnon:";

    /// <summary>
    /// By how many bytes it grows at most while something is done, looked at every millisecond; null where the system does not tell. The
    /// work is done on a thread of its own, so that scratch which threads keep is counted too.
    /// </summary>
    public static long? PeakOf(Action work)
    {
        if (Now() is null)
            return null;
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var (before, peak) = (Now()!.Value, 0L);
        var thread = new Thread(() => work());
        thread.Start();
        do peak = Math.Max(peak, Now()!.Value - before);
        while (!thread.Join(millisecondsTimeout: 1));
        return peak;
    }

    private static long? Now()
    {
        if (!File.Exists(Status))
            return null;
        var line = File.ReadLines(Status).FirstOrDefault(line => line.StartsWith(Line, StringComparison.Ordinal));
        return line is null
            ? null
            : 1024
                * long.Parse(
                    line[Line.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(),
                    System.Globalization.CultureInfo.InvariantCulture
                );
    }
}
