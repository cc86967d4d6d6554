using System.Globalization;
using GemmaScope.Numerics;

namespace GemmaScope.Files;

/// <summary>
/// The tensors of a file that <c>torch.save</c> wrote (.pt, .pth), mapped: a zip archive of raw storages and a pickle that says which
/// part of which storage each tensor is. Nothing in the pickle is run (see <see cref="Pickle"/>). A dictionary of tensors has their names,
/// also through nested dictionaries (<c>state.encoder.weight</c>); a single tensor has the name "". What is laid out row by row is a view
/// of the mapping, what is strided otherwise is copied when first asked for.
/// </summary>
public sealed unsafe class TorchFile : IMappedFiles
{
    /// <summary>A pickle of descriptions is small; the weights lie beside it.</summary>
    private const int LargestPickle = 64 << 20;

    private const int DeepestNesting = 16;

    private readonly MappedFile _file;
    private readonly Dictionary<string, ZipMember> _storages = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Pickle.Call> _tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Tensor> _read = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _numbers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _texts = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

    private TorchFile(MappedFile file)
    {
        _file = file;
        RequireArchive();
        ZipMember? description = null;
        foreach (var member in ZipDirectory.Read(file))
        {
            var slash = member.Name.IndexOf('/');
            var name = member.Name[(slash + 1)..];
            if (name == "data.pkl")
                description = member;
            else if (name.StartsWith("data/", StringComparison.Ordinal))
                _storages[name["data/".Length..]] = member;
            else if (name == "byteorder" && !_file.Span(member.Start, (int)Math.Min(member.StoredSize, 16)).StartsWith("little"u8))
                throw Bad("it was written on a big-endian machine, which is not supported");
            else if (name == "constants.pkl" || name.StartsWith("code/", StringComparison.Ordinal))
                throw Bad("this is a TorchScript program, not a file of tensors; save its state_dict");
        }
        if (description is null)
            throw Bad("the archive holds no data.pkl; it is no file of torch.save");
        if (description.Deflated || description.Size > LargestPickle)
            throw Bad("its data.pkl is compressed or too large, as torch.save never writes it");
        Collect(Pickle.Read(_file.Span(description.Start, (int)description.Size).ToArray(), Path), "", 0);
    }

    /// <summary>The file.</summary>
    public string Path => _file.Path;

    /// <summary>The names of its tensors.</summary>
    public IReadOnlyCollection<string> Names => _tensors.Keys;

    /// <summary>Whole numbers that stand among the tensors.</summary>
    internal IReadOnlyDictionary<string, long> Numbers => _numbers;

    /// <summary>Texts, fractions and flags that stand among the tensors.</summary>
    internal IReadOnlyDictionary<string, string> Texts => _texts;

