using System.Globalization;

namespace GemmaScope.Cli;

/// <summary>
/// The standard input of the process. What it cannot be read for is found out and named when it is first read: it is a folder, or closed.
/// A closed one would else be waited for for ever: the runtime opens pipes of its own, and the first takes the free number 0.
/// </summary>
internal sealed class StandardInput(Func<Stream> open) : Stream
{
    private const string Name = "standard input",
        Descriptors = "/proc/self/fd";

    private Stream? _stream;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(Span<byte> buffer)
    {
        try
        {
            return (_stream ??= Opened()).Read(buffer);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new FileFormatException($"it cannot be read: {problem.Message}", Name, problem);
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private Stream Opened()
    {
        if (OperatingSystem.IsLinux() && ProblemOf(TargetOf("0"), Ends()) is { } problem)
            throw new FileFormatException(problem, Name);
        return open();
    }

    /// <summary>Why it cannot be read, or null.</summary>
    /// <param name="target">What the descriptor 0 is of; null for nothing.</param>
    /// <param name="written">What this process writes to.</param>
    internal static string? ProblemOf(string? target, IEnumerable<string> written) =>
        target is null
        || target.StartsWith("anon_inode:", StringComparison.Ordinal)
        // A pipe whose other end is our own.
        || (target.StartsWith("pipe:", StringComparison.Ordinal) && written.Contains(target))
            ? "it is closed; give a text, or pipe one in"
        : Directory.Exists(target) ? "it is a folder; give a file of text"
        : null;

    private static string? TargetOf(string descriptor)
    {
        try
        {
            return new FileInfo(Path.Combine(Descriptors, descriptor)).LinkTarget;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>What the descriptors that can be written to are of.</summary>
    private static IEnumerable<string> Ends() =>
        Directory
            .EnumerateFileSystemEntries(Descriptors)
            .Select(Path.GetFileName)
            .OfType<string>()
            .Where(IsWritten)
            .Select(TargetOf)
            .OfType<string>();

    private static bool IsWritten(string descriptor)
    {
        try
        {
            // The last octal digit but for its highest bit: 0 to read, 1 to write, 2 for both.
            var flags = File.ReadLines($"/proc/self/fdinfo/{descriptor}")
                .First(line => line.StartsWith("flags:", StringComparison.Ordinal));
            return (int.Parse(flags.AsSpan(flags.Length - 1), CultureInfo.InvariantCulture) & 3) != 0;
        }
        catch (Exception problem)
            when (problem is IOException or UnauthorizedAccessException or InvalidOperationException or FormatException)
        {
            // It was closed meanwhile.
            return false;
        }
    }
}
