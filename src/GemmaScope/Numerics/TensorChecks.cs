using System.Numerics;

namespace GemmaScope.Numerics;

/// <summary>Scans of stored tensors for values that no weight may have.</summary>
public static unsafe class TensorChecks
{
    private const long ChunkElements = 1 << 20;
    private const int PieceElements = 1 << 11;

    /// <summary>Index of the first NaN or infinity of an F32, BF16, F16 or F64 tensor or one of a block type, or -1.</summary>
    public static long FindNonFinite(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        var first = long.MaxValue;
        var chunks = checked((int)((tensor.Length + ChunkElements - 1) / ChunkElements));
        Workers.For(chunks, new ScanJob(tensor, &first));
        return first == long.MaxValue ? -1 : first;
    }

    /// <summary>Refuses a tensor that holds a NaN or an infinity.</summary>
    /// <param name="tensor">F32, BF16, F16 or F64.</param>
    /// <param name="name">Its name, for the message.</param>
    /// <param name="file">Its file, for the message.</param>
    /// <exception cref="FileFormatException">Names the first bad value and where it is.</exception>
    public static void RequireFinite(Tensor tensor, string name, string file)
    {
        var index = FindNonFinite(tensor);
        if (index < 0)
            return;
        var value = ValueAt(tensor, index);
        var place = tensor.Shape.Length < 2 ? $"index {index}" : $"row {index / tensor.Columns}, column {index % tensor.Columns}";
        throw new FileFormatException(
            $"{name} contains {(float.IsNaN(value) ? "NaN" : "an infinite value")} ({place}); the file is damaged or training diverged",
            file
        );
    }

    private static float ValueAt(Tensor tensor, long index)
    {
        var block = tensor.Type.BlockLength();
        var values = stackalloc float[block];
        Conversions.Widen(tensor.Pointer + tensor.Type.ByteLength(index / block * block), tensor.Type, values, block);
        return values[index % block];
    }

    /// <summary>The same for a block type, whose values are made a piece at a time.</summary>
    private static long FindInBlocks(byte* data, DType type, long count)
    {
        var values = stackalloc float[PieceElements];
        for (long start = 0; start < count; start += PieceElements)
        {
            var piece = Math.Min(PieceElements, count - start);
            Conversions.Widen(data + type.ByteLength(start), type, values, piece);
            if (Find((uint*)values, piece, 0x7F800000u) is >= 0 and var found)
                return start + found;
        }
        return -1;
    }

    /// <summary>A value is not finite exactly when all bits of its exponent are set.</summary>
    private static long Find<T>(T* data, long count, T exponent)
        where T : unmanaged, IBinaryInteger<T>
    {
        var mask = new Vector<T>(exponent);
        long i = 0;
        while (i <= count - Vector<T>.Count && !Vector.EqualsAny(Vector.LoadUnsafe(ref data[i]) & mask, mask))
            i += Vector<T>.Count;
        while (i < count && (data[i] & exponent) != exponent)
            i++;
        return i < count ? i : -1;
    }

    private readonly struct ScanJob(Tensor tensor, long* first) : IJob
    {
        public void Run(int index)
        {
            var start = index * ChunkElements;
            if (Volatile.Read(ref *first) < start)
                return;
            var count = Math.Min(ChunkElements, tensor.Length - start);
            var data = tensor.Pointer + tensor.Type.ByteLength(start);
            var found = tensor.Type switch
            {
                DType.F32 => Find((uint*)data, count, 0x7F800000u),
                DType.BF16 => Find((ushort*)data, count, (ushort)0x7F80),
                DType.F16 => Find((ushort*)data, count, (ushort)0x7C00),
                DType.F64 => Find((ulong*)data, count, 0x7FF0000000000000ul),
                var type when type.IsBlockType() => FindInBlocks(data, type, count),
                _ => throw new ArgumentException($"a tensor of type {tensor.Type} has no NaN or infinity to look for"),
            };
            if (found >= 0)
                LowerTo(start + found);
        }

        private void LowerTo(long candidate)
        {
            var seen = Volatile.Read(ref *first);
            while (candidate < seen)
            {
                var before = Interlocked.CompareExchange(ref *first, candidate, seen);
                if (before == seen)
                    return;
                seen = before;
            }
        }
    }
}
