using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace GemmaScope.Files;

/// <summary>
/// A file on its way, under its <c>.incomplete</c> name, hashed as it grows. It survives the process, so that the next one
/// continues where this one ended.
/// </summary>
internal sealed class PartialFile : IDisposable
{
    private const int Chunk = 1 << 20;
    private readonly HubFile _file;
    private readonly FileStream _stream;
    private IncrementalHash? _hash;

    private PartialFile(string path, HubFile file)
    {
        _file = file;
        _stream = new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        Path = path;
        _hash = NewHash();
    }

    /// <summary>The incomplete file.</summary>
    public string Path { get; }

    /// <summary>Bytes that are here.</summary>
    public long Length { get; private set; }

    /// <summary>Opens or creates the file and hashes what is there already.</summary>
    public static async Task<PartialFile> OpenAsync(string path, HubFile file, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        var partial = new PartialFile(path, file);
        try
        {
            if (partial._stream.Length > file.Size)
                partial.Restart();
            else
                await partial.HashExistingAsync(cancellationToken).ConfigureAwait(false);
            return partial;
        }
        catch
        {
            partial.Dispose();
            throw;
        }
    }

    /// <summary>Appends; not to be cancelled, since half a write would be unknown to <see cref="Length"/>.</summary>
    public async Task AppendAsync(ReadOnlyMemory<byte> bytes)
    {
        await _stream.WriteAsync(bytes).ConfigureAwait(false);
        _hash?.AppendData(bytes.Span);
        Length += bytes.Length;
    }

    /// <summary>Throws away what is there.</summary>
    public void Restart()
    {
        _stream.SetLength(0);
        _hash?.Dispose();
        (_hash, Length) = (NewHash(), 0);
    }

    /// <summary>Whether size and checksum are those the hub declared. An etag that is no checksum says nothing.</summary>
    public bool IsIntact() =>
        Length == _file.Size
        && (_hash is null || Convert.ToHexString(_hash.GetCurrentHash()).Equals(_file.Etag, StringComparison.OrdinalIgnoreCase));

    public void Dispose()
    {
        _hash?.Dispose();
        _stream.Dispose();
    }

    private async Task HashExistingAsync(CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Chunk);
        try
        {
            while (await _stream.ReadAsync(buffer.AsMemory(0, Chunk), cancellationToken).ConfigureAwait(false) is var count and > 0)
            {
                _hash?.AppendData(buffer, 0, count);
                Length += count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // Large files are named by their SHA-256, the others as git names them: SHA-1 over "blob SIZE\0" and the content.
    private IncrementalHash? NewHash()
    {
        if (!_file.Etag.All(char.IsAsciiHexDigit))
            return null;
        if (_file.Etag.Length == 64)
            return IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        if (_file.Etag.Length != 40)
            return null;
        var git = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        git.AppendData(Encoding.ASCII.GetBytes($"blob {_file.Size}\0"));
        return git;
    }
}
