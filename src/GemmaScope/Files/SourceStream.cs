namespace GemmaScope.Files;

/// <summary>
/// A stream to read whose errors name the file: what the system, a decoder of a packing or the end of a cut file throw becomes a
/// <see cref="FileFormatException"/>. It can look at its first bytes before they are read.
/// </summary>
internal sealed class SourceStream(Stream inner, string name, Packing? packing = null) : Stream
{
    private byte[] _head = [];
    private int _taken;

    /// <summary>What it is called in errors.</summary>
    public string Name => name;

    public override bool CanRead => true;

    public override bool CanSeek => inner.CanSeek;

    public override bool CanWrite => false;

    public override long Length => inner.Length;

    public override long Position
    {
        get => inner.Position - (_head.Length - _taken);
        set => Seek(value, SeekOrigin.Begin);
    }

    /// <summary>The first bytes, up to some number; they are read again.</summary>
    public ReadOnlySpan<byte> Peek(int count)
    {
        var head = new byte[count];
        var length = 0;
        while (length < count && Reading(head.AsSpan(length)) is > 0 and var read)
            length += read;
        (_head, _taken) = (head[..length], 0);
        return _head;
    }

    /// <summary>Takes bytes away that were looked at.</summary>
    public void Drop(int count) => _taken += count;

    public override int Read(Span<byte> buffer)
    {
        if (_taken == _head.Length)
            return Reading(buffer);
        var count = Math.Min(buffer.Length, _head.Length - _taken);
        _head.AsSpan(_taken, count).CopyTo(buffer);
        _taken += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override long Seek(long offset, SeekOrigin origin)
    {
        if (origin == SeekOrigin.Current)
            offset -= _head.Length - _taken;
        _taken = _head.Length;
        return inner.Seek(offset, origin);
    }

    public override void Flush() { }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            inner.Dispose();
        base.Dispose(disposing);
    }

    private int Reading(Span<byte> buffer)
    {
        try
        {
            return inner.Read(buffer);
        }
        catch (Exception problem) when (packing is null && problem is IOException or UnauthorizedAccessException)
        {
            throw FileChecks.Unreadable(name, problem);
        }
        // Decoders throw whatever they come upon in a damaged file, wrong indices and impossible sizes among it.
        catch (Exception problem) when (packing is not null && problem is not (GemmaScopeException or OperationCanceledException))
        {
            throw new FileFormatException($"is cut short, or damaged, as {packing.Name}; get it again ({problem.Message})", name, problem);
        }
    }
}
