using GemmaScope.Files;

namespace GemmaScope.Workbench;

/// <summary>A download as the stage of a job, with a note for each file that is complete.</summary>
public sealed class DownloadReports(IProgress<JobReport> progress) : IProgress<HubProgress>
{
    private readonly Lock _lock = new();
    private long _before = -1;
    private int _done;

    /// <inheritdoc/>
    public void Report(HubProgress value)
    {
        lock (_lock)
        {
            if (_before < 0)
                _before = value.Bytes;
            progress.Report(
                new JobStage(
                    $"downloading {Path.GetFileName(value.File)} ({value.FilesDone} of {value.Files} files)",
                    value.Bytes,
                    value.TotalBytes,
                    "bytes",
                    _before
                )
            );
            if (value.FilesDone <= _done)
                return;
            _done = value.FilesDone;
            progress.Report(new JobNote($"downloaded {value.File} ({value.FileSize:#,0} bytes; {value.FilesDone} of {value.Files} files)"));
        }
    }
}
