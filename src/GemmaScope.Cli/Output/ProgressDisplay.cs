using System.Globalization;
using GemmaScope.Text;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>
/// Shows how far a job is, how fast it goes and how long it will take: one line that is overwritten on a terminal, else a line now and
/// then. Notes stay.
/// </summary>
/// <param name="terminal">Where it is shown.</param>
/// <param name="tell">Told what else a job says, with the line out of the way.</param>
/// <param name="words">How settings are named; null for their options in whichever command has them.</param>
internal class ProgressDisplay(Terminal terminal, Action<JobReport>? tell = null, Func<Setting, string>? words = null)
    : IProgress<JobReport>,
        IDisposable
{
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(10),
        BetweenPictures = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private JobStage? _stage;
    private long _began,
        _shown;
    private bool _hasLine;

    /// <inheritdoc/>
    public void Report(JobReport value)
    {
        lock (_lock)
        {
            if (value is JobNote note)
            {
                Clear();
                terminal.Error.WriteLine(
                    $"note: {note.Text}{(note.Remedy is { } remedy ? $"; {remedy.Describe(words ?? OptionWords.Of)}" : "")}"
                );
            }
            else if (value is JobStage stage)
                Show(stage);
            else if (tell is not null)
            {
                Clear();
                tell(value);
            }
        }
    }

    /// <summary>Takes the line away.</summary>
    public void Dispose()
    {
        lock (_lock)
            Clear();
        GC.SuppressFinalize(this);
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

    private void Show(JobStage stage)
    {
        var now = terminal.Clock.GetTimestamp();
        // The name of a download changes from file to file; what is counted goes on.
        if (
            _stage is null
            || _stage.Unit != stage.Unit
            || (stage.Unit.Length == 0 && _stage.Name != stage.Name)
            || stage.Done < _stage.Done
        )
            (_began, _shown) = (now, terminal.ErrorIsTerminal ? long.MinValue : now);
        _stage = stage;
        var wait = terminal.ErrorIsTerminal ? BetweenPictures : BetweenLines;
        if (_shown != long.MinValue && terminal.Clock.GetElapsedTime(_shown, now) < wait && stage.Done != stage.Total)
            return;
        if (!terminal.ErrorIsTerminal && (stage.Total is null || _shown == now || stage.Done == stage.Total))
            return;
        _shown = now;
        var line = VisibleText.Line(Line(stage, terminal.Clock.GetElapsedTime(_began, now).TotalSeconds));
        if (terminal.ErrorIsTerminal)
        {
            var room = terminal.Width - 1;
            terminal.Error.Write($"\r{(line.Length > room ? line[..room] : line.PadRight(room))}");
            _hasLine = true;
        }
        else
            terminal.Error.WriteLine(line);
    }

    private static string Line(JobStage stage, double seconds)
    {
        if (stage.Total is not { } total)
            return stage.Done > 0 ? $"{stage.Name}: {stage.Done:#,0} {stage.Unit}" : stage.Name;
        if (stage.Unit.Length == 0)
            return $"{stage.Name}, {(total > 0 ? (double)stage.Done / total : 1):0 %}";
        var rate = (stage.Done - stage.Before) / seconds;
        var left = Left((total - stage.Done) / rate);
        var name = stage.Name.Length > 0 ? $"{stage.Name}: " : "";
        return stage.Unit == "bytes"
            ? $"{name}{Format.Bytes(stage.Done)} of {Format.Bytes(total)}, {Format.Bytes(double.IsFinite(rate) ? (long)rate : 0)} a second, {left} left"
            : $"{name}{stage.Done:#,0} of at most {total:#,0} {stage.Unit}, {rate.ToString(rate < 10 ? "0.0" : "0", CultureInfo.InvariantCulture)} a second, {left} left";
    }

    private void Clear()
    {
        if (_hasLine)
            terminal.Error.Write($"\r{new string(' ', terminal.Width - 1)}\r");
        (_hasLine, _shown) = (false, terminal.ErrorIsTerminal ? long.MinValue : _shown);
    }
}
