using GemmaScope.Files;
using GemmaScope.Numerics;
using Microsoft.Win32.SafeHandles;

namespace GemmaScope.Activations;

/// <summary>Writes one shard under a temporary name: rows wait in their regions until <see cref="Finish"/> puts them in order and gives the
/// file its name.</summary>
internal sealed class ShardWriter : IDisposable
{
    /// <summary>Ending of files that are not complete.</summary>
    public const string Partial = ".partial";

    private readonly string _store,
        _name;
    private readonly byte[] _header;
    private readonly SafeFileHandle _file;
    private readonly Action<long>? _beforeWrite;

    public ShardWriter(string store, string name, StoredSite site, DType type, int rows, Action<long>? beforeWrite)
    {
        (_store, _name, _beforeWrite, RowBytes) = (store, name, beforeWrite, site.Width * type.Size());
        var tensor = new TensorSource(ShardReader.TensorName, type, [rows, site.Width], _ => { });
        _header = SafetensorsWriter.MakeHeader([tensor], new Dictionary<string, string> { ["site"] = site.Site.ToString() });
        Bytes = _header.Length + tensor.ByteLength;
        // Room for all of it is asked for now, so that a full disk is noticed before the model has worked for the bucket.
        _file = Writing(() => File.OpenHandle(Temporary, FileMode.Create, FileAccess.ReadWrite, FileShare.None, FileOptions.None, Bytes));
    }

    /// <summary>Bytes of a row.</summary>
    public int RowBytes { get; }

    /// <summary>Length of the file.</summary>
    public long Bytes { get; }

    private string Target => Path.Combine(_store, _name);

    private string Temporary => Target + Partial;

    /// <summary>Writes rows that follow each other.</summary>
    public void Write(int firstRow, ReadOnlySpan<byte> rows) => WriteAt(_header.Length + (long)firstRow * RowBytes, rows);

    /// <summary>Puts the rows in order, waits until they are on the disk, and gives the file its name. The two buffers hold a region
    /// each.</summary>
    public StoreShard Finish(BucketLayout layout, double squaredNorms, byte[] waiting, byte[] ordered)
    {
        WriteAt(0, _header);
        var checksum = Crc32.Append(0, _header);
        for (var region = 0; region < layout.Regions; region++)
        {
            var (first, rows, slots) = layout.Region(region);
            var bytes = rows * RowBytes;
            ReadAt(_header.Length + (long)first * RowBytes, waiting.AsSpan(0, bytes));
            for (var row = 0; row < rows; row++)
                waiting.AsSpan(row * RowBytes, RowBytes).CopyTo(ordered.AsSpan(slots[row] * RowBytes));
            Write(first, ordered.AsSpan(0, bytes));
            checksum = Crc32.Append(checksum, ordered.AsSpan(0, bytes));
        }
        Writing(() =>
        {
            RandomAccess.FlushToDisk(_file);
            _file.Dispose();
            File.Move(Temporary, Target, overwrite: true);
            return true;
        });
        return new(_name, Bytes, checksum, squaredNorms);
    }

    /// <summary>Removes the file if it was not finished.</summary>
    public void Dispose()
    {
        if (_file.IsClosed)
            return;
        _file.Dispose();
        Leftovers.Delete(Temporary);
    }

    private void WriteAt(long at, ReadOnlySpan<byte> bytes)
    {
        try
        {
            _beforeWrite?.Invoke(bytes.Length);
            RandomAccess.Write(_file, bytes, at);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(problem);
        }
    }

    private void ReadAt(long at, Span<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var count = RandomAccess.Read(_file, bytes, at);
            if (count == 0)
                throw new GemmaScopeException("became shorter while it was written; does another process use the folder?", Temporary);
            at += count;
            bytes = bytes[count..];
        }
    }

    private T Writing<T>(Func<T> write)
    {
        try
        {
            return write();
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(problem);
        }
    }

    private GemmaScopeException Unwritable(Exception problem) =>
        new($"cannot be written: {problem.Message}; make room and give the same command again, complete buckets are kept", Target, problem);
}
