using System.Numerics.Tensors;
using GemmaScope.Files;
using GemmaScope.Numerics;

namespace GemmaScope.Dictionaries;

/// <summary>
/// The tensors of one weights file, whatever its format, handed out checked: present, of a float type, of the expected
/// shape and, where asked, finite. Types the kernels cannot read in place are widened into own memory.
/// </summary>
internal sealed class DictionaryTensors : IMappedFiles
{
    private readonly IMappedFiles _file;
    private readonly IReadOnlyDictionary<string, Func<Tensor>> _tensors;
    private readonly bool _check;
    private readonly List<Tensor> _own = [];
    private readonly HashSet<string> _used = new(StringComparer.Ordinal);

    private DictionaryTensors(IMappedFiles file, IEnumerable<KeyValuePair<string, Func<Tensor>>> tensors, string path, bool check) =>
        (_file, _tensors, Path, _check) = (file, new Dictionary<string, Func<Tensor>>(tensors, StringComparer.Ordinal), path, check);

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Opens a file by its ending.</summary>
    /// <param name="path">An npz, safetensors or PyTorch file.</param>
    /// <param name="check">Whether checksums and values are checked, which reads every weight once.</param>
    public static DictionaryTensors Open(string path, bool check)
    {
        static KeyValuePair<string, Func<Tensor>> Pair(string name, Func<Tensor> read) => new(name, read);
        switch (System.IO.Path.GetExtension(path).ToLowerInvariant())
        {
            case ".safetensors":
                var safetensors = SafetensorsFile.Open(path);
                return new(safetensors, safetensors.Tensors.Select(pair => Pair(pair.Key, () => pair.Value)), path, check);
            case ".npz":
                var npz = Checked(NpzFile.Open(path), file => file.Verify(), check);
                return new(npz, npz.Arrays.Keys.Select(name => Pair(name, () => npz[name])), path, check);
            case ".pt" or ".pth":
                var torch = Checked(TorchFile.Open(path), file => file.Verify(), check);
                return new(torch, torch.Names.Select(name => Pair(name, () => torch[name])), path, check);
            default:
                throw new FileFormatException(
                    "is no dictionary file; params.npz, params.safetensors, sae_weights.safetensors, sae.safetensors or ae.pt is needed",
                    path
                );
        }
    }

    public void RequireWhole() => _file.RequireWhole();

    /// <summary>Whether there is such a tensor.</summary>
    public bool Has(string name) => _tensors.ContainsKey(name);

    /// <summary>Says that a tensor is known and of no consequence.</summary>
    public void Ignore(string name) => _used.Add(name);

    /// <summary>A tensor of one number, of any type that holds one.</summary>
    public float Scalar(string name)
    {
        _used.Add(name);
        if (!_tensors.TryGetValue(name, out var read))
            throw new FileFormatException($"the tensor '{name}' is missing", Path);
        var tensor = read();
        unsafe
        {
            return (tensor.Length, tensor.Type) switch
            {
                (not 1, _) => throw new FileFormatException(
                    $"{name} has shape {FileChecks.Format(tensor.Shape)}, one number is needed",
                    Path
                ),
                (_, DType.I64) => *(long*)tensor.Pointer,
                (_, DType.I32) => *(int*)tensor.Pointer,
                _ => FloatOf(name, tensor),
            };
        }
    }

    private float FloatOf(string name, Tensor tensor)
    {
        if (!tensor.Type.IsWeightType() && tensor.Type != DType.F64)
            throw new FileFormatException($"{name} has type {tensor.Type}, a number is needed", Path);
        using var wide = tensor.ToF32();
        return float.IsFinite(wide.AsSpan()[0]) ? wide.AsSpan()[0] : throw new FileFormatException($"{name} is {wide.AsSpan()[0]}", Path);
    }

    /// <summary>Refuses tensors that no reader has asked for: a bias, a scale or a second matrix that would silently be left out.</summary>
    /// <param name="form">What the dictionary was taken for.</param>
    /// <exception cref="FileFormatException">There is one.</exception>
    public void RequireAllUsed(string form)
    {
        if (_tensors.Keys.Where(name => !_used.Contains(name)).Order(StringComparer.Ordinal).FirstOrDefault() is { } unused)
            throw new FileFormatException(
                $"holds the tensor '{unused}', which {form} does not have; left out it would make results wrong",
                Path
            );
    }

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

    /// <summary>A matrix as f32 in own memory with each row multiplied by a factor.</summary>
    public Tensor ScaledRows(string name, float[] factors)
    {
        var wide = Raw(name).ToF32();
        _own.Add(wide);
        for (var i = 0; i < wide.Rows; i++)
            TensorPrimitives.Multiply(wide.Row(i), factors[i], wide.Row(i));
        RequireFinite(name, wide);
        return wide;
    }

    /// <summary>A matrix as <see cref="Matrix"/> gives it, with rows and columns exchanged, in own memory.</summary>
    public Tensor Transposed(string name, ReadOnlySpan<long> stored, string reason)
    {
        using var wide = Shaped(name, stored, reason).ToF32();
        var turned = Tensor.Uninitialized(wide.Columns, wide.Rows);
        _own.Add(turned);
        for (var i = 0; i < wide.Rows; i++)
        {
            var row = wide.Row(i);
            for (var j = 0; j < row.Length; j++)
                turned.Row(j)[i] = row[j];
        }
        RequireFinite(name, turned);
        return turned;
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
        foreach (var tensor in _own)
            tensor.Dispose();
        _file.Dispose();
    }

    private static T Checked<T>(T file, Action<T> verify, bool check)
        where T : IDisposable
    {
        try
        {
            if (check)
                verify(file);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
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
        _own.Add(wide);
        RequireFinite(name, wide);
        return wide;
    }

    private Tensor Raw(string name)
    {
        if (!_tensors.TryGetValue(name, out var read))
            throw new FileFormatException($"the tensor '{name}' is missing", Path);
        _used.Add(name);
        var tensor = read();
        return tensor.Type.IsWeightType() || tensor.Type == DType.F64
            ? tensor
            : throw new FileFormatException($"{name} has type {tensor.Type}; F32, BF16, F16 and F64 are supported", Path);
    }
}
