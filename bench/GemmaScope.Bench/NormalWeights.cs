using System.Runtime.InteropServices;
using GemmaScope.Numerics;

namespace GemmaScope.Bench;

/// <summary>
/// Normally distributed bf16 weights, several gigabytes a second: each is one of 65,536 normal draws, picked by a generator
/// that depends only on a seed and the weight's index, so that all threads fill one tensor and the result is always the same.
/// </summary>
internal sealed class NormalWeights(int seed)
{
    private const int ChunkWeights = 1 << 16;
    private const int BlockWeights = 1 << 22;
    private const ulong Golden = 0x9E3779B97F4A7C15;

    private readonly float[] _draws = Draw(seed);

    /// <summary>Writes <paramref name="count"/> weights of the given standard deviation.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="count">How many.</param>
    /// <param name="deviation">Standard deviation.</param>
    /// <param name="tensor">Number of the tensor, so that each gets other weights.</param>
    public void Write(Stream stream, long count, double deviation, int tensor)
    {
        var block = new ushort[Math.Min(count, BlockWeights)];
        for (long at = 0; at < count; at += BlockWeights)
        {
            var length = (int)Math.Min(BlockWeights, count - at);
            Fill(block, length, at, deviation, tensor);
            stream.Write(MemoryMarshal.AsBytes(block.AsSpan(0, length)));
        }
    }

    /// <summary>A tensor of such weights in memory, in bf16 or f32.</summary>
    public unsafe Tensor Make(DType type, int rows, int columns, double deviation, int tensor)
    {
        var count = checked(rows * columns);
        var bits = new ushort[count];
        Fill(bits, count, 0, deviation, tensor);
        var made = Tensor.Allocate(type, [rows, columns], clear: false);
        fixed (ushort* source = bits)
        {
            if (type == DType.F32) Conversions.Widen(source, DType.BF16, made.Floats, count);
            else Buffer.MemoryCopy(source, made.Pointer, made.ByteLength, made.ByteLength);
        }
        return made;
    }

    private void Fill(ushort[] target, int length, long first, double deviation, int tensor)
    {
        var scaled = new ushort[_draws.Length];
        for (var i = 0; i < scaled.Length; i++) scaled[i] = Conversions.F32ToBF16((float)(_draws[i] * deviation));
        var key = Mix(((ulong)seed << 32) + (ulong)tensor) + (ulong)first;
        Workers.For((length + ChunkWeights - 1) / ChunkWeights, new FillChunk(scaled, target, length, key));
    }

    private readonly struct FillChunk(ushort[] draws, ushort[] target, int length, ulong key) : IJob
    {
        public void Run(int index)
        {
            var chunk = target.AsSpan(index * ChunkWeights, Math.Min(ChunkWeights, length - index * ChunkWeights));
            for (var i = 0; i < chunk.Length; i += 4)
            {
                var bits = Mix(key + (ulong)index * ChunkWeights + (ulong)i);
                for (var j = i; j < Math.Min(i + 4, chunk.Length); j++, bits >>= 16) chunk[j] = draws[(ushort)bits];
            }
        }
    }

    /// <summary>SplitMix64 (Steele, Lea and Flood, 2014) as a hash of a counter.</summary>
    private static ulong Mix(ulong counter)
    {
        var z = counter * Golden;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>Draws by the method of Box and Muller (1958).</summary>
    private static float[] Draw(int seed)
    {
        var random = new Random(seed);
        var draws = new float[1 << 16];
        for (var i = 0; i < draws.Length; i++)
            draws[i] = (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        return draws;
    }
}
