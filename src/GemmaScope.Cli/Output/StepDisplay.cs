using System.Diagnostics;
using GemmaScope.Features.Statistics;

namespace GemmaScope.Cli.Output;

/// <summary>The steps of a long job and how far each is: one line that is overwritten on a terminal, else a line for each new
/// step.</summary>
internal sealed class StepDisplay(Terminal terminal, string subject) : IProgress<StatisticsProgress>
{
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(10);

    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private TimeSpan _last;

    public void Report(StatisticsProgress value)
    {
        if (!terminal.ErrorIsTerminal && _watch.Elapsed - _last < BetweenLines)
            return;
        _last = _watch.Elapsed;
        var line = $"{subject}: {value.Step}, {value.Done:0 %}";
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
}
