using System.IO.MemoryMappedFiles;
using GemmaScope.Numerics;

namespace GemmaScope.Circuits;

/// <summary>A nameless file for what does not fit into memory; it goes away with whoever uses it, even one that is killed.</summary>
internal static class ScratchFile
{
    /// <summary>Opens a new one.</summary>
    /// <param name="folder">Where; null for the system's folder for temporary files.</param>
    /// <param name="bytes">Room that is taken on the disk at once, so that a full disk is an error now and not in the midst of use.</param>
    /// <exception cref="GemmaScopeException">It cannot be made.</exception>
    public static FileStream Open(string? folder, long bytes = 0)
    {
        var path = Path.Combine(folder ?? Path.GetTempPath(), $"gemmascope-{Guid.NewGuid():N}.scratch");
        try
        {
            if (folder is not null)
                Directory.CreateDirectory(folder);
            var stream = new FileStream(
                path,
                new FileStreamOptions
                {
                    Mode = FileMode.CreateNew,
                    Access = FileAccess.ReadWrite,
                    Share = FileShare.Delete,
                    BufferSize = 0,
                    Options = FileOptions.DeleteOnClose,
                    PreallocationSize = bytes,
                }
            );
            // Where an open file may lose its name, a process that is killed leaves nothing behind.
            if (!OperatingSystem.IsWindows())
                File.Delete(path);
            return stream;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new GemmaScopeException($"what does not fit into memory cannot be kept there: {problem.Message}", path, problem);
        }
    }

    /// <summary>Reads all of a run of bytes.</summary>
    /// <exception cref="FileFormatException">The file ends before.</exception>
    public static void ReadExactly(FileStream file, Span<byte> bytes, long offset)
    {
        while (bytes.Length > 0)
        {
            var read = RandomAccess.Read(file.SafeFileHandle, bytes, offset);
            if (read == 0)
                throw new FileFormatException("the file was cut while it was in use", file.Name);
            bytes = bytes[read..];
            offset += read;
        }
    }
}

/// <summary>Memory for large tensors: own up to some size, and from there on mapped from scratch files, which the system writes out where
/// it needs the room.</summary>
/// <param name="folder">Where files go; null for the system's folder for temporary files.</param>
/// <param name="mostInMemory">Bytes of own memory at most.</param>
internal sealed unsafe class ScratchMemory(string? folder, long mostInMemory) : IDisposable
{
    private readonly List<IDisposable> _owned = [];
    private long _used;

    /// <summary>An f32 tensor [length] with undefined contents, valid until this is disposed.</summary>
    public Tensor Allocate(long length)
    {
        var bytes = length * sizeof(float);
        if (_used + bytes > mostInMemory)
            return Mapped(length, bytes);
        _used += bytes;
        var tensor = Tensor.Uninitialized(length);
        _owned.Add(tensor);
        return tensor;
    }

    public void Dispose()
    {
        foreach (var one in Enumerable.Reverse(_owned))
            one.Dispose();
        _owned.Clear();
    }

    private Tensor Mapped(long length, long bytes)
    {
        var stream = ScratchFile.Open(folder, bytes);
        _owned.Add(stream);
        try
        {
            var map = MemoryMappedFile.CreateFromFile(
                stream,
                null,
                bytes,
                MemoryMappedFileAccess.ReadWrite,
                HandleInheritability.None,
                leaveOpen: true
            );
            _owned.Add(map);
            var view = map.CreateViewAccessor(0, bytes);
            _owned.Add(view);
            byte* pointer = null;
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
            _owned.Add(new Released(view.SafeMemoryMappedViewHandle));
            return Tensor.Borrow(pointer, DType.F32, [length], view);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new GemmaScopeException($"what does not fit into memory cannot be kept: {problem.Message}", stream.Name, problem);
        }
    }

    private sealed class Released(System.Runtime.InteropServices.SafeBuffer buffer) : IDisposable
    {
        public void Dispose() => buffer.ReleasePointer();
    }
}
