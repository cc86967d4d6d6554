using GemmaScope.Numerics;

namespace GemmaScope.Files;

/// <summary>One npy file, mapped: a row-major array is a view of the mapping, any other is copied into own memory.</summary>
public sealed unsafe class NpyFile : IDisposable
{
    private readonly MappedFile _file;

    private NpyFile(MappedFile file)
    {
        _file = file;
        using var content = new UnmanagedMemoryStream(file.Pointer, file.Length);
        Header = NpyHeader.Read(content, file.Length, "the file", file.Path);
        var data = file.Pointer + Header.DataOffset;
        Tensor = Header.IsNative ? Tensor.Borrow(data, Header.Type, [.. Header.Shape], this) : NpyLayout.ToNative(data, Header);
    }

    /// <summary>The file.</summary>
    public string Path => _file.Path;

    /// <summary>What the array is.</summary>
    public NpyHeader Header { get; }

    /// <summary>The array; it lives as long as this object.</summary>
    public Tensor Tensor { get; }

    /// <summary>Maps a file and checks its header.</summary>
    /// <exception cref="FileFormatException">The file is missing or malformed, or holds no plain numbers.</exception>
    public static NpyFile Open(string path)
    {
        var file = new MappedFile(path);
        try
        {
            return new NpyFile(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Unmaps the file; the tensor must not be used any more.</summary>
    public void Dispose()
    {
        Tensor.Dispose();
        _file.Dispose();
    }
}
