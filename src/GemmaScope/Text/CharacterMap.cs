using System.Buffers.Binary;
using System.Text;

namespace GemmaScope.Text;

/// <summary>
/// The compiled character map of a SentencePiece normaliser: a double-array trie over UTF-8 whose values point into
/// a block of zero-terminated replacements. Layout: byte length of the trie (uint32), its units (uint32), the block.
/// </summary>
internal sealed class CharacterMap
{
    // The longest replacement of Unicode's own tables has 33 bytes; the limit keeps a damaged file from blowing text up.
    private const int LongestReplacement = 1024;

    private readonly uint[] _units;
    private readonly byte[] _replacements;

    public CharacterMap(ReadOnlySpan<byte> blob, string file)
    {
        var length = blob.Length < 4 ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(blob);
        if (length == 0 || length % 4 != 0 || length >= blob.Length - 4)
            throw new FileFormatException(
                $"its character map of {blob.Length} bytes declares a trie of {length}; get the file again",
                file
            );
        _units = new uint[length / 4];
        for (var i = 0; i < _units.Length; i++)
            _units[i] = BinaryPrimitives.ReadUInt32LittleEndian(blob[(4 + 4 * i)..]);
        _replacements = blob[(4 + (int)length)..].ToArray();
        if (LongestRun(_replacements) > LongestReplacement)
            throw new FileFormatException("its character map has a replacement without end; get the file again", file);
    }

    /// <summary>Finds the longest beginning of <paramref name="text"/> that the map replaces.</summary>
    /// <returns>Its length in UTF-16 units, 0 if there is none.</returns>
    public int LongestMatch(ReadOnlySpan<char> text, out ReadOnlySpan<byte> replacement)
    {
        replacement = default;
        Span<byte> utf8 = stackalloc byte[4];
        var (longest, node) = (0, Offset(_units[0]));
        for (var i = 0; i < text.Length; )
        {
            Rune.DecodeFromUtf16(text[i..], out var rune, out var consumed);
            foreach (var value in utf8[..rune.EncodeToUtf8(utf8)])
            {
                node ^= value;
                if (node >= _units.Length || Label(_units[node]) != value)
                    return longest;
                var unit = _units[node];
                node ^= Offset(unit);
                if (!HasValue(unit) || node >= _units.Length)
                    continue;
                replacement = ReplacementAt(_units[node] & 0x7FFF_FFFF);
                longest = i + consumed;
            }
            i += consumed;
        }
        return longest;
    }

    private ReadOnlySpan<byte> ReplacementAt(uint start)
    {
        if (start >= _replacements.Length)
            return default;
        var rest = _replacements.AsSpan((int)start);
        var end = rest.IndexOf((byte)0);
        return end < 0 ? rest : rest[..end];
    }

    private static uint Offset(uint unit) => (unit >> 10) << (int)((unit & (1 << 9)) >> 6);

    private static bool HasValue(uint unit) => (unit & (1 << 8)) != 0;

    // A unit that holds a value has its highest bit set, so it never equals a byte.
    private static uint Label(uint unit) => unit & ((1u << 31) | 0xFF);

    private static int LongestRun(ReadOnlySpan<byte> bytes)
    {
        var longest = 0;
        while (bytes.IndexOf((byte)0) is >= 0 and var end)
        {
            longest = Math.Max(longest, end);
            bytes = bytes[(end + 1)..];
        }
        return Math.Max(longest, bytes.Length);
    }
}
