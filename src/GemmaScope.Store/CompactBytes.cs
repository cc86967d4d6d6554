using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace GemmaScope.Store;

/// <summary>Writes small numbers in few bytes: seven bits each, the lowest first.</summary>
internal sealed class CompactWriter
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    public byte[] ToArray() => _bytes.WrittenSpan.ToArray();

    public void Byte(int value) => _bytes.Write([(byte)value]);

    public void Number(long value)
    {
        for (var rest = (ulong)value; ; rest >>= 7)
        {
            if (rest < 0x80)
            {
                Byte((int)rest);
                return;
            }
            Byte((int)(rest & 0x7F) | 0x80);
        }
    }

    /// <summary>A number that may be −1 or less: the sign goes into the lowest bit.</summary>
    public void Signed(long value) => Number((value << 1) ^ (value >> 63));

    public void Single(float value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(float)];
        BinaryPrimitives.WriteSingleLittleEndian(bytes, value);
        _bytes.Write(bytes);
    }

    public void Double(double value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(double)];
        BinaryPrimitives.WriteDoubleLittleEndian(bytes, value);
        _bytes.Write(bytes);
    }

    public void Half(float value)
    {
        Span<byte> bytes = stackalloc byte[2];
        BinaryPrimitives.WriteHalfLittleEndian(bytes, System.Half.Clamp((Half)value, System.Half.MinValue, System.Half.MaxValue));
        _bytes.Write(bytes);
    }

    public void Text(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Number(bytes.Length);
        _bytes.Write(bytes);
    }
}

/// <summary>Reads what <see cref="CompactWriter"/> wrote; bytes that end too early are an error.</summary>
internal ref struct CompactReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public int Byte()
    {
        if (_rest.IsEmpty)
            throw Damaged();
        var value = _rest[0];
        _rest = _rest[1..];
        return value;
    }

    public long Number()
    {
        // Most numbers are small.
        if (_rest is [< 0x80 and var small, ..])
        {
            _rest = _rest[1..];
            return small;
        }
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var part = (ulong)Byte();
            value |= (part & 0x7F) << shift;
            if (part < 0x80)
                return (long)value;
        }
        throw Damaged();
    }

    public long Signed() => Number() is var value ? (long)((ulong)value >> 1) ^ -(value & 1) : 0;

    /// <summary>A number that is an index or a count.</summary>
    public int Count() => Number() is >= 0 and <= int.MaxValue and var count ? (int)count : throw Damaged();

    /// <summary>A count of things that follow, each at least a byte: no more than there are bytes.</summary>
    public int Length() => Count() is var count && count <= _rest.Length ? count : throw Damaged();

    /// <summary>Numbers that follow their count.</summary>
    public int[] Counts()
    {
        var counts = new int[Length()];
        foreach (ref var count in counts.AsSpan())
            count = Count();
        return counts;
    }

    public float Single() => BinaryPrimitives.ReadSingleLittleEndian(Take(sizeof(float)));

    public double Double() => BinaryPrimitives.ReadDoubleLittleEndian(Take(sizeof(double)));

    public float Half() => (float)BinaryPrimitives.ReadHalfLittleEndian(Take(2));

    public string Text() => Encoding.UTF8.GetString(Take(Length()));

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length)
            throw Damaged();
        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }

    public static CorruptException Damaged() => new();
}

/// <summary>Stored bytes are not what was written; who reads them says of what they are.</summary>
internal sealed class CorruptException() : Exception("its bytes cannot be read");
