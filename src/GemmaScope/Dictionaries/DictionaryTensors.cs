using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>
/// The tensors of one weights file, npz or safetensors, handed out checked: present, of a float type, of the expected
/// shape and, where asked, finite. Types the kernels cannot read in place are widened into own memory.
/// </summary>
internal sealed class DictionaryTensors : IMappedFiles, IDisposable
{
    private readonly NpzFile? _npz;
    private readonly SafetensorsFile? _safetensors;
    private readonly bool _check;
    private readonly List<Tensor> _widened = [];

    private DictionaryTensors(NpzFile? npz, SafetensorsFile? safetensors, string path, bool check) =>
        (_npz, _safetensors, Path, _check) = (npz, safetensors, path, check);

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Opens a file by its ending.</summary>
    /// <param name="path">An npz or safetensors file.</param>
    /// <param name="check">Whether checksums and values are checked, which reads every weight once.</param>
    public static DictionaryTensors Open(string path, bool check)
    {
        if (path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
            return new(null, SafetensorsFile.Open(path), path, check);
        if (!path.EndsWith(".npz", StringComparison.OrdinalIgnoreCase))
            throw new FileFormatException(
                "is no dictionary file; params.npz, params.safetensors or sae_weights.safetensors is needed",
                path
            );
        var npz = NpzFile.Open(path);
        try
        {
            if (check)
                npz.Verify();
            return new(npz, null, path, check);
        }
        catch
        {
            npz.Dispose();
            throw;
        }
    }

    public void RequireWhole() => ((IMappedFiles?)_npz ?? _safetensors)?.RequireWhole();

    /// <summary>Whether there is such a tensor.</summary>
    public bool Has(string name) => _npz?.Arrays.ContainsKey(name) ?? _safetensors!.Tensors.ContainsKey(name);

    /// <summary>The stored type of a tensor.</summary>
    public DType TypeOf(string name) => Raw(name).Type;

    /// <summary>The dimensions of a tensor.</summary>
    public long[] Shape(string name) => Raw(name).Shape.ToArray();

    /// <summary>Number of values of a vector.</summary>
    public int Length(string name)
    {
        var shape = Raw(name).Shape;
        return shape.Length == 1 && shape[0] is > 0 and <= int.MaxValue
            ? (int)shape[0]
            : throw new FileFormatException($"{name} has shape {FileChecks.Format(shape)}, a vector is needed", Path);
    }

    /// <summary>A vector as f32.</summary>
    public float[] Vector(string name, int length)
    {
        if (Length(name) is var found && found != length)
            throw new FileFormatException($"{name} has {found} values, expected {length}", Path);
        var tensor = Checked(name, Raw(name));
        using var wide = tensor.ToF32();
        RequireFinite(name, wide, tensor.Type == DType.F64);
        return wide.AsSpan().ToArray();
    }

    /// <summary>A matrix in a type that the kernels read in place.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="shape">The shape it must have.</param>
    /// <param name="reason">What asks for that shape, e.g. "by W_dec and the biases".</param>
    public Tensor Matrix(string name, ReadOnlySpan<long> shape, string reason)
    {
        var tensor = Shaped(name, shape, reason);
        return tensor.Type.IsWeightType() ? Checked(name, tensor) : Widened(name, Checked(name, tensor));
    }

    /// <summary>The same for a tensor of which only parts are used: nothing is checked but its shape.</summary>
    public Tensor Shaped(string name, ReadOnlySpan<long> shape, string reason)
    {
        var tensor = Raw(name);
        if (!tensor.Shape.SequenceEqual(shape))
            throw new FileFormatException(
                $"{name} has shape {FileChecks.Format(tensor.Shape)}, expected {FileChecks.Format(shape)} {reason}",
                Path
            );
        return tensor;
    }

    /// <summary>Refuses NaN and infinity in a part of a tensor, if values are checked at all.</summary>
    public void RequireFinite(string name, Tensor part, bool always = false)
    {
        if (_check || always)
            TensorChecks.RequireFinite(part, name, Path);
    }

    /// <summary>Unmaps the file and frees what was widened.</summary>
    public void Dispose()
    {
        foreach (var tensor in _widened)
            tensor.Dispose();
        _npz?.Dispose();
        _safetensors?.Dispose();
    }

    private Tensor Checked(string name, Tensor tensor)
    {
        RequireFinite(name, tensor);
        return tensor;
    }

    /// <summary>A value of an f64 tensor may be too large for f32.</summary>
    private Tensor Widened(string name, Tensor tensor)
    {
        var wide = tensor.ToF32();
        _widened.Add(wide);
        RequireFinite(name, wide);
        return wide;
    }

    private Tensor Raw(string name)
    {
        var tensor = _npz is not null ? _npz[name] : _safetensors![name];
        return tensor.Type.IsWeightType() || tensor.Type == DType.F64
            ? tensor
            : throw new FileFormatException($"{name} has type {tensor.Type}; F32, BF16, F16 and F64 are supported", Path);
    }
}
