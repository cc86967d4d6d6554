namespace GemmaScope.Files;

/// <summary>The questions every reader asks before it opens a file, with one wording for the answers.</summary>
internal static class FileChecks
{
    /// <summary>
    /// Bytes of a regular file, links followed (the hub cache is made of links). Devices and pipes have length 0 and
    /// so are never opened, which could wait for ever.
    /// </summary>
    /// <exception cref="FileFormatException">There is no such file, or it is a folder.</exception>
    public static long LengthOf(string path)
    {
        if (Directory.Exists(path))
            throw new FileFormatException("this is a folder, a file is needed", path);
        if (!File.Exists(path))
            throw new FileFormatException("the file does not exist; check the name", path);
        try
        {
            var target = File.ResolveLinkTarget(path, returnFinalTarget: true) ?? new FileInfo(path);
            return target.Exists
                ? ((FileInfo)target).Length
                : throw new FileFormatException($"is a link to {target.FullName}, which does not exist", path);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(path, problem);
        }
    }

    /// <summary>The error for a file or folder that exists but cannot be read.</summary>
    public static FileFormatException Unreadable(string path, Exception cause) =>
        new(
            cause is UnauthorizedAccessException
                ? "reading it is not permitted; check its permissions"
                : $"it cannot be read: {cause.Message}",
            path,
            cause
        );

    /// <summary>
    /// Bytes of a tensor, or -1 where a dimension is negative or the product does not fit: a shape from a file is
    /// multiplied nowhere else.
    /// </summary>
    public static long ByteSize(ReadOnlySpan<long> shape, int elementSize)
    {
        long size = elementSize;
        foreach (var n in shape)
        {
            if (n < 0)
                return -1;
            var (high, low) = (Math.BigMul(size, n, out var product), product);
            if (high != 0 || low < 0)
                return -1;
            size = low;
        }
        return size;
    }

    /// <summary>A shape for a message, e.g. [10, 6].</summary>
    public static string Format(ReadOnlySpan<long> shape) => $"[{string.Join(", ", shape.ToArray())}]";
}
