using GemmaScope.Numerics;

namespace GemmaScope.Files;

/// <summary>
/// A tensor to be written: its name, type and shape are known at once, its bytes only when the file is written, so a
/// file may be larger than memory.
/// </summary>
public sealed class TensorSource
{
    private const int BlockBytes = 1 << 20;

    private readonly Action<Stream> _write;

    /// <summary>A tensor whose bytes are made while it is written.</summary>
    /// <param name="name">Its name in the file.</param>
    /// <param name="type">Element type.</param>
    /// <param name="shape">Dimensions, outermost first.</param>
    /// <param name="write">Writes exactly the row-major little-endian bytes of the tensor.</param>
    public TensorSource(string name, DType type, ReadOnlySpan<long> shape, Action<Stream> write)
    {
        var size = FileChecks.ByteSize(shape, type.BlockBytes());
        ByteLength = size / type.BlockLength();
        if (size < 0 || (type.IsBlockType() && (shape.Length < 2 || shape[^1] % type.BlockLength() != 0)))
            throw new ArgumentProblemException($"{FileChecks.Format(shape)} is no shape of {type}", name);
        (Name, Type, Shape, _write) = (name, type, shape.ToArray(), write);
    }

    /// <summary>A tensor in memory or in a mapped file.</summary>
    public TensorSource(string name, Tensor tensor)
        : this(name, tensor.Type, tensor.Shape, stream => Copy(tensor, stream)) { }

    /// <summary>Its name in the file.</summary>
    public string Name { get; }

    /// <summary>Element type.</summary>
    public DType Type { get; }

    /// <summary>Dimensions, outermost first.</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>Number of bytes.</summary>
    public long ByteLength { get; }

    /// <summary>Refuses tensors that share a name.</summary>
    internal static void RequireDistinctNames(IEnumerable<TensorSource> tensors)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var tensor in tensors)
        {
            if (!names.Add(tensor.Name))
                throw new ArgumentProblemException("two tensors have this name", tensor.Name);
        }
    }

    /// <summary>Writes the tensor's bytes and checks their number.</summary>
    internal void Write(CountingStream stream)
    {
        var start = stream.Count;
        _write(stream);
        if (stream.Count - start != ByteLength)
        {
            throw new InvalidOperationException($"tensor {Name} needs {ByteLength} bytes but {stream.Count - start} were written");
        }
    }

    private static unsafe void Copy(Tensor tensor, Stream stream)
    {
        for (long at = 0; at < tensor.ByteLength; at += BlockBytes)
        {
            stream.Write(new ReadOnlySpan<byte>(tensor.Pointer + at, (int)Math.Min(BlockBytes, tensor.ByteLength - at)));
        }
    }
}
