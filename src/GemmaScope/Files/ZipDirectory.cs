using System.Buffers.Binary;
using System.Text;

namespace GemmaScope.Files;

/// <summary>One file of a zip archive.</summary>
/// <param name="Name">Its name in the archive.</param>
/// <param name="Deflated">Compressed, or stored as it is.</param>
/// <param name="Crc">CRC-32 of its uncompressed bytes.</param>
/// <param name="Start">First byte of its data in the archive.</param>
/// <param name="StoredSize">Bytes in the archive.</param>
/// <param name="Size">Bytes uncompressed.</param>
internal sealed record ZipMember(string Name, bool Deflated, uint Crc, long Start, long StoredSize, long Size);

/// <summary>
/// The list of members of a zip archive, zip64 included, read from the central directory and checked against the
/// header in front of each member (PKWARE APPNOTE 4.3 to 4.5). No range it returns leaves the file or meets another.
/// </summary>
internal sealed class ZipDirectory
{
    /// <summary>Sizes and offsets from here on stand in the zip64 records.</summary>
    public const uint InZip64 = uint.MaxValue;

    public const uint LocalSignature = 0x04034b50,
        CentralSignature = 0x02014b50,
        EndSignature = 0x06054b50;
    public const uint End64Signature = 0x06064b50,
        Locator64Signature = 0x07064b50;
    public const int LocalSize = 30,
        CentralSize = 46,
        EndSize = 22,
        End64Size = 56,
        Locator64Size = 20;
    public const ushort Zip64Field = 1,
        Utf8Flag = 1 << 11;

    /// <summary>No deflate stream yields more bytes per byte than this.</summary>
    private const long DeflateLimit = 1032;

    private const ushort EncryptedFlag = 1,
        SizesFollowFlag = 1 << 3;

    private readonly MappedFile _file;

    private ZipDirectory(MappedFile file) => _file = file;

    /// <summary>Reads the members of a mapped archive, in the order of the central directory.</summary>
    /// <exception cref="FileFormatException">This is no archive, or its records do not fit together.</exception>
    public static List<ZipMember> Read(MappedFile file)
    {
        var directory = new ZipDirectory(file);
        var (start, size, count) = directory.FindCentral();
        var members = directory.ReadCentral(start, size, count);
        directory.CheckDistinct(members);
        return members;
    }

    private (long Start, long Size, long Count) FindCentral()
    {
        var end = FindEnd();
        long count = U16(end + 10),
            size = U32(end + 12),
            start = U32(end + 16);
        var before = end;
        if (
            (count == ushort.MaxValue || size == InZip64 || start == InZip64)
            && end >= Locator64Size
            && U32(end - Locator64Size) == Locator64Signature
        )
        {
            var end64 = Long(end - Locator64Size + 8);
            if (end64 > end - Locator64Size - End64Size || U32(end64) != End64Signature)
                throw Bad("the zip64 end record is missing");
            (count, size, start, before) = (Long(end64 + 32), Long(end64 + 40), Long(end64 + 48), end64);
        }
        if (start > before || size > before - start)
            throw Bad("the central directory lies outside the file; it is cut off or not written to its end");
        return (start, size, count);
    }

    private long FindEnd()
    {
        for (var at = _file.Length - EndSize; at >= Math.Max(0, _file.Length - EndSize - ushort.MaxValue); at--)
        {
            if (U32(at) == EndSignature && at + EndSize + U16(at + 20) == _file.Length)
                return at;
        }
        var head = _file.Span(0, (int)Math.Min(_file.Length, 16));
        throw Bad(
            head.StartsWith("PK\u0003\u0004"u8) ? "the npz archive is cut off (no central directory); copy or download it again"
            : head.StartsWith("version https://"u8)
                ? "the file is not an npz archive (it looks like a large-file pointer); fetch the real file"
            : "the file is not an npz archive"
        );
    }

    private List<ZipMember> ReadCentral(long start, long size, long count)
    {
        var members = new List<ZipMember>();
        var (at, end) = (start, start + size);
        while (at < end)
        {
            if (end - at < CentralSize || U32(at) != CentralSignature)
                throw Bad("the central directory is damaged");
            var (nameSize, extraSize) = (U16(at + 28), U16(at + 30));
            var next = at + CentralSize + nameSize + extraSize + U16(at + 32);
            if (next > end)
                throw Bad("the central directory is damaged");
            members.Add(ReadMember(at, nameSize, extraSize, start));
            at = next;
        }
        return members.Count == count ? members : throw Bad($"the central directory holds {members.Count} members, it announces {count}");
    }

