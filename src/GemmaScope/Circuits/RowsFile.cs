using System.Buffers.Binary;
using System.Runtime.InteropServices;
using GemmaScope.Files;

namespace GemmaScope.Circuits;

/// <summary>A row and how many layers, from the first, write to it.</summary>
internal readonly record struct RowPlan(int Row, int Layers);

/// <summary>
/// A file in which batches of rows outlive the process that computed them. It begins with the manifest; then batches follow in the order in
/// which a trace needs them, each with a checksum. As that order and the size of each batch are decided by the manifest and earlier rows, a
/// trace that begins anew knows where each batch must be, takes it where it is whole, and else computes it and puts it there.
/// </summary>
internal sealed class RowsFile : IDisposable
{
    /// <summary>The largest manifest that is read.</summary>
    private const int LargestManifest = 1 << 16;

    /// <summary>Row, layers, five numbers (<see cref="RowFacts"/>).</summary>
    private const int HeadOfRow = 2 * sizeof(int) + 5 * sizeof(double);

    private const int Piece = 1 << 20;

    private readonly FileStream _file;

    private RowsFile(FileStream file) => _file = file;

    private static ReadOnlySpan<byte> Magic => "GemmaScope rows\n"u8;

    /// <summary>Where the first batch begins.</summary>
    public long Start { get; private init; }

    /// <summary>The file.</summary>
    public FileStream Stream => _file;

