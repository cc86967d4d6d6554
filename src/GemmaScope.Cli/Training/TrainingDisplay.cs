using GemmaScope.Cli.Output;
using GemmaScope.Training;
using GemmaScope.Workbench;
using Spectre.Console;

namespace GemmaScope.Cli.Training;

/// <summary>Shows how a training does: on a terminal a table with curves that is drawn anew, in a pipe a line now and then. What a job says
/// between two runs it shows as any other.</summary>
internal sealed class TrainingDisplay(Terminal terminal, Func<Setting, string>? words = null) : IProgress<JobReport>, IDisposable
{
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(10),
        BetweenPictures = TimeSpan.FromMilliseconds(250);

    private readonly ProgressDisplay _others = new(terminal, words: words);
    private (Curve Fvu, Curve L0)[] _curves = [];
    private LiveDisplayContext? _live;
    private TaskCompletionSource? _ending;
    private Task? _drawing;
    private long? _shown;

    /// <summary>Runs a job that trains and shows how it goes.</summary>
    public static T Run<T>(Session session, Func<IProgress<JobReport>, CancellationToken, Task<T>> jobAsync)
    {
        using var display = new TrainingDisplay(session.Terminal, session.Words);
        return jobAsync(display, session.Cancellation).GetAwaiter().GetResult();
    }

    /// <inheritdoc/>
    public void Report(JobReport value)
    {
        if (value is TrainingReport training)
            Show(training);
        else
        {
            End();
            _others.Report(value);
        }
    }

    /// <summary>Leaves the last table and ends.</summary>
    public void Dispose()
    {
        End();
        _others.Dispose();
    }

    private void Show(TrainingReport report)
    {
        if (_curves.Length == 0)
            Begin(report);
        foreach (var (i, member) in report.Members.Index())
            if (member.Last is { } last)
            {
                _curves[i].Fvu.Add(last.Fvu);
                _curves[i].L0.Add(last.L0);
            }
        var (progress, now) = (report.Progress, terminal.Clock.GetTimestamp());
        var wait = _live is null ? BetweenLines : BetweenPictures;
        if (_shown is { } shown && terminal.Clock.GetElapsedTime(shown, now) < wait && progress.Step < progress.TotalSteps)
            return;
        _shown = now;
        if (_live is null)
            terminal.Error.WriteLine(Line(report));
        else
            _live.UpdateTarget(Picture(report));
    }

    private void Begin(TrainingReport report)
    {
        _curves = [.. report.Members.Select(_ => (new Curve(), new Curve()))];
        if (!terminal.ErrorIsTerminal)
            return;
        // Takes the line of the stage before away.
        _others.Dispose();
        _ending = new();
        _drawing = terminal
            .ErrorConsole.Live(new Table())
            .StartAsync(live =>
            {
                _live = live;
                return _ending.Task;
            });
    }

    /// <summary>The table of a run stays; the next run has one of its own.</summary>
    private void End()
    {
        _ending?.SetResult();
        _drawing?.GetAwaiter().GetResult();
        (_live, _ending, _drawing, _shown, _curves) = (null, null, null, null, []);
    }

    private static string Line(TrainingReport report)
    {
        StepReport[] found = [.. report.Members.Where(member => member.Failure is null).Select(member => member.Last).OfType<StepReport>()];
        var means =
            found.Length == 0
                ? ""
                : $"FVU {found.Average(step => step.Fvu):0.000}, L0 {found.Average(step => step.L0):0.0}, "
                    + $"dead {found.Average(step => step.DeadShare):0.0%}, ";
        return $"step {report.Progress.Step:#,0} of {report.Progress.TotalSteps:#,0}: {means}{Speed(report.Progress)}";
    }

    private Table Picture(TrainingReport report)
    {
        var progress = report.Progress;
        var table = new Table()
            .Border(TableBorder.Rounded)
            .BorderColor(Color.Grey)
            .Title(Markup.Escape($"step {progress.Step:#,0} of {progress.TotalSteps:#,0} · {Speed(progress)}"));
        foreach (var column in (string[])["dictionary", "FVU", "", "L0", "", "dead", "loss"])
            table.AddColumn(column);
        foreach (var (i, (configuration, last, failure)) in report.Members.Index())
            table.AddRow(
                Markup.Escape(NameOf(configuration, report.Members.Count)),
                last is null ? "" : $"{last.Fvu:0.000}",
                _curves[i].Fvu.ToString(),
                last is null ? "" : $"{last.L0:0.0}",
                _curves[i].L0.ToString(),
                last is null ? "" : $"{last.DeadShare:0.0%}",
                Markup.Escape(failure ?? (last is null ? "" : $"{last.Total:0.0000}"))
            );
        return table;
    }

    /// <summary>In a suite the name that tells dictionaries of the same site apart, which is the folder's.</summary>
    private static string NameOf(TrainingConfiguration configuration, int members) =>
        members > 1 ? Path.GetFileName(configuration.Output) : $"{string.Join(' ', configuration.Sites)} · {configuration.Width}";

    private static string Speed(TrainingProgress progress)
    {
        var left = ProgressDisplay.Left(
            (progress.TotalSteps - progress.Step) * (progress.Tokens / (double)progress.Step) / progress.TokensPerSecond
        );
        return $"{progress.TokensPerSecond:#,0} tokens a second (loading {progress.Loading:0%}), {left} left";
    }
}
