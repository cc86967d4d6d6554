using GemmaScope.Files;
using Spectre.Console;

namespace GemmaScope.Cli.Output;

/// <summary>Shows how far a download is: a bar with rate and time left on a terminal, else a line for each file that is complete.</summary>
internal static class DownloadDisplay
{
    /// <summary>Runs a download; nothing is shown where nothing has to be downloaded.</summary>
    public static ResolvedPath Run(Terminal terminal, Func<IProgress<HubProgress>, ResolvedPath> resolve)
    {
        if (!terminal.ErrorIsTerminal)
            return resolve(new Lines(terminal.Error));
        return terminal
            .ErrorConsole.Progress()
            .AutoClear(true)
            .Columns(
                new TaskDescriptionColumn(),
                new ProgressBarColumn(),
                new DownloadedColumn(),
                new TransferSpeedColumn(),
                new RemainingTimeColumn()
            )
            .Start(context => resolve(new Bar(context)));
    }

    private sealed class Bar(ProgressContext context) : IProgress<HubProgress>
    {
        private readonly Lock _lock = new();
        private ProgressTask? _task;

        public void Report(HubProgress value)
        {
            lock (_lock)
            {
                _task ??= context.AddTask("download");
                _task.MaxValue = Math.Max(value.TotalBytes, 1);
                _task.Description = Markup.Escape($"{Path.GetFileName(value.File)} ({value.FilesDone} of {value.Files} files)");
                _task.Value = value.Bytes;
            }
        }
    }

    private sealed class Lines(TextWriter writer) : IProgress<HubProgress>
    {
        private readonly Lock _lock = new();
        private int _done;

        public void Report(HubProgress value)
        {
            lock (_lock)
            {
                if (value.FilesDone <= _done)
                    return;
                _done = value.FilesDone;
                writer.WriteLine($"downloaded {value.File} ({Format.Bytes(value.FileSize)}; {value.FilesDone} of {value.Files} files)");
            }
        }
    }
}
