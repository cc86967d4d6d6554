using GemmaScope.Files;
using GemmaScope.Numerics;
using Microsoft.Win32.SafeHandles;

namespace GemmaScope.Activations;

/// <summary>
/// Rows of one shard, widened to f32. They are read and not mapped: a read can fail with an error that names the file, where a page of a
/// mapping that has gone from the disk ends the process, and reading ahead of a long run of rows is what disks and page cache do best.
/// </summary>
internal sealed unsafe class ShardReader : IDisposable
{
    /// <summary>Name of the one tensor of a shard.</summary>
    public const string TensorName = "activations";

    private const int BlockBytes = 1 << 20;

    private readonly string _path;
    private readonly SafeFileHandle _file;
    private readonly DType _type;
    private readonly int _width;
    private readonly long _start;
    private readonly byte[] _block;

    /// <summary>Opens a shard and checks that it is what the manifest says.</summary>
    /// <exception cref="FileFormatException">It is missing, cut short, malformed or of another shape or type.</exception>
    public ShardReader(string store, StoreShard shard, DType type, int rows, int width)
    {
        (_path, _type, _width) = (Path.Combine(store, shard.File), type, width);
        using (var mapped = new MappedFile(_path))
        {
            if (mapped.Length != shard.Bytes)
                throw new FileFormatException(
                    $"has {mapped.Length} bytes where the manifest says {shard.Bytes}; verify the store, then run the same harvest again",
                    _path
                );
            var header = SafetensorsHeader.Read(mapped);
            if (
                !header.Entries.TryGetValue(TensorName, out var entry)
                || entry.Type != type
                || !entry.Shape.AsSpan().SequenceEqual([rows, width])
            )
                throw new FileFormatException(
                    $"does not hold a tensor '{TensorName}' {type}[{rows}, {width}], as the manifest says",
                    _path
                );
            _start = header.DataStart + entry.Begin;
        }
        _block = type == DType.F32 ? [] : new byte[BlockBytes];
        try
        {
            _file = File.OpenHandle(
                _path,
                FileMode.Open,
                FileAccess.Read,
                FileShare.ReadWrite | FileShare.Delete,
                // Pieces are read in a random order.
                FileOptions.None
            );
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw FileChecks.Unreadable(_path, problem);
        }
    }

    /// <summary>Reads rows [first, first + target.Rows), [rows, width]; the target's rows follow each other without gaps.</summary>
    public void Read(int first, MatrixView target)
    {
        var at = _start + (long)first * _width * _type.Size();
        var left = (long)target.Rows * _width;
        var to = target.Data;
        while (left > 0)
        {
            var count = (int)Math.Min(left, BlockBytes / _type.Size());
            var bytes = _type == DType.F32 ? new Span<byte>(to, count * sizeof(float)) : _block.AsSpan(0, count * _type.Size());
            Fill(at, bytes);
            if (_type != DType.F32)
                fixed (byte* block = _block)
                    Conversions.Widen(block, _type, to, count);
            at += bytes.Length;
            to += count;
            left -= count;
        }
    }

    public void Dispose() => _file.Dispose();

    private void Fill(long at, Span<byte> bytes)
    {
        try
        {
            while (bytes.Length > 0)
            {
                var count = RandomAccess.Read(_file, bytes, at);
                if (count == 0)
                    throw new FileFormatException("ends too early; it was changed while it was read", _path);
                at += count;
                bytes = bytes[count..];
            }
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw FileChecks.Unreadable(_path, problem);
        }
    }
}
