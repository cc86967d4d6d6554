using System.Buffers.Binary;
using GemmaScope.Files;

namespace GemmaScope.Circuits;

/// <summary>The parts of a graph file, in the order in which they lie.</summary>
internal enum GraphSection
{
    Head,
    NodeTexts,
    Records,
    Order,
    ById,
    InStarts,
    InEdges,
    OutStarts,
    OutEdges,
}

/// <summary>A run of bytes.</summary>
internal readonly record struct FileRange(long Offset, long Length);

/// <summary>
/// The first <see cref="Size"/> bytes of a graph file: eight that name the form, its version, the number of nodes and of links, offset and
/// length of each section, the CRC-32 of all behind the header, and at the end that of the header before it.
/// </summary>
internal sealed class GraphFileHeader
{
    public const int Size = 176;

    private const int Version = 1,
        SectionTable = 24,
        BodyChecksum = Size - 8,
        OwnChecksum = Size - 4;

    private static readonly GraphSection[] Sections = Enum.GetValues<GraphSection>();

    private readonly FileRange[] _ranges;

    public GraphFileHeader(int nodes, long links, FileRange[] ranges, uint checksum) =>
        (Nodes, Links, _ranges, Checksum) = (nodes, links, ranges, checksum);

    private static ReadOnlySpan<byte> Magic => "GSGRAPH\n"u8;

    public int Nodes { get; }

    public long Links { get; }

    /// <summary>Of all bytes behind the header.</summary>
    public uint Checksum { get; }

    public FileRange this[GraphSection section] => _ranges[(int)section];

    /// <summary>How many bytes a section must have; null where that depends on texts.</summary>
    public static long? Bytes(GraphSection section, int nodes, long links) =>
        section switch
        {
            GraphSection.Records => 40L * nodes,
            GraphSection.Order or GraphSection.ById => 4L * nodes,
            GraphSection.InStarts or GraphSection.OutStarts => 8 * (nodes + 1L),
            GraphSection.InEdges or GraphSection.OutEdges => checked(8 * links),
            _ => null,
        };

    /// <summary>Reads the header of a file and checks every section against its length.</summary>
    /// <exception cref="FileFormatException">It is no such file, is of a later version, or was cut short or damaged.</exception>
    public static GraphFileHeader Read(MappedFile file)
    {
        if (file.Length < Size || !file.Span(0, Magic.Length).SequenceEqual(Magic))
            throw new FileFormatException("is no graph in the form that is mapped, or was cut short", file.Path);
        var bytes = file.Span(0, Size);
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[OwnChecksum..]) != Crc32.Append(0, bytes[..OwnChecksum]))
            throw new FileFormatException("is damaged (its header); make it anew", file.Path);
        if (BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]) is var version && version != Version)
            throw new FileFormatException($"is of version {version} of this form; this program knows {Version}", file.Path);
        var (nodes, links) = (BinaryPrimitives.ReadInt32LittleEndian(bytes[12..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[16..]));
        var ranges = Array.ConvertAll(
            Sections,
            section => new FileRange(
                BinaryPrimitives.ReadInt64LittleEndian(file.Span(0, Size)[(SectionTable + 16 * (int)section)..]),
                BinaryPrimitives.ReadInt64LittleEndian(file.Span(0, Size)[(SectionTable + 16 * (int)section + 8)..])
            )
        );
        var end = (long)Size;
        foreach (var section in Sections)
        {
            var (offset, length) = ranges[(int)section];
            // Each lies behind the one before, but for what brings it to a multiple of eight.
            var whole = offset == end && length >= 0 && offset <= file.Length - length;
            end = offset + length + (8 - length % 8) % 8;
            if (
                nodes < 0
                || links is < 0 or > long.MaxValue / 16
                || !whole
                || (Bytes(section, nodes, links) is { } wanted && wanted != length)
            )
                throw new FileFormatException($"was cut short, or is damaged ({section})", file.Path);
        }
        if (end != file.Length)
            throw new FileFormatException("was cut short, or has more than a graph", file.Path);
        return new(nodes, links, ranges, BinaryPrimitives.ReadUInt32LittleEndian(bytes[BodyChecksum..]));
    }

    /// <summary>The bytes of the header.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[Size];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), Version);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), Nodes);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), Links);
        foreach (var (i, range) in _ranges.Index())
        {
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(SectionTable + 16 * i), range.Offset);
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(SectionTable + 16 * i + 8), range.Length);
        }
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(BodyChecksum), Checksum);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(OwnChecksum), Crc32.Append(0, bytes.AsSpan(0, OwnChecksum)));
        return bytes;
    }
}
