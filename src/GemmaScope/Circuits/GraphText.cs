using GemmaScope.Files;

namespace GemmaScope.Circuits;

/// <summary>The text of a graph file on its way to the reader: what stands in for a file is refused by its first bytes, and one that has no
/// end, as packed text may, by its length.</summary>
internal sealed class GraphText(Stream text, long most, string path) : Stream
{
    private long _read;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => _read;
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        var count = text.Read(buffer);
        if (_read == 0)
            FileStandIn.Refuse(buffer[..count], path);
        _read += count;
        return _read <= most
            ? count
            : throw new FileFormatException($"has more than {most >> 20} MiB, which is too much for an attribution graph", path);
    }

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        text.Dispose();
        base.Dispose(disposing);
    }
}
