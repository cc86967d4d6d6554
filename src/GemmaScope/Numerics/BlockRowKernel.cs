using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GemmaScope.Numerics;

/// <summary>
/// y = x · Wᵀ for one or a few rows of x and weights of a block type stored [outputs, inputs]: a decoded token's products. The whole
/// numbers of a block are widened in registers and multiplied by x in f32, the sum of a group by its scale; what the offsets give is
/// their product with the sums of x over each group, which are made once.
/// </summary>
internal static unsafe class BlockRowKernel<T, TSimd, TBlock>
    where T : unmanaged
    where TSimd : ISimd<T>
    where TBlock : IBlockFormat
{
    /// <summary>Blocks of one group whose scales are widened together.</summary>
    private const int Chunk = 16;

    [ThreadStatic]
    private static Scratch? t_sums;

    /// <summary>Values that share an offset.</summary>
    private static int Shared => TBlock.Halves ? BlockParts.Group / 2 : BlockParts.Group;

    public static void Multiply(MatrixView x, WeightView w, MatrixView y, bool here)
    {
        float* sums = null;
        if (TBlock.HasOffsets)
        {
            sums = (t_sums ??= new()).Floats((long)x.Rows * (x.Columns / Shared));
            for (var t = 0; t < x.Rows; t++)
            for (var i = 0; i < x.Columns / Shared; i++)
                sums[(long)t * (x.Columns / Shared) + i] = System.Numerics.Tensors.TensorPrimitives.Sum(
                    new ReadOnlySpan<float>(x.Data + (long)t * x.Stride + i * Shared, Shared)
                );
        }
        var outputs = ParallelLoop.RowsPerPart(w.Outputs, w.RowBytes);
        ParallelLoop.Run((w.Outputs + outputs - 1) / outputs, new Part(x, sums, w, y, outputs), here);
    }

    private readonly struct Part(MatrixView x, float* sums, WeightView w, MatrixView y, int outputs) : IJob
    {
        public void Run(int index)
        {
            var end = Math.Min((index + 1) * outputs, w.Outputs);
            var blocks = w.Inputs / (TBlock.Groups * BlockParts.Group);
            for (var n = index * outputs; n < end; n++)
            for (var t = 0; t < x.Rows; t++)
                y.Data[(long)t * y.Stride + n] = Dot(
                    w.StoredRow(n),
                    blocks,
                    x.Data + (long)t * x.Stride,
                    sums + (long)t * (x.Columns / Shared)
                );
        }
    }

    private static float Dot(byte* block, int blocks, float* x, float* sums) =>
        TBlock.Groups == 1 ? DotSmall(block, blocks, x, sums) : DotSuper(block, blocks, x, sums);

    /// <summary>Blocks of one group. The scales of sixteen are widened at a time, as that takes as long as it does for one.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float DotSmall(byte* block, int blocks, float* x, float* sums)
    {
        var scales = stackalloc float[2 * Chunk];
        var offsets = scales + Chunk;
        T a0 = default,
            a1 = default,
            a2 = default,
            a3 = default;
        var rest = 0f;
        var table = TSimd.LooksUp ? TSimd.Table(TBlock.Levels) : default;
        for (int count; blocks > 0; blocks -= count, sums += Chunk)
        {
            count = Math.Min(blocks, Chunk);
            for (var i = 0; i < count; i += 8)
                BlockParts.Halves(block + i * TBlock.Bytes, TBlock.Bytes, count - i, scales + i, TBlock.HasOffsets ? offsets + i : null);
            var at = 0;
            for (; at + 4 <= count; at += 4, block += 4 * TBlock.Bytes, x += 4 * BlockParts.Group)
            {
                Ahead.Fetch(block + Ahead.OneStream, 4 * TBlock.Bytes);
                a0 = Add(block, 0, x, scales + at, table, a0);
                a1 = Add(block + TBlock.Bytes, 0, x + BlockParts.Group, scales + at + 1, table, a1);
                a2 = Add(block + 2 * TBlock.Bytes, 0, x + 2 * BlockParts.Group, scales + at + 2, table, a2);
                a3 = Add(block + 3 * TBlock.Bytes, 0, x + 3 * BlockParts.Group, scales + at + 3, table, a3);
            }
            for (; at < count; at++, block += TBlock.Bytes, x += BlockParts.Group)
                a0 = Add(block, 0, x, scales + at, table, a0);
            if (TBlock.HasOffsets)
                for (var i = 0; i < count; i++)
                    rest += offsets[i] * sums[i];
        }
        return TSimd.Sum(TSimd.Add(TSimd.Add(a0, a1), TSimd.Add(a2, a3))) + rest;
    }

    /// <summary>Blocks of eight groups, one after the other in the code, so that what depends on the group's place is known.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float DotSuper(byte* block, int blocks, float* x, float* sums)
    {
        var scales = stackalloc float[32];
        var offsets = scales + 16;
        T a0 = default,
            a1 = default,
            a2 = default,
            a3 = default;
        var least = Vector128<float>.Zero;
        var table = TSimd.LooksUp ? TSimd.Table(TBlock.Levels) : default;
        var step = TBlock.Halves ? 2 : 1;
        for (var b = 0; b < blocks; b++, block += TBlock.Bytes, x += 8 * BlockParts.Group)
        {
            TBlock.Scales(block, scales, offsets);
            Ahead.Fetch(block + Ahead.OneStream, TBlock.Bytes);
            a0 = Add(block, 0, x, scales, table, a0);
            a1 = Add(block, 1, x + BlockParts.Group, scales + step, table, a1);
            a2 = Add(block, 2, x + 2 * BlockParts.Group, scales + 2 * step, table, a2);
            a3 = Add(block, 3, x + 3 * BlockParts.Group, scales + 3 * step, table, a3);
            a0 = Add(block, 4, x + 4 * BlockParts.Group, scales + 4 * step, table, a0);
            a1 = Add(block, 5, x + 5 * BlockParts.Group, scales + 5 * step, table, a1);
            a2 = Add(block, 6, x + 6 * BlockParts.Group, scales + 6 * step, table, a2);
            a3 = Add(block, 7, x + 7 * BlockParts.Group, scales + 7 * step, table, a3);
            if (TBlock.HasOffsets)
                for (var i = 0; i < 8 * step; i += 4, sums += 4)
                    least = Vector128.MultiplyAddEstimate(Vector128.Load(offsets + i), Vector128.Load(sums), least);
        }
        return TSimd.Sum(TSimd.Add(TSimd.Add(a0, a1), TSimd.Add(a2, a3))) + Vector128.Sum(least);
    }

    /// <summary>Adds a group's products, each sum times its scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Add(byte* block, int group, float* x, float* scales, T table, T sum)
    {
        if (TSimd.LooksUp && TBlock.IsLookedUp)
        {
            var place = TBlock.Nibbles(block, group);
            var first = TSimd.Bytes(place.First);
            var second = place.Second == place.First ? first : TSimd.Bytes(place.Second);
            var products = TSimd.Multiply(TSimd.LookUp(table, first, place.FirstShift), TSimd.Load(x));
            products = TSimd.MultiplyAdd(TSimd.LookUp(table, second, place.SecondShift), TSimd.Load(x + 16), products);
            return TSimd.MultiplyAdd(products, TSimd.Broadcast(scales[0]), sum);
        }
        TBlock.Quants(block, group, out var low, out var high);
        if (!TBlock.Halves)
            return TSimd.MultiplyAdd(TSimd.Dot16(high, x + 16, TSimd.Dot16(low, x, default)), TSimd.Broadcast(scales[0]), sum);
        sum = TSimd.MultiplyAdd(TSimd.Dot16(low, x, default), TSimd.Broadcast(scales[0]), sum);
        return TSimd.MultiplyAdd(TSimd.Dot16(high, x + 16, default), TSimd.Broadcast(scales[1]), sum);
    }
}
