using System.Text;

namespace GemmaScope.Files;

/// <summary>Writes stored members and the central directory of a zip archive (PKWARE APPNOTE 4.3 to 4.5) to a stream that can
/// seek.</summary>
internal sealed class ZipWriter(Stream stream, long zip64From, CancellationToken cancellationToken) : IDisposable
{
    private const int Alignment = 64;
    private const int CrcOffset = 14;
    private const ushort Version = 20,
        Version64 = 45;

    /// <summary>1 January 1980, as NumPy writes: the same arrays give the same bytes.</summary>
    private const ushort Date = 0x21;

    /// <summary>An extra field that only fills space, under the number Android's zipalign uses for it.</summary>
    private const ushort PaddingField = 0xD935;

    private readonly BinaryWriter _out = new(stream, Encoding.UTF8, leaveOpen: true);
    private readonly List<(byte[] Name, uint Crc, long Size, long Offset)> _members = [];

    /// <summary>Appends an array: its npy header, then its data.</summary>
    public void Add(string name, byte[] header, TensorSource tensor)
    {
        var (offset, bytes, size) = (stream.Position, Encoding.UTF8.GetBytes(name), header.Length + tensor.ByteLength);
        WriteLocal(bytes, size);
        var body = new CountingStream(stream, cancellationToken) { TakesCrc = true };
        body.Write(header);
        tensor.Write(body);

        var end = stream.Position;
        stream.Position = offset + CrcOffset;
        _out.Write(body.Crc);
        stream.Position = end;
        _members.Add((bytes, body.Crc, size, offset));
    }

    /// <summary>Writes the central directory and the end records.</summary>
    public void Finish()
    {
        var start = stream.Position;
        foreach (var member in _members)
            WriteCentral(member.Name, member.Crc, member.Size, member.Offset);
        WriteEnd(start, stream.Position - start);
    }

    /// <summary>Leaves the stream open.</summary>
    public void Dispose() => _out.Dispose();

    private void WriteLocal(byte[] name, long size)
    {
        var zip64 = size >= zip64From;
        var extra = zip64 ? 20 : 0;
        var padding = (int)(Alignment - (stream.Position + ZipDirectory.LocalSize + name.Length + extra + 4) % Alignment) % Alignment;
        _out.Write(ZipDirectory.LocalSignature);
        WriteCommon(name, 0, size, zip64, extraSize: extra + 4 + padding);
        _out.Write(name);
        if (zip64)
            WriteZip64Field(size, size);
        _out.Write(PaddingField);
        _out.Write((ushort)padding);
        _out.Write(new byte[padding]);
    }

    private void WriteCentral(byte[] name, uint crc, long size, long offset)
    {
        var zip64 = size >= zip64From || offset >= zip64From;
        _out.Write(ZipDirectory.CentralSignature);
        _out.Write(Version64); // made by
        WriteCommon(name, crc, size, zip64, extraSize: zip64 ? 28 : 0);
        _out.Write((ushort)0); // comment
        _out.Write((ushort)0); // disk
        _out.Write((ushort)0); // internal attributes
        _out.Write(0u); // external attributes
        _out.Write(zip64 ? ZipDirectory.InZip64 : (uint)offset);
        _out.Write(name);
        if (zip64)
            WriteZip64Field(size, size, offset);
    }

    /// <summary>What the local header and the central directory have in common: version to length of the extra field.</summary>
    private void WriteCommon(byte[] name, uint crc, long size, bool zip64, int extraSize)
    {
        var stored = zip64 ? ZipDirectory.InZip64 : (uint)size;
        _out.Write(zip64 ? Version64 : Version);
        _out.Write(ZipDirectory.Utf8Flag);
        _out.Write((ushort)0); // stored
        _out.Write((ushort)0); // time
        _out.Write(Date);
        _out.Write(crc);
        _out.Write(stored);
        _out.Write(stored);
        _out.Write(checked((ushort)name.Length));
        _out.Write((ushort)extraSize);
    }

    private void WriteZip64Field(params ReadOnlySpan<long> values)
    {
        _out.Write(ZipDirectory.Zip64Field);
        _out.Write((ushort)(values.Length * 8));
        foreach (var value in values)
            _out.Write(value);
    }

    private void WriteEnd(long start, long size)
    {
        var zip64 = start >= zip64From || size >= zip64From || _members.Count >= ushort.MaxValue;
        if (zip64)
            WriteEnd64(start, size);
        var count = zip64 ? ushort.MaxValue : (ushort)_members.Count;
        _out.Write(ZipDirectory.EndSignature);
        _out.Write(0u); // disks
        _out.Write(count);
        _out.Write(count);
        _out.Write(zip64 ? ZipDirectory.InZip64 : (uint)size);
        _out.Write(zip64 ? ZipDirectory.InZip64 : (uint)start);
        _out.Write((ushort)0); // comment
    }

    private void WriteEnd64(long start, long size)
    {
        var at = stream.Position;
        _out.Write(ZipDirectory.End64Signature);
        _out.Write((long)ZipDirectory.End64Size - 12); // bytes that follow
        _out.Write(Version64);
        _out.Write(Version64);
        _out.Write(0L); // disks
        _out.Write((long)_members.Count);
        _out.Write((long)_members.Count);
        _out.Write(size);
        _out.Write(start);
        _out.Write(ZipDirectory.Locator64Signature);
        _out.Write(0u);
        _out.Write(at);
        _out.Write(1u); // disks
    }
}
