namespace GemmaScope.Files;

/// <summary>How far a download is.</summary>
/// <param name="File">The file that moved, as the repository names it.</param>
/// <param name="FileBytes">Bytes of it that are here.</param>
/// <param name="FileSize">Its size.</param>
/// <param name="Bytes">Bytes of all files that are here.</param>
/// <param name="TotalBytes">Size of all files.</param>
/// <param name="FilesDone">Files that are complete and checked.</param>
/// <param name="Files">Files in all.</param>
public readonly record struct HubProgress(
    string File,
    long FileBytes,
    long FileSize,
    long Bytes,
    long TotalBytes,
    int FilesDone,
    int Files
);

/// <summary>Adds up the progress of files that download at once.</summary>
internal sealed class ProgressSum(IReadOnlyCollection<HubFile> files, IProgress<HubProgress>? progress)
{
    private readonly Dictionary<string, long> _here = new(StringComparer.Ordinal);
    private readonly long _total = files.Sum(f => f.Size);
    private readonly Lock _lock = new();
    private long _bytes;
    private int _done;

    public void Report(HubFile file, long bytes, bool done = false)
    {
        if (progress is null)
            return;
        lock (_lock)
        {
            // A restarted file goes back to zero, so what is here is kept per file.
            _bytes += bytes - _here.GetValueOrDefault(file.Path);
            _here[file.Path] = bytes;
            if (done)
                _done++;
            progress.Report(new(file.Path, bytes, file.Size, _bytes, _total, _done, files.Count));
        }
    }
}
