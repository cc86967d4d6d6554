using System.Diagnostics;

namespace GemmaScope.Cli.Output;

/// <summary>How far a long job is, how fast it goes and how long it will take: one line that is overwritten on a terminal, else a line now
/// and then.</summary>
internal sealed class RateDisplay(Terminal terminal, string unit, long start, long total)
{
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(10);

    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private TimeSpan _last;

    public void Report(long done)
    {
        if (!terminal.ErrorIsTerminal && _watch.Elapsed - _last < BetweenLines)
            return;
        _last = _watch.Elapsed;
        var rate = (done - start) / _watch.Elapsed.TotalSeconds;
        var line =
            $"{done:#,0} of at most {total:#,0} {unit}, {rate.ToString(rate < 10 ? "0.0" : "0", System.Globalization.CultureInfo.InvariantCulture)} a second, {Left((total - done) / rate)} left";
        if (terminal.ErrorIsTerminal)
            terminal.Error.Write($"\r{line.PadRight(terminal.Width - 1)}");
        else
            terminal.Error.WriteLine(line);
    }

    /// <summary>Takes the line away.</summary>
    public void End()
    {
        if (terminal.ErrorIsTerminal)
            terminal.Error.Write($"\r{new string(' ', terminal.Width - 1)}\r");
    }

    /// <summary>A time still to wait.</summary>
    public static string Left(double seconds) =>
        !double.IsFinite(seconds)
            ? "?"
            : seconds switch
            {
                >= 7200 => $"{seconds / 3600:0.0} h",
                >= 120 => $"{seconds / 60:0} min",
                _ => $"{Math.Max(0, seconds):0} s",
            };
}