    /// <summary>Maps a file and reads what it holds; no weight is read.</summary>
    /// <exception cref="FileFormatException">It is missing, damaged, or its pickle asks for more than tensors.</exception>
    public static TorchFile Open(string path)
    {
        var file = new MappedFile(path);
        try
        {
            return new TorchFile(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The tensor of that name, row by row.</summary>
    /// <exception cref="FileFormatException">There is none, or it leaves its storage.</exception>
    public Tensor this[string name]
    {
        get
        {
            if (!_tensors.TryGetValue(name, out var call))
                throw new FileFormatException($"the tensor '{name}' is missing", Path);
            lock (_lock)
            {
                if (!_read.TryGetValue(name, out var tensor))
                    _read[name] = tensor = Load(name, call);
                return tensor;
            }
        }
    }

    /// <summary>Compares the bytes of all storages with their checksums, which reads the whole file.</summary>
    /// <exception cref="FileFormatException">One does not match.</exception>
    public void Verify()
    {
        foreach (var member in _storages.Values)
        {
            uint crc = 0;
            for (long at = 0; at < member.StoredSize; at += 1 << 20)
                crc = Crc32.Append(crc, _file.Span(member.Start + at, (int)Math.Min(1 << 20, member.StoredSize - at)));
            if (!member.Deflated && crc != member.Crc)
                throw Bad($"the checksum of member {member.Name} does not match; the file is damaged, copy or download it again");
        }
    }

    void IMappedFiles.RequireWhole() => _file.RequireWhole();

    /// <summary>Unmaps the file and frees what was copied.</summary>
    public void Dispose()
    {
        foreach (var tensor in _read.Values)
            tensor.Dispose();
        _file.Dispose();
    }

    private void RequireArchive()
    {
        var head = _file.Span(0, (int)Math.Min(_file.Length, 32));
        if (head.StartsWith("PK"u8))
            return;
        throw Bad(
            head.Length > 0 && head[0] == 0x80
                ? "this is a pickle from before PyTorch 1.6 (or of another program), which is not read; save it again with torch.save"
                : "this is no file of torch.save"
        );
    }

    /// <summary>Finds the tensors in nested dictionaries and lists; what else stands between them is kept by name.</summary>
    private void Collect(object? value, string name, int depth)
    {
        if (depth > DeepestNesting)
            throw Bad("its dictionaries are nested too deeply");
        string Inner(object key) => name.Length == 0 ? $"{key}" : $"{name}.{key}";
        switch (value)
        {
            case Pickle.Call { Function: "torch._utils._rebuild_parameter", Arguments: [var inner, ..] }:
                Collect(inner, name, depth + 1);
                break;
            case Pickle.Call { Function: "torch._utils._rebuild_tensor_v2" or "torch._utils._rebuild_tensor" } call:
                _tensors[name] = call;
                break;
            case Dictionary<object, object?> dictionary:
                foreach (var (key, item) in dictionary)
                    Collect(item, Inner(key), depth + 1);
                break;
            case List<object?> list:
                for (var i = 0; i < list.Count; i++)
                    Collect(list[i], Inner(i), depth + 1);
                break;
            case object?[] tuple:
                for (var i = 0; i < tuple.Length; i++)
                    Collect(tuple[i], Inner(i), depth + 1);
                break;
            case long number:
                _numbers[name] = number;
                break;
            case string or double or bool:
                _texts[name] = Convert.ToString(value, CultureInfo.InvariantCulture)!;
                break;
        }
    }

    private Tensor Load(string name, Pickle.Call call)
    {
        if (
            call.Arguments is not [Pickle.External external, long offset, object?[] sizes, object?[] steps, ..]
            || external.Description is not ["storage", Pickle.Function kind, string key, ..]
        )
            throw Bad($"tensor '{name}' is described in a way that is not known");
        if (!_storages.TryGetValue(key, out var storage))
            throw Bad($"the archive has no member data/{key}, where tensor '{name}' should lie; the file is damaged");
        var type = TypeOf(kind.Name);
        if (storage.Deflated)
            throw Bad($"the storage of tensor '{name}' is compressed, which torch.save never writes");
        long[] shape = [.. sizes.Select(Whole)],
            strides = [.. steps.Select(Whole)];
        var elements = storage.StoredSize / type.Size();
        if (external.Description is not [_, _, _, _, long said, ..] || said < 0 || said > elements)
            throw Bad($"the storage of tensor '{name}' does not hold what it announces; the file is cut off or damaged");
        if (
            shape.Length != strides.Length
            || FileChecks.ByteSize(shape, type.Size()) < 0
            || offset < 0
            || !Inside(shape, strides, offset, elements)
        )
            throw Bad($"tensor '{name}' leaves its storage; the file is damaged");
        var data = _file.Pointer + storage.Start + offset * type.Size();
        return IsRowMajor(shape, strides) ? Tensor.Borrow(data, type, shape, this) : Copied(data, type, shape, strides);

        long Whole(object? value) => value as long? ?? throw Bad($"tensor '{name}' has a size that is no whole number");
    }

    private DType TypeOf(string storage) =>
        storage switch
        {
            "torch.FloatStorage" => DType.F32,
            "torch.DoubleStorage" => DType.F64,
            "torch.HalfStorage" => DType.F16,
            "torch.BFloat16Storage" => DType.BF16,
            "torch.LongStorage" => DType.I64,
            "torch.IntStorage" => DType.I32,
            "torch.ShortStorage" => DType.I16,
            "torch.CharStorage" => DType.I8,
            "torch.ByteStorage" => DType.U8,
            "torch.BoolStorage" => DType.Bool,
            _ => throw Bad($"a storage of type {storage} is not known"),
        };

    /// <summary>Whether the first and the last element lie in the storage, and it holds as many as the tensor: one that repeats its values
    /// would take memory that no file backs. Strides of PyTorch are never negative.</summary>
    private static bool Inside(long[] shape, long[] strides, long offset, long elements)
    {
        if (shape.Contains(0))
            return offset <= elements;
        if (FileChecks.ByteSize(shape, 1) > elements)
            return false;
        var last = offset;
        for (var i = 0; i < shape.Length; i++)
        {
            if (strides[i] < 0 || (strides[i] > 0 && shape[i] - 1 > (elements - last) / strides[i]))
                return false;
            last += (shape[i] - 1) * strides[i];
        }
        return last < elements;
    }

    private static bool IsRowMajor(long[] shape, long[] strides)
    {
        long expected = 1;
        for (var i = shape.Length - 1; i >= 0; i--)
        {
            if (shape[i] != 1 && strides[i] != expected)
                return false;
            expected *= shape[i];
        }
        return true;
    }

    /// <summary>A transposed or cut tensor, brought into rows.</summary>
    private static Tensor Copied(byte* data, DType type, long[] shape, long[] strides)
    {
        var (size, target) = (type.Size(), Tensor.Allocate(type, shape, clear: false));
        var index = new long[shape.Length];
        for (long i = 0; i < target.Length; i++)
        {
            long from = 0;
            for (var j = 0; j < index.Length; j++)
                from += index[j] * strides[j];
            new ReadOnlySpan<byte>(data + from * size, size).CopyTo(new Span<byte>(target.Pointer + i * size, size));
            for (var j = index.Length - 1; j >= 0 && ++index[j] == shape[j]; j--)
                index[j] = 0;
        }
        return target;
    }

    private FileFormatException Bad(string problem) => new(problem, Path);
}