    private ZipMember ReadMember(long at, ushort nameSize, ushort extraSize, long limit)
    {
        var (flags, method) = (U16(at + 8), U16(at + 10));
        var nameBytes = _file.Span(at + CentralSize, nameSize);
        var name = ((flags & Utf8Flag) != 0 ? Encoding.UTF8 : Encoding.Latin1).GetString(nameBytes);
        if ((flags & EncryptedFlag) != 0)
            throw Bad($"member {name} is encrypted, which is not supported");
        if (method is not (0 or 8))
            throw Bad($"member {name} uses compression method {method}; only stored and deflated members are supported");

        Span<long> sizes = [U32(at + 24), U32(at + 20), U32(at + 42)];
        FillFromZip64(sizes, at + CentralSize + nameSize, extraSize, name);
        var (size, storedSize, local) = (sizes[0], sizes[1], sizes[2]);
        if (method == 0 && size != storedSize)
            throw Bad($"member {name} is stored, but its two sizes ({size} and {storedSize}) differ");
        if (method == 8 && size / DeflateLimit > storedSize)
            throw Bad($"member {name} declares an impossible size: {storedSize} compressed bytes cannot hold {size}");

        var start = CheckLocal(at, local, limit, nameBytes, name);
        if (storedSize > limit - start)
            throw Bad($"member {name} extends past the end of the archive's data");
        return new ZipMember(name, method == 8, U32(at + 16), start, storedSize, size);
    }

    /// <summary>Replaces each number that did not fit into 32 bits by its 64-bit value from the extra field.</summary>
    private void FillFromZip64(Span<long> values, long extra, int extraSize, string name)
    {
        if (!values.Contains(InZip64))
            return;
        var end = extra + extraSize;
        while (end - extra >= 4)
        {
            var (id, at) = (U16(extra), extra + 4);
            extra = at + U16(extra + 2);
            if (extra > end)
                break;
            if (id != Zip64Field)
                continue;
            foreach (ref var value in values)
            {
                if (value != InZip64)
                    continue;
                if (extra - at < 8)
                    throw Bad($"member {name}: its zip64 field is too short");
                value = Long(at);
                at += 8;
            }
            return;
        }
    }

    /// <summary>Checks the header in front of a member against the central directory; returns where its data begins.</summary>
    private long CheckLocal(long central, long local, long limit, ReadOnlySpan<byte> nameBytes, string name)
    {
        if (local > limit - LocalSize || U32(local) != LocalSignature)
            throw Bad($"member {name} has no header where the central directory says");
        var start = local + LocalSize + U16(local + 26) + U16(local + 28);
        if (start > limit)
            throw Bad($"member {name}: its header is cut off");
        var sizesFollow = (U16(local + 6) & SizesFollowFlag) != 0;
        if (
            !_file.Span(local + LocalSize, U16(local + 26)).SequenceEqual(nameBytes)
            || U16(local + 8) != U16(central + 10)
            || (
                !sizesFollow
                && (
                    U32(local + 14) != U32(central + 16)
                    || Differ(U32(local + 18), U32(central + 20))
                    || Differ(U32(local + 22), U32(central + 24))
                )
            )
        )
        {
            throw Bad($"member {name}: its header and the central directory disagree");
        }
        return start;
    }

    private static bool Differ(uint local, uint central) => local != central && local != InZip64 && central != InZip64;

    private void CheckDistinct(List<ZipMember> members)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in members)
        {
            if (!names.Add(member.Name))
                throw Bad($"the archive names member {member.Name} twice");
        }
        ZipMember? before = null;
        foreach (var member in members.OrderBy(m => m.Start).ThenBy(m => m.StoredSize))
        {
            if (before is not null && member.Start < before.Start + before.StoredSize)
                throw Bad($"members {before.Name} and {member.Name} overlap");
            before = member;
        }
    }

    private ushort U16(long at) => BinaryPrimitives.ReadUInt16LittleEndian(Bytes(at, 2));

    private uint U32(long at) => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(at, 4));

    private long Long(long at)
    {
        var value = BinaryPrimitives.ReadUInt64LittleEndian(Bytes(at, 8));
        return value <= long.MaxValue ? (long)value : throw Bad($"a size or offset of {value} is impossible");
    }

    private ReadOnlySpan<byte> Bytes(long at, int count) =>
        at >= 0 && at <= _file.Length - count
            ? _file.Span(at, count)
            : throw Bad("a record lies outside the file; it is cut off or damaged");

    private FileFormatException Bad(string problem) => new(problem, _file.Path);
}
