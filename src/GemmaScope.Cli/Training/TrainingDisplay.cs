using System.Diagnostics;
using GemmaScope.Cli.Output;
using GemmaScope.Training;
using Spectre.Console;

namespace GemmaScope.Cli.Training;

/// <summary>Shows how a run does: on a terminal a table with curves that is drawn anew, in a pipe a line now and then.</summary>
internal sealed class TrainingDisplay(Terminal terminal, TrainingRun run) : IProgress<TrainingProgress>
{
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(10),
        BetweenPictures = TimeSpan.FromMilliseconds(250);

    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly Curve[] _fvu = [.. run.Members.Select(_ => new Curve())],
        _l0 = [.. run.Members.Select(_ => new Curve())];
    private LiveDisplayContext? _live;
    private TimeSpan _next;

    /// <summary>Trains and shows how it goes.</summary>
    /// <param name="run">The run.</param>
    /// <param name="session">Terminal and cancellation.</param>
    /// <param name="place">Where an interrupted run is kept, for the message.</param>
    public static void Run(TrainingRun run, Session session, string place)
    {
        if (run.IsResumed)
            session.Terminal.Error.WriteLine($"going on from step {run.Step:#,0} of {run.TotalSteps:#,0} (--restart begins anew)");
        try
        {
            new TrainingDisplay(session.Terminal, run).Run(session.Cancellation);
        }
        catch (OperationCanceledException)
        {
            session.Terminal.Error.WriteLine(
                $"step {run.Step:#,0} of {run.TotalSteps:#,0} is kept in {place}; the same command goes on from there"
            );
            throw;
        }
    }

    private void Run(CancellationToken cancellationToken)
    {
        if (!terminal.ErrorIsTerminal)
            run.Run(this, cancellationToken);
        else
            terminal
                .ErrorConsole.Live(new Table())
                .Start(live =>
                {
                    _live = live;
                    run.Run(this, cancellationToken);
                });
    }

    public void Report(TrainingProgress value)
    {
        for (var i = 0; i < run.Members.Count; i++)
            if (run.Members[i].Last is { } last)
            {
                _fvu[i].Add(last.Fvu);
                _l0[i].Add(last.L0);
            }
        if (_watch.Elapsed < _next && value.Step < value.TotalSteps)
            return;
        _next = _watch.Elapsed + (_live is null ? BetweenLines : BetweenPictures);
        if (_live is null)
            terminal.Error.WriteLine(Line(value));
        else
            _live.UpdateTarget(Picture(value));
    }

    private string Line(TrainingProgress progress)
    {
        var found = run.Members.Where(member => member.Failure is null && member.Last is not null).Select(member => member.Last!).ToArray();
        var means =
            found.Length == 0
                ? ""
                : $"FVU {found.Average(report => report.Fvu):0.000}, L0 {found.Average(report => report.L0):0.0}, dead {found.Average(report => report.DeadShare):0.0%}, ";
        return $"step {progress.Step:#,0} of {progress.TotalSteps:#,0}: {means}{Speed(progress)}";
    }

    private Table Picture(TrainingProgress progress)
    {
        var table = new Table()
            .Border(TableBorder.Rounded)
            .BorderColor(Color.Grey)
            .Title(Markup.Escape($"step {progress.Step:#,0} of {progress.TotalSteps:#,0} · {Speed(progress)}"));
        foreach (var column in (string[])["dictionary", "FVU", "", "L0", "", "dead", "loss"])
            table.AddColumn(column);
        foreach (var (member, i) in run.Members.Select((member, i) => (member, i)))
        {
            var (configuration, last) = (member.Configuration, member.Last);
            table.AddRow(
                Markup.Escape(NameOf(configuration)),
                last is null ? "" : $"{last.Fvu:0.000}",
                _fvu[i].ToString(),
                last is null ? "" : $"{last.L0:0.0}",
                _l0[i].ToString(),
                last is null ? "" : $"{last.DeadShare:0.0%}",
                Markup.Escape(member.Failure ?? (last is null ? "" : $"{last.Total:0.0000}"))
            );
        }
        return table;
    }

    /// <summary>In a suite the name that tells dictionaries of the same site apart, which is the folder's.</summary>
    private string NameOf(TrainingConfiguration configuration) =>
        run.Members.Count > 1 ? Path.GetFileName(configuration.Output) : $"{string.Join(' ', configuration.Sites)} · {configuration.Width}";

    private static string Speed(TrainingProgress progress)
    {
        var left = RateDisplay.Left(
            (progress.TotalSteps - progress.Step) * (progress.Tokens / (double)progress.Step) / progress.TokensPerSecond
        );
        return $"{progress.TokensPerSecond:#,0} tokens a second (loading {progress.Loading:0%}), {left} left";
    }
}
