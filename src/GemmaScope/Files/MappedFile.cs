using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace GemmaScope.Files;

/// <summary>
/// A whole file mapped for reading. Nothing is copied: a page is read from the disk when it is first touched.
/// The pointer holds until <see cref="Dispose"/>; every reader of a format checks its ranges against <see cref="Length"/>.
/// </summary>
internal sealed unsafe class MappedFile : IMappedFiles
{
    private readonly SafeFileHandle _handle;
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
            // Programs that ask, as those of .NET do, may read it meanwhile but not write.
            _handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            _map = MemoryMappedFile.CreateFromFile(
                _handle,
                null,
                0,
                MemoryMappedFileAccess.Read,
                HandleInheritability.None,
                leaveOpen: true
            );
            _view = _map.CreateViewAccessor(0, Length, MemoryMappedFileAccess.Read);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or ArgumentException)
        {
            _map?.Dispose();
            _handle?.Dispose();
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

    /// <inheritdoc/>
    public void RequireWhole()
    {
        if (RandomAccess.GetLength(_handle) is var now && now < Length)
            throw new FileFormatException(
                $"the file was cut from {Length} to {now} bytes while it was in use; put it back, and start again",
                Path
            );
    }

    /// <summary>Unmaps the file.</summary>
    public void Dispose()
    {
        if (_pointer == null)
            return;
        ReleasePointer();
        _view.Dispose();
        _map.Dispose();
        _handle.Dispose();
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
