using System.Text;

namespace GemmaScope.Files;

/// <summary>
/// The one way to open a file of text, whatever its form: it is unpacked where it is packed (known by its content, not its name), a byte
/// order mark is taken off, UTF-16 with such a mark becomes UTF-8. Every error names the file.
/// </summary>
public static class TextFile
{
    /// <summary>Bytes of a line or a row at most, unless another limit is asked for: packed, gigabytes of one line are a few
    /// megabytes.</summary>
    public const int LongestLine = 64 << 20;

    private const int HeadBytes = 64;

    private static ReadOnlySpan<byte> Utf8Mark => [0xEF, 0xBB, 0xBF];

    private static ReadOnlySpan<byte> PointerOfLfs => "version https://git-lfs"u8;

    /// <summary>Opens a file; what is read of it is not yet looked at.</summary>
    /// <exception cref="FileFormatException">It is missing, a folder, not readable, or packed in a way that is not read.</exception>
    public static Stream Open(string path)
    {
        FileChecks.LengthOf(path);
        try
        {
            return Open(File.OpenRead(path), path);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw FileChecks.Unreadable(path, problem);
        }
    }

    /// <summary>The same of a stream that is open already; it is closed with the one returned.</summary>
    /// <param name="stream">The bytes, packed or not.</param>
    /// <param name="name">What it is called in errors.</param>
    public static Stream Open(Stream stream, string name)
    {
        var source = new SourceStream(stream, name);
        try
        {
            var head = source.Peek(HeadBytes);
            if (Packings.OfContent(head) is not { } packing)
            {
                CheckUnpacked(head, name);
                return WithoutMark(source, head);
            }
            var unpacked = new SourceStream(packing.Unpack(source), name, packing);
            head = unpacked.Peek(HeadBytes);
            return Packings.OfContent(head) is null
                ? WithoutMark(unpacked, head)
                : throw new FileFormatException("is packed, and packed once more; unpack it once", name);
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    /// <summary>The ending of a name in small letters, that of a packing taken off: <c>.jsonl</c> of <c>A.JSONL.gz</c>.</summary>
    public static string KindOf(string path) => Path.GetExtension(Packings.NameWithin(path)).ToLowerInvariant();

    /// <summary>A whole file as text.</summary>
    /// <param name="path">The file.</param>
    /// <param name="largest">Bytes at most, unpacked; null for those of <see cref="JsonFile.LargestFile"/>.</param>
    /// <exception cref="FileFormatException">It cannot be read, is larger, or not UTF-8.</exception>
    public static string Read(string path, long? largest = null)
    {
        using var stream = Open(path);
        return Decoded(Bytes(stream, path, largest ?? JsonFile.LargestFile), path);
    }

    /// <summary>The same of a stream that is open already.</summary>
    /// <param name="stream">The bytes, packed or not; it stays open.</param>
    /// <param name="name">What it is called in errors.</param>
    /// <param name="largest">Bytes at most, unpacked.</param>
    /// <exception cref="FileFormatException">It cannot be read, is larger, or not UTF-8.</exception>
    public static string Read(Stream stream, string name, long largest) => Decoded(Bytes(Open(stream, name), name, largest), name);

    private static string Decoded(byte[] bytes, string name) =>
        Utf8Text.ProblemOf(bytes) is { } problem ? throw new FileFormatException(problem, name) : Encoding.UTF8.GetString(bytes);

    /// <summary>The lines of a whole file.</summary>
    /// <exception cref="FileFormatException">It cannot be read, is too large, or not UTF-8; the message names the line.</exception>
    public static IEnumerable<string> ReadLines(string path)
    {
        using var stream = new MemoryStream(Bytes(path, JsonFile.LargestFile));
        foreach (var line in TextLines.Read(stream))
            yield return line.Problem is { } problem
                ? throw new FileFormatException(problem, path)
                : Encoding.UTF8.GetString(line.Bytes.Span);
    }

    /// <summary>The bytes of a whole file, unpacked.</summary>
    internal static byte[] Bytes(string path, long largest)
    {
        using var stream = Open(path);
        return Bytes(stream, path, largest);
    }

    internal static byte[] Bytes(Stream stream, string name, long largest)
    {
        using var whole = new MemoryStream();
        var buffer = new byte[1 << 16];
        while (stream.Read(buffer) is > 0 and var count)
        {
            whole.Write(buffer, 0, count);
            if (whole.Length > largest)
                throw new FileFormatException($"has more than {largest} bytes, which are too many at once", name);
        }
        return whole.ToArray();
    }

    private static void CheckUnpacked(ReadOnlySpan<byte> head, string name)
    {
        if (Packings.OtherOf(head) is { } other)
            throw new FileFormatException(
                $"is packed with {other}, which is not read here; unpack it ({string.Join(" and ", Packings.Endings)} are read)",
                name
            );
        if (head.StartsWith(PointerOfLfs))
            throw new FileFormatException("is a Git LFS pointer and not the file itself; fetch that with: git lfs pull", name);
        if (Packings.OfName(name) is { } said)
            throw new FileFormatException(
                head.IsEmpty
                    ? "the file is empty; copy or download it again"
                    : $"is not packed with {said.Name}, as its name says, or cut short; get it again, or take {said.Ending} off its name",
                name
            );
    }

    private static SourceStream WithoutMark(SourceStream source, ReadOnlySpan<byte> head)
    {
        if (head.StartsWith(Utf8Mark))
            source.Drop(Utf8Mark.Length);
        else if (head.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE]) || head.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF]))
        {
            source.Drop(2);
            var utf16 = new UnicodeEncoding(bigEndian: head[0] == 0xFE, byteOrderMark: false, throwOnInvalidBytes: true);
            return new SourceStream(Encoding.CreateTranscodingStream(source, utf16, new UTF8Encoding(false)), source.Name);
        }
        else if (IsUnmarkedUtf16(head))
            throw new FileFormatException("looks like UTF-16 without a byte order mark: iconv -f utf-16le -t utf-8", source.Name);
        return source;
    }

    /// <summary>Latin letters of two bytes each are valid UTF-8 too, with a NUL behind each, which nobody means.</summary>
    private static bool IsUnmarkedUtf16(ReadOnlySpan<byte> head)
    {
        for (var i = 0; i + 1 < head.Length; i += 2)
            if (head[i] == 0 || head[i + 1] != 0)
                return false;
        return head.Length >= 4;
    }
}
