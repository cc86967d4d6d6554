using System.IO.Compression;
using GemmaScope.Numerics;

namespace GemmaScope.Files;

/// <summary>
/// One npz archive, mapped. Stored row-major arrays are views of the mapping; deflated, column-major and big-endian
/// ones are brought into own memory when first asked for. All tensors live as long as this object. NumPy aligns
/// nothing in archives, so a tensor may begin at any byte; kernels must load with unaligned instructions.
/// </summary>
public sealed unsafe class NpzFile : IMappedFiles
{
    private const string Extension = ".npy";
    private const int BlockBytes = 1 << 20;

    private readonly MappedFile _file;
    private readonly Dictionary<string, ZipMember> _members = new(StringComparer.Ordinal);
    private readonly Dictionary<string, NpyHeader> _arrays = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

    private NpzFile(MappedFile file)
    {
        _file = file;
        foreach (var member in ZipDirectory.Read(file))
        {
            if (!member.Name.EndsWith(Extension, StringComparison.Ordinal))
                continue;
            var name = member.Name[..^Extension.Length];
            _members[name] = member;
            _arrays[name] = Reading(member, content => NpyHeader.Read(content, member.Size, $"member {member.Name}", file.Path));
        }
    }

    /// <summary>The file.</summary>
    public string Path => _file.Path;

    /// <summary>What each array is, by name (without <c>.npy</c>).</summary>
    public IReadOnlyDictionary<string, NpyHeader> Arrays => _arrays;

    /// <summary>Maps an archive and checks its structure and the header of each array; no array data is read.</summary>
    /// <exception cref="FileFormatException">The file is missing or malformed, or holds arrays of no plain numbers.</exception>
    public static NpzFile Open(string path)
    {
        var file = new MappedFile(path);
        try
        {
            return new NpzFile(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The array of that name as a row-major tensor.</summary>
    /// <exception cref="FileFormatException">There is none, or its compressed data is damaged.</exception>
    public Tensor this[string name]
    {
        get
        {
            if (!_arrays.TryGetValue(name, out var header))
                throw new FileFormatException($"the array '{name}' is missing", Path);
            lock (_lock)
            {
                if (!_tensors.TryGetValue(name, out var tensor))
                    _tensors[name] = tensor = Load(_members[name], header);
                return tensor;
            }
        }
    }

    /// <summary>
    /// Compares the bytes of all arrays with their checksums, which reads the whole file. Deflated arrays are checked
    /// whenever they are loaded; stored ones only here.
    /// </summary>
    /// <exception cref="FileFormatException">Names the first member whose checksum does not match.</exception>
    public void Verify(CancellationToken cancellationToken = default)
    {
        foreach (var (name, member) in _members)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (member.Deflated)
                _ = this[name];
            else
                VerifyStored(member, cancellationToken);
        }
    }

    void IMappedFiles.RequireWhole() => _file.RequireWhole();

    /// <summary>Unmaps the file and frees its tensors; they must not be used any more.</summary>
    public void Dispose()
    {
        foreach (var tensor in _tensors.Values)
            tensor.Dispose();
        _file.Dispose();
    }

    private Tensor Load(ZipMember member, NpyHeader header)
    {
        if (member.Deflated)
            return Reading(member, content => Inflate(content, member, header));
        var data = _file.Pointer + member.Start + header.DataOffset;
        return header.IsNative ? Tensor.Borrow(data, header.Type, [.. header.Shape], this) : NpyLayout.ToNative(data, header);
    }

    private Tensor Inflate(Stream content, ZipMember member, NpyHeader header)
    {
        var raw = Tensor.Allocate(header.Type, [.. header.Shape], clear: false);
        try
        {
            var crc = Crc32.Append(0, ReadExactly(content, new byte[header.DataOffset]));
            for (long at = 0; at < raw.ByteLength; at += BlockBytes)
            {
                crc = Crc32.Append(
                    crc,
                    ReadExactly(content, new Span<byte>(raw.Pointer + at, (int)Math.Min(BlockBytes, raw.ByteLength - at)))
                );
            }
            if (content.ReadByte() >= 0)
                throw new FileFormatException($"member {member.Name} holds more bytes than it declares", Path);
            CheckCrc(member, crc);
        }
        catch
        {
            raw.Dispose();
            throw;
        }
        if (header.IsNative)
            return raw;
        using (raw)
            return NpyLayout.ToNative(raw.Pointer, header);
    }

    private void VerifyStored(ZipMember member, CancellationToken cancellationToken)
    {
        uint crc = 0;
        for (long at = 0; at < member.Size; at += BlockBytes)
        {
            cancellationToken.ThrowIfCancellationRequested();
            crc = Crc32.Append(crc, _file.Span(member.Start + at, (int)Math.Min(BlockBytes, member.Size - at)));
        }
        CheckCrc(member, crc);
    }

    private void CheckCrc(ZipMember member, uint crc)
    {
        if (crc != member.Crc)
            throw new FileFormatException(
                $"the checksum of member {member.Name} does not match; the file is damaged, copy or download it again",
                Path
            );
    }

    /// <summary>Runs a reader over the uncompressed bytes of a member.</summary>
    private T Reading<T>(ZipMember member, Func<Stream, T> read)
    {
        using var stored = new UnmanagedMemoryStream(_file.Pointer + member.Start, member.StoredSize);
        if (!member.Deflated)
            return read(stored);
        using var inflated = new DeflateStream(stored, CompressionMode.Decompress);
        try
        {
            return read(inflated);
        }
        catch (Exception problem) when (problem is InvalidDataException or EndOfStreamException)
        {
            throw new FileFormatException($"the compressed data of member {member.Name} is damaged or cut off", Path, problem);
        }
    }

    private static Span<byte> ReadExactly(Stream stream, Span<byte> target)
    {
        stream.ReadExactly(target);
        return target;
    }
}
