using System.Buffers.Binary;
using System.Text;
using GemmaScope.Numerics;

namespace GemmaScope.Files;

/// <summary>What an array in NumPy's npy format is: magic, version, and a Python dictionary of type, order and shape.</summary>
public sealed class NpyHeader
{
    private const int LongestText = 1 << 20;

    /// <summary>NumPy begins the data at a multiple of this.</summary>
    private const int Alignment = 64;

    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    internal NpyHeader(NpyType type, bool fortranOrder, long[] shape, int dataOffset) =>
        (Stored, FortranOrder, Shape, DataOffset) = (type, fortranOrder, shape, dataOffset);

    /// <summary>Element type.</summary>
    public DType Type => Stored.Type;

    /// <summary>Dimensions, outermost first.</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>True where the first index runs fastest in the file; tensors made from it are row-major all the same.</summary>
    public bool FortranOrder { get; }

    /// <summary>The type with its byte order.</summary>
    internal NpyType Stored { get; }

    /// <summary>Bytes before the data.</summary>
    internal int DataOffset { get; }

    /// <summary>Bytes of the data.</summary>
    internal long ByteLength => FileChecks.ByteSize(Shape.ToArray(), Type.Size());

    /// <summary>True where the file's bytes are those of a row-major tensor in this machine's byte order.</summary>
    internal bool IsNative => !Stored.BigEndian && !(FortranOrder && Shape.Count > 1);

    /// <summary>Reads a header and checks that the array has exactly the size its file or member has room for.</summary>
    /// <param name="stream">Positioned at the magic bytes.</param>
    /// <param name="available">Bytes of the whole array, header included.</param>
    /// <param name="what">What to call the array in messages.</param>
    /// <param name="file">The file, for messages.</param>
    internal static NpyHeader Read(Stream stream, long available, string what, string file)
    {
        Span<byte> start = stackalloc byte[12];
        if (available < 10 || stream.ReadAtLeast(start[..10], 10, throwOnEndOfStream: false) < 10 || !start.StartsWith(Magic))
        {
            throw new FileFormatException($"{what} is not a NumPy array", file);
        }
        var version = start[6];
        if (version is < 1 or > 3)
            throw new FileFormatException($"{what} has npy version {version}, known are 1 to 3", file);
        var prefix = version == 1 ? 10 : 12;
        if (version > 1 && stream.ReadAtLeast(start[10..], 2, throwOnEndOfStream: false) < 2)
            throw new FileFormatException($"{what} is cut off", file);
        long length =
            version == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(start[8..]) : BinaryPrimitives.ReadUInt32LittleEndian(start[8..]);
        if (length > Math.Min(available - prefix, LongestText))
            throw new FileFormatException($"{what}: the header length ({length}) is impossible", file);
        var text = new byte[length];
        if (stream.ReadAtLeast(text, text.Length, throwOnEndOfStream: false) < text.Length)
            throw new FileFormatException($"{what} is cut off", file);

        var header = new NpyHeaderParser((version == 3 ? Encoding.UTF8 : Encoding.Latin1).GetString(text), what, file).Parse(
            prefix + text.Length
        );
        header.CheckSize(available, what, file);
        return header;
    }

    /// <summary>The header of a row-major array, padded as NumPy does so that the data begins at a multiple of 64 bytes.</summary>
    internal static byte[] Make(TensorSource tensor)
    {
        var shape = string.Concat(tensor.Shape.Select(n => $"{n}, "));
        if (tensor.Shape.Count > 1)
            shape = shape[..^2];
        var text = $"{{'descr': '{NpyType.DescriptionOf(tensor)}', 'fortran_order': False, 'shape': ({shape.TrimEnd()}), }}";
        const int prefix = 10;
        var length = (prefix + text.Length + 1 + Alignment - 1) / Alignment * Alignment - prefix;
        var header = new byte[prefix + length];
        Magic.CopyTo(header);
        header[6] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(8), checked((ushort)length));
        Encoding.ASCII.GetBytes(text.PadRight(length - 1) + "\n", header.AsSpan(prefix));
        return header;
    }

    private void CheckSize(long available, string what, string file)
    {
        var bytes = ByteLength;
        var shape = FileChecks.Format(Shape.ToArray());
        if (bytes < 0)
            throw new FileFormatException($"{what} declares an impossible size: {Type}{shape}", file);
        var room = available - DataOffset;
        if (bytes == room)
            return;
        throw new FileFormatException(
            bytes > room
                ? $"{what} holds fewer bytes than its shape needs: {Type}{shape} needs {bytes}, there are {room}"
                : $"{what} has {room - bytes} unused bytes after its {bytes} bytes of data",
            file
        );
    }
}