    /// <summary>Opens a file to go on with, or makes one.</summary>
    /// <param name="path">Where; its folder is made.</param>
    /// <param name="manifest">What the rows are of.</param>
    /// <param name="replace">Whether rows of something else may be thrown away.</param>
    /// <exception cref="GemmaScopeException">It holds rows of something else, is no file of rows, is in use, or cannot be made.</exception>
    public static RowsFile Open(string path, RowsManifest manifest, bool replace)
    {
        FileStream file;
        try
        {
            if (Directory.Exists(path))
                throw new GemmaScopeException("this is a folder; give the name of a file for rows", path);
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        }
        catch (IOException problem) when (FileLock.IsHeldElsewhere(problem))
        {
            throw FileLock.Held(path, "this file of rows", null, problem);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new GemmaScopeException($"rows cannot be kept there: {problem.Message}", path, problem);
        }
        try
        {
            return new(file) { Start = Begin(file, manifest.ToBytes(), manifest, replace) };
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Bytes of a batch.</summary>
    public static long BytesOf(int rows, long numbers) => sizeof(int) + (long)rows * HeadOfRow + numbers * sizeof(float) + sizeof(uint);

    /// <summary>Where the numbers of a batch begin behind its beginning.</summary>
    public static long HeadOf(int rows) => sizeof(int) + (long)rows * HeadOfRow;

    /// <summary>Whether a batch is whole.</summary>
    /// <param name="offset">Where it begins.</param>
    /// <param name="batch">The rows that it must hold.</param>
    /// <param name="numbers">How many numbers they have together.</param>
    /// <param name="facts">Overwritten by what is known of each row.</param>
    public bool TryRead(long offset, IReadOnlyList<RowPlan> batch, long numbers, Span<RowFacts> facts)
    {
        var (end, head) = (offset + BytesOf(batch.Count, numbers), new byte[HeadOf(batch.Count)]);
        if (RandomAccess.GetLength(_file.SafeFileHandle) < end)
            return false;
        ReadExactly(head, offset);
        var checksum = Crc32.Append(0, head);
        var buffer = new byte[(int)Math.Min(Piece, numbers * sizeof(float))];
        var at = offset + head.Length;
        while (at < end - sizeof(uint))
        {
            var piece = buffer.AsSpan(0, (int)Math.Min(buffer.Length, end - sizeof(uint) - at));
            ReadExactly(piece, at);
            checksum = Crc32.Append(checksum, piece);
            at += piece.Length;
        }
        Span<byte> kept = stackalloc byte[sizeof(uint)];
        ReadExactly(kept, at);
        if (BinaryPrimitives.ReadUInt32LittleEndian(kept) != checksum || !HeadsAgree(head, batch))
            return false;
        for (var i = 0; i < batch.Count; i++)
            facts[i] = ReadFacts(head.AsSpan(sizeof(int) + i * HeadOfRow + 2 * sizeof(int)));
        return true;
    }

    /// <summary>Writes a batch.</summary>
    /// <param name="offset">Where.</param>
    /// <param name="batch">Its rows.</param>
    /// <param name="facts">What is known of each.</param>
    /// <param name="packed">The numbers of each.</param>
    /// <exception cref="GemmaScopeException">It cannot be written.</exception>
    public void Write(long offset, IReadOnlyList<RowPlan> batch, ReadOnlySpan<RowFacts> facts, IEnumerable<float[]> packed)
    {
        var head = new byte[HeadOf(batch.Count)];
        WriteHead(head, batch, facts);
        var checksum = Crc32.Append(0, head);
        Write(head, ref offset);
        foreach (var row in packed)
        {
            var bytes = MemoryMarshal.AsBytes<float>(row);
            checksum = Crc32.Append(checksum, bytes);
            Write(bytes, ref offset);
        }
        Span<byte> last = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(last, checksum);
        Write(last, ref offset);
    }

    public void Dispose() => _file.Dispose();

    /// <summary>Compares what the file is of, or says it; where batches begin.</summary>
    private static long Begin(FileStream file, byte[] wanted, RowsManifest manifest, bool replace)
    {
        var start = Magic.Length + 2 * sizeof(int) + wanted.Length;
        if (file.Length > 0)
        {
            if (Manifest(file) is not { } found)
                throw new GemmaScopeException("is no file of rows, and is left as it is; give another name", file.Name);
            // Of no length: it was stopped or damaged while it was begun.
            var other = found.Length == 0 ? "" : manifest.Difference(found);
            if (other is null)
                return start;
            if (other.Length > 0 && !replace)
                throw new GemmaScopeException(
                    $"holds rows of a trace that was not finished and has {Other(other)}",
                    file.Name,
                    remedy: new Remedy($"give that trace's settings to go on with it, or begin anew ({new Setting("Overwrite")})")
                );
        }
        var head = new byte[start];
        Magic.CopyTo(head);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(Magic.Length), wanted.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(Magic.Length + sizeof(int)), Crc32.Append(0, wanted));
        wanted.CopyTo(head.AsSpan(Magic.Length + 2 * sizeof(int)));
        try
        {
            file.SetLength(0);
            RandomAccess.Write(file.SafeFileHandle, head, 0);
        }
        catch (IOException problem)
        {
            throw new GemmaScopeException($"rows cannot be kept there: {problem.Message}", file.Name, problem);
        }
        return start;
    }

    private static string Other(string what) =>
        what switch
        {
            "form" => "another version of this program",
            "prompt" or "model" or "budget" => $"another {what}",
            _ => $"other {what}",
        };

    /// <summary>The manifest of a file; of no length where it was not written whole, null where the file is another one.</summary>
    private static byte[]? Manifest(FileStream file)
    {
        var head = new byte[Magic.Length + 2 * sizeof(int)];
        var read = RandomAccess.Read(file.SafeFileHandle, head, 0);
        if (!head.AsSpan(0, Math.Min(read, Magic.Length)).SequenceEqual(Magic[..Math.Min(read, Magic.Length)]))
            return null;
        var length = BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(Magic.Length));
        if (read < head.Length || length is <= 0 or > LargestManifest)
            return [];
        var manifest = new byte[length];
        return
            RandomAccess.Read(file.SafeFileHandle, manifest, head.Length) == length
            && Crc32.Append(0, manifest) == BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(Magic.Length + sizeof(int)))
            ? manifest
            : [];
    }

    private static void WriteHead(Span<byte> head, IReadOnlyList<RowPlan> batch, ReadOnlySpan<RowFacts> facts)
    {
        BinaryPrimitives.WriteInt32LittleEndian(head, batch.Count);
        for (var i = 0; i < batch.Count; i++)
        {
            var row = head.Slice(sizeof(int) + i * HeadOfRow, HeadOfRow);
            BinaryPrimitives.WriteInt32LittleEndian(row, batch[i].Row);
            BinaryPrimitives.WriteInt32LittleEndian(row[sizeof(int)..], batch[i].Layers);
            double[] numbers = [facts[i].EncoderBias, facts[i].DecoderBias, facts[i].Zeroed, facts[i].Total, facts[i].Value];
            for (var j = 0; j < numbers.Length; j++)
                BinaryPrimitives.WriteDoubleLittleEndian(row[(2 * sizeof(int) + j * sizeof(double))..], numbers[j]);
        }
    }

    private static bool HeadsAgree(ReadOnlySpan<byte> head, IReadOnlyList<RowPlan> batch)
    {
        var agree = BinaryPrimitives.ReadInt32LittleEndian(head) == batch.Count;
        for (var i = 0; agree && i < batch.Count; i++)
        {
            var row = head[(sizeof(int) + i * HeadOfRow)..];
            agree =
                BinaryPrimitives.ReadInt32LittleEndian(row) == batch[i].Row
                && BinaryPrimitives.ReadInt32LittleEndian(row[sizeof(int)..]) == batch[i].Layers;
        }
        return agree;
    }

    private static RowFacts ReadFacts(ReadOnlySpan<byte> numbers) =>
        new(Number(numbers, 0), Number(numbers, 1), Number(numbers, 2), Number(numbers, 3), Number(numbers, 4));

    private static double Number(ReadOnlySpan<byte> numbers, int i) =>
        BinaryPrimitives.ReadDoubleLittleEndian(numbers[(i * sizeof(double))..]);

    private void ReadExactly(Span<byte> bytes, long offset) => ScratchFile.ReadExactly(_file, bytes, offset);

    private void Write(ReadOnlySpan<byte> bytes, ref long offset)
    {
        try
        {
            RandomAccess.Write(_file.SafeFileHandle, bytes, offset);
        }
        catch (IOException problem)
        {
            throw new GemmaScopeException(
                $"rows of the graph cannot be written: {problem.Message}. Those that are there are kept; with more room the same trace goes on",
                _file.Name,
                problem
            );
        }
        offset += bytes.Length;
    }
}
