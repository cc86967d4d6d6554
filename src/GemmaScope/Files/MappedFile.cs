using System.IO.MemoryMappedFiles;

namespace GemmaScope.Files;

/// <summary>
/// A whole file mapped for reading. Nothing is copied: a page is read from the disk when it is first touched.
/// The pointer holds until <see cref="Dispose"/>; every reader of a format checks its ranges against <see cref="Length"/>.
/// </summary>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private byte* _pointer;

    /// <summary>Maps a file.</summary>
    /// <exception cref="FileFormatException">The file is missing, empty, a folder, or may not be read.</exception>
    public MappedFile(string path)
    {
        Path = path;
        Length = FileChecks.LengthOf(path);
        if (Length == 0)
            throw new FileFormatException("the file is empty; copy or download it again", path);
        try
        {
            _map = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
            _view = _map.CreateViewAccessor(0, Length, MemoryMappedFileAccess.Read);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or ArgumentException)
        {
            _map?.Dispose();
            throw FileChecks.Unreadable(path, problem);
        }
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _pointer);
        if (FileStandIn.Described(Span(0, (int)Math.Min(Length, 1024))) is { } standIn)
        {
            Dispose();
            throw new FileFormatException(standIn, path);
        }
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Bytes in the file when it was opened.</summary>
    public long Length { get; }

    /// <summary>First byte.</summary>
    public byte* Pointer => _pointer != null ? _pointer : throw new ObjectDisposedException(Path);

    /// <summary>A run of bytes; the caller has checked the range.</summary>
    public ReadOnlySpan<byte> Span(long offset, int count) => new(Pointer + offset, count);

    /// <summary>Unmaps the file.</summary>
    public void Dispose()
    {
        if (_pointer == null)
            return;
        ReleasePointer();
        _view.Dispose();
        _map.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Lets the mapping of a file that nobody disposed go: the handle would otherwise count our pointer for ever.</summary>
    ~MappedFile() => ReleasePointer();

    private void ReleasePointer()
    {
        if (_pointer == null)
            return;
        _pointer = null;
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
    }
}
