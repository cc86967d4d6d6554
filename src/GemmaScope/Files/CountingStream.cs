namespace GemmaScope.Files;

/// <summary>
/// A stream to write to that counts its bytes and takes their CRC-32 on the way; it passes them on, or drops them
/// where only the checksum is wanted.
/// </summary>
internal sealed class CountingStream(Stream? inner, CancellationToken cancellationToken = default) : Stream
{
    private uint _crc;

    /// <summary>Bytes written so far.</summary>
    public long Count { get; private set; }

    /// <summary>Whether the checksum is kept; it costs time.</summary>
    public bool TakesCrc { get; init; }

    /// <summary>CRC-32 of all bytes so far.</summary>
    public uint Crc => _crc;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => Count;

    public override long Position
    {
        get => Count;
        set => throw new NotSupportedException();
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        cancellationToken.ThrowIfCancellationRequested();
        inner?.Write(buffer);
        if (TakesCrc)
            _crc = Crc32.Append(_crc, buffer);
        Count += buffer.Length;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush() => inner?.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
