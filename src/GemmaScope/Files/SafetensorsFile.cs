using System.IO.MemoryMappedFiles;
using System.Text.Json;
using GemmaScope.Numerics;

namespace GemmaScope.Files;

/// <summary>One safetensors file, mapped: tensors are views of the mapping and live as long as this object.</summary>
public sealed unsafe class SafetensorsFile : IDisposable
{
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private readonly Dictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);
    private byte* _pointer;

    private SafetensorsFile(string path)
    {
        Path = path;
        var length = new FileInfo(path).Length;
        _map = MemoryMappedFile.CreateFromFile(path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        _view = _map.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _pointer);
        var header = checked((int)*(ulong*)_pointer);
        using var json = JsonDocument.Parse(new ReadOnlySpan<byte>(_pointer + 8, header).ToArray());
        foreach (var entry in json.RootElement.EnumerateObject())
        {
            if (entry.Name == "__metadata__")
            {
                foreach (var pair in entry.Value.EnumerateObject()) _metadata[pair.Name] = pair.Value.GetString()!;
                continue;
            }
            var type = Enum.Parse<DType>(entry.Value.GetProperty("dtype").GetString()!.Replace("_", "", StringComparison.Ordinal), ignoreCase: true);
            var shape = entry.Value.GetProperty("shape").EnumerateArray().Select(v => v.GetInt64()).ToArray();
            var start = entry.Value.GetProperty("data_offsets")[0].GetInt64();
            _tensors[entry.Name] = Tensor.Borrow(_pointer + 8 + header + start, type, shape, this);
        }
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The <c>__metadata__</c> strings.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _metadata;

    /// <summary>All tensors by name.</summary>
    public IReadOnlyDictionary<string, Tensor> Tensors => _tensors;

    /// <summary>Opens a file and checks its structure.</summary>
    /// <exception cref="FileFormatException">The file is missing or malformed.</exception>
    public static SafetensorsFile Open(string path) => new(path);

    /// <summary>The tensor of that name.</summary>
    /// <exception cref="FileFormatException">There is none.</exception>
    public Tensor this[string name] => _tensors.TryGetValue(name, out var tensor)
        ? tensor
        : throw new FileFormatException($"has no tensor '{name}'", Path);

    /// <summary>Unmaps the file; its tensors must not be used any more.</summary>
    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _map.Dispose();
    }
}
