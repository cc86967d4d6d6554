using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace GemmaScope.Files;

/// <summary>
/// A place in the header of a mapped GGUF file. Whatever is read is checked against the end of the file first: every number in the
/// header is a stranger's.
/// </summary>
internal sealed class GgufCursor(MappedFile file)
{
    private const int LongestName = 65535;

    /// <summary>The place.</summary>
    public long Position { get; private set; }

    /// <summary>Bytes from here to the end of the file.</summary>
    public long Left => file.Length - Position;

    /// <summary>Moves on over what is not looked at.</summary>
    public void Skip(long bytes, string what)
    {
        Require(bytes, what);
        Position += bytes;
    }

    public uint U32(string what) => BinaryPrimitives.ReadUInt32LittleEndian(Take(4, what));

    public ulong U64(string what) => BinaryPrimitives.ReadUInt64LittleEndian(Take(8, what));

    public byte Byte(string what) => Take(1, what)[0];

    /// <summary>A number of things that need at least some bytes each, so that no damaged number lets memory be reserved.</summary>
    public long Count(int leastBytes, string what)
    {
        var count = U64(what);
        return count <= (ulong)(Left / leastBytes)
            ? (long)count
            : throw Bad($"{what} is {count}, more than the file has room for ({Left} bytes are left); it is damaged, get it again");
    }

    /// <summary>A key or the name of a tensor.</summary>
    public string Name(string what)
    {
        var text = Text(what);
        if (text.IsEmpty || text.Length > LongestName)
            throw Bad($"{what} has {text.Length} bytes; 1 to {LongestName} are allowed");
        var name = Encoding.UTF8.GetString(text);
        return name.Contains('\0', StringComparison.Ordinal)
            ? throw Bad($"{what} '{name.Replace("\0", "\\0", StringComparison.Ordinal)}' holds a NUL; the file is damaged")
            : name;
    }

    /// <summary>The bytes of a string.</summary>
    public ReadOnlySpan<byte> Text(string what)
    {
        var length = U64($"the length of {what}");
        if (length > (ulong)Left)
            throw Bad(
                $"{what} is said to have {length} bytes, and the file has {Left} more; it is damaged or cut off, copy or download it again"
            );
        if (length > int.MaxValue)
            throw Bad($"{what} has {length} bytes, which is no text");
        var text = file.Span(Position, (int)length);
        if (!Utf8.IsValid(text))
            throw Bad($"{what} is not valid UTF-8; the file is damaged");
        Position += (long)length;
        return text;
    }

    /// <summary>The error for this file.</summary>
    public FileFormatException Bad(string problem) => new(problem, file.Path);

    private ReadOnlySpan<byte> Take(int bytes, string what)
    {
        Require(bytes, what);
        var span = file.Span(Position, bytes);
        Position += bytes;
        return span;
    }

    private void Require(long bytes, string what)
    {
        if (bytes < 0 || bytes > Left)
            throw Bad($"the file ends inside {what}; it is cut off, copy or download it again");
    }
}
