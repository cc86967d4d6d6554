using GemmaScope.Numerics;

namespace GemmaScope.Files;

/// <summary>One GGUF file, mapped: tensors are views of the mapping and live as long as this object.</summary>
internal sealed unsafe class GgufShard : IMappedFiles
{
    private readonly MappedFile _file;
    private readonly Dictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);

    private readonly int _headerBytes;

    private GgufShard(MappedFile file, GgufHeader header)
    {
        (_file, Metadata, Version) = (file, new(file, header.Values), header.Version);
        _headerBytes = (int)Math.Min(Math.Min(header.DataStart, file.Length), int.MaxValue);
        foreach (var (name, entry) in header.Entries)
            _tensors[name] = Tensor.Borrow(file.Pointer + header.DataStart + entry.Begin, entry.Type, entry.Shape, this);
    }

    /// <summary>The file.</summary>
    public string Path => _file.Path;

    /// <summary>Bytes of the file.</summary>
    public long Length => _file.Length;

    /// <summary>Version of the format.</summary>
    public uint Version { get; }

    /// <summary>The bytes before the data.</summary>
    public ReadOnlySpan<byte> Header => _file.Span(0, _headerBytes);

    /// <summary>Its keys.</summary>
    public GgufMetadata Metadata { get; }

    /// <summary>All tensors by name, shapes with their rows first.</summary>
    public IReadOnlyDictionary<string, Tensor> Tensors => _tensors;

    /// <summary>Maps a file and checks every structural rule of the format; no tensor data is read.</summary>
    /// <exception cref="FileFormatException">The file is missing or malformed.</exception>
    public static GgufShard Open(string path)
    {
        var file = new MappedFile(path);
        try
        {
            return new GgufShard(file, GgufHeader.Read(file));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void RequireWhole() => _file.RequireWhole();

    public void Dispose() => _file.Dispose();
}
