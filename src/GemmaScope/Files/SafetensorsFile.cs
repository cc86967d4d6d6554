using GemmaScope.Numerics;

namespace GemmaScope.Files;

/// <summary>
/// One safetensors file, mapped: tensors are views of the mapping and live as long as this object. The format does
/// not promise alignment, so a tensor may begin at any byte; kernels must load with unaligned instructions.
/// </summary>
public sealed unsafe class SafetensorsFile : IMappedFiles
{
    private readonly MappedFile _file;
    private readonly Dictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);

    private SafetensorsFile(MappedFile file, SafetensorsHeader header)
    {
        (_file, Metadata) = (file, header.Metadata);
        foreach (var (name, entry) in header.Entries)
        {
            _tensors[name] = Tensor.Borrow(file.Pointer + header.DataStart + entry.Begin, entry.Type, entry.Shape, this);
        }
    }

    /// <summary>The file.</summary>
    public string Path => _file.Path;

    /// <summary>The <c>__metadata__</c> strings.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>All tensors by name.</summary>
    public IReadOnlyDictionary<string, Tensor> Tensors => _tensors;

    /// <summary>Maps a file and checks every structural rule of the format; no tensor data is read.</summary>
    /// <exception cref="FileFormatException">The file is missing or malformed.</exception>
    public static SafetensorsFile Open(string path)
    {
        var file = new MappedFile(path);
        try
        {
            return new SafetensorsFile(file, SafetensorsHeader.Read(file));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The tensor of that name.</summary>
    /// <exception cref="FileFormatException">There is none.</exception>
    public Tensor this[string name] =>
        _tensors.TryGetValue(name, out var tensor) ? tensor : throw new FileFormatException($"the tensor '{name}' is missing", Path);

    void IMappedFiles.RequireWhole() => _file.RequireWhole();

    /// <summary>Unmaps the file; its tensors must not be used any more.</summary>
    public void Dispose() => _file.Dispose();
}
