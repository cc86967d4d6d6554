using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace GemmaScope.Files;

/// <summary>Says what is wrong with bytes that should be UTF-8; they are never read as something else.</summary>
public static class Utf8Text
{
    /// <summary>Which byte is wrong, and what the text looks like; null where all is UTF-8.</summary>
    public static string? ProblemOf(ReadOnlySpan<byte> bytes)
    {
        if (Utf8.IsValid(bytes))
            return null;
        var at = 0;
        for (; Rune.DecodeFromUtf8(bytes[at..], out _, out var length) == OperationStatus.Done; at += length) { }
        var wrong = $"byte {bytes[at]:X2} at offset {at} is not UTF-8";
        return LooksLikeOneByteLetters(bytes, at)
            ? wrong
                + (
                    bytes[at] < 0xA0
                        ? "; it looks like Windows-1252: iconv -f cp1252 -t utf-8"
                        : "; it looks like Latin-1: iconv -f latin1 -t utf-8"
                )
            : wrong + "; save the text as UTF-8";
    }

    /// <summary>A letter of one byte stands between others or at a word's end: no control characters beside it, and no cut character of
    /// UTF-8.</summary>
    private static bool LooksLikeOneByteLetters(ReadOnlySpan<byte> bytes, int at)
    {
        if (bytes.Contains((byte)0))
            return false;
        var next = at + 1 < bytes.Length ? bytes[at + 1] : (byte)' ';
        return bytes[at] is >= 0x80 and not 0xFF && next is (>= (byte)' ' and < 0x80) or (byte)'\n' or (byte)'\r' or (byte)'\t';
    }
}
