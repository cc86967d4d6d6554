using System.Numerics;

namespace GemmaScope.Numerics;

/// <summary>What the values of a tensor are like.</summary>
/// <param name="Minimum">Smallest finite value; NaN where there is none.</param>
/// <param name="Maximum">Largest finite value; NaN where there is none.</param>
/// <param name="Mean">Mean of the finite values; NaN where there is none.</param>
/// <param name="NaNs">Number of NaNs.</param>
/// <param name="Infinities">Number of infinities of either sign.</param>
public sealed record TensorStatistics(double Minimum, double Maximum, double Mean, long NaNs, long Infinities)
{
    private const int ChunkElements = 1 << 18;

    /// <summary>Reads a whole tensor once; null for types without an order (complex) or not yet read (8-bit floats).</summary>
    public static TensorStatistics? Of(Tensor tensor, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (tensor.Type is DType.C64 or DType.F8E4M3 or DType.F8E5M2 or DType.F8E8M0)
            return null;
        var chunks = new Chunk[checked((int)((tensor.Length + ChunkElements - 1) / ChunkElements))];
        Workers.For(chunks.Length, new ChunkJob(tensor, chunks, cancellationToken));
        cancellationToken.ThrowIfCancellationRequested();

        var all = new Chunk();
        foreach (var chunk in chunks)
            all.Add(chunk);
        var finite = tensor.Length - all.NaNs - all.Infinities;
        return finite == 0
            ? new TensorStatistics(double.NaN, double.NaN, double.NaN, all.NaNs, all.Infinities)
            : new TensorStatistics(all.Minimum, all.Maximum, all.Sum / finite, all.NaNs, all.Infinities);
    }

    private struct Chunk()
    {
        public double Minimum = double.PositiveInfinity,
            Maximum = double.NegativeInfinity,
            Sum;
        public long NaNs,
            Infinities;

        public void Add(double value)
        {
            if (double.IsFinite(value))
            {
                Minimum = Math.Min(Minimum, value);
                Maximum = Math.Max(Maximum, value);
                Sum += value;
            }
            else if (double.IsNaN(value))
                NaNs++;
            else
                Infinities++;
        }

        public void Add(in Chunk other)
        {
            Minimum = Math.Min(Minimum, other.Minimum);
            Maximum = Math.Max(Maximum, other.Maximum);
            Sum += other.Sum;
            NaNs += other.NaNs;
            Infinities += other.Infinities;
        }
    }

    private readonly unsafe struct ChunkJob(Tensor tensor, Chunk[] chunks, CancellationToken cancellationToken) : IJob
    {
        public void Run(int index)
        {
            if (cancellationToken.IsCancellationRequested)
                return;
            var start = (long)index * ChunkElements;
            var data = tensor.Pointer + tensor.Type.ByteLength(start);
            var count = (int)Math.Min(ChunkElements, tensor.Length - start);
            chunks[index] = tensor.Type switch
            {
                DType.F32 => Read((float*)data, count),
                DType.BF16 => ReadBF16((ushort*)data, count),
                DType.F16 => Read((Half*)data, count),
                DType.F64 => Read((double*)data, count),
                DType.I8 => Read((sbyte*)data, count),
                DType.I16 => Read((short*)data, count),
                DType.U16 => Read((ushort*)data, count),
                DType.I32 => Read((int*)data, count),
                DType.U32 => Read((uint*)data, count),
                DType.I64 => Read((long*)data, count),
                DType.U64 => Read((ulong*)data, count),
                var type when type.IsBlockType() => ReadBlocks(data, type, count),
                _ => Read(data, count), // bytes and booleans
            };
        }

        private static Chunk Read<T>(T* data, int count)
            where T : unmanaged, INumberBase<T>
        {
            var chunk = new Chunk();
            for (var i = 0; i < count; i++)
                chunk.Add(double.CreateTruncating(data[i]));
            return chunk;
        }

        private static Chunk ReadBlocks(byte* data, DType type, int count)
        {
            const int piece = 1 << 11;
            var values = stackalloc float[piece];
            var chunk = new Chunk();
            for (var start = 0; start < count; start += piece)
            {
                var some = Math.Min(piece, count - start);
                Conversions.Widen(data + type.ByteLength(start), type, values, some);
                chunk.Add(Read(values, some));
            }
            return chunk;
        }

        private static Chunk ReadBF16(ushort* data, int count)
        {
            var chunk = new Chunk();
            for (var i = 0; i < count; i++)
                chunk.Add(Conversions.BF16ToF32(data[i]));
            return chunk;
        }
    }
}
