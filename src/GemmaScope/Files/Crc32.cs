using System.Buffers.Binary;

namespace GemmaScope.Files;

/// <summary>The CRC-32 of zip archives, eight bytes a step through eight tables ("slicing by 8").</summary>
internal static class Crc32
{
    private const uint Polynomial = 0xEDB88320;
    private const int Slices = 8;

    /// <summary>Table k holds, for each byte, its effect on the checksum after k more bytes.</summary>
    private static readonly uint[][] Tables = MakeTables();

    /// <summary>The checksum of all bytes so far and these; begin with 0.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        var (t0, t1, t2, t3) = (Tables[0], Tables[1], Tables[2], Tables[3]);
        var (t4, t5, t6, t7) = (Tables[4], Tables[5], Tables[6], Tables[7]);
        crc = ~crc;
        for (; bytes.Length >= Slices; bytes = bytes[Slices..])
        {
            var low = BinaryPrimitives.ReadUInt32LittleEndian(bytes) ^ crc;
            var high = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
            crc =
                t7[(byte)low]
                ^ t6[(byte)(low >> 8)]
                ^ t5[(byte)(low >> 16)]
                ^ t4[low >> 24]
                ^ t3[(byte)high]
                ^ t2[(byte)(high >> 8)]
                ^ t1[(byte)(high >> 16)]
                ^ t0[high >> 24];
        }
        foreach (var b in bytes)
            crc = t0[(byte)(crc ^ b)] ^ (crc >> 8);
        return ~crc;
    }

    private static uint[][] MakeTables()
    {
        var tables = new uint[Slices][];
        for (var slice = 0; slice < Slices; slice++)
        {
            tables[slice] = new uint[256];
            for (uint i = 0; i < 256; i++)
                tables[slice][i] = slice == 0 ? OneByte(i) : Shift(tables[0], tables[slice - 1][i]);
        }
        return tables;
    }

    private static uint OneByte(uint value)
    {
        for (var bit = 0; bit < 8; bit++)
            value = (value & 1) != 0 ? (value >> 1) ^ Polynomial : value >> 1;
        return value;
    }

    private static uint Shift(uint[] table, uint crc) => table[(byte)crc] ^ (crc >> 8);
}
