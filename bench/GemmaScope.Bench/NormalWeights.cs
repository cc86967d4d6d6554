using GemmaScope.Files;
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

    private readonly float[] _draws = Draw(seed);

    /// <summary>A tensor of such weights to be written to a file.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">BF16, or F32 for the same values widened.</param>
    /// <param name="shape">Dimensions.</param>
    /// <param name="deviation">Standard deviation.</param>
    /// <param name="tensor">Number of the tensor, so that each gets other weights.</param>
    public TensorSource Source(string name, DType type, long[] shape, double deviation, int tensor) =>
        new(
            name,
            type,
            shape,
            stream =>
            {
                var count = shape.Aggregate(1L, (product, n) => product * n);
                for (long at = 0; at < count; at += BlockWeights)
                {
                    using var block = Make(type, [Math.Min(BlockWeights, count - at)], at, deviation, tensor);
                    Write(block, stream);
                }
            }
        );

    /// <summary>A matrix of such weights in memory.</summary>
    public Tensor Matrix(DType type, int rows, int columns, double deviation, int tensor) =>
        Make(type, [rows, columns], 0, deviation, tensor);

    private unsafe Tensor Make(DType type, ReadOnlySpan<long> shape, long first, double deviation, int tensor)
    {
        var bits = Tensor.Allocate(DType.BF16, shape, clear: false);
        Fill((ushort*)bits.Pointer, bits.Length, first, deviation, tensor);
        if (type == DType.BF16)
            return bits;
        using (bits)
            return bits.ToF32();
    }

    private static unsafe void Write(Tensor block, Stream stream) =>
        stream.Write(new ReadOnlySpan<byte>(block.Pointer, (int)block.ByteLength));

    private unsafe void Fill(ushort* target, long length, long first, double deviation, int tensor)
    {
        var scaled = new ushort[_draws.Length];
        for (var i = 0; i < scaled.Length; i++)
            scaled[i] = Conversions.F32ToBF16((float)(_draws[i] * deviation));
        var key = Mix(((ulong)seed << 32) + (ulong)tensor) + (ulong)first;
        Workers.For((int)((length + ChunkWeights - 1) / ChunkWeights), new FillChunk(scaled, target, length, key));
    }

    private readonly unsafe struct FillChunk(ushort[] draws, ushort* target, long length, ulong key) : IJob
    {
        public void Run(int index)
        {
            var first = (long)index * ChunkWeights;
            var chunk = new Span<ushort>(target + first, (int)Math.Min(ChunkWeights, length - first));
            for (var i = 0; i < chunk.Length; i += 4)
            {
                var bits = Mix(key + (ulong)(first + i));
                for (var j = i; j < Math.Min(i + 4, chunk.Length); j++, bits >>= 16)
                    chunk[j] = draws[(ushort)bits];
            }
        }
    }

    private static ulong Mix(ulong counter) => SplitMix.Mix(counter * SplitMix.Golden);

    private static float[] Draw(int seed)
    {
        var random = new Random(seed);
        var draws = new float[1 << 16];
        for (var i = 0; i < draws.Length; i++)
            draws[i] = (float)NormalDistribution.Draw(random);
        return draws;
    }
}
