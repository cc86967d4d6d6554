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
    private const int BytesPerItem = 1 << 16;

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
        var outputs = (int)Math.Clamp(BytesPerItem / Math.Max(1, w.RowBytes), 4, Math.Max(4, w.Outputs));
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

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Dot(byte* block, int blocks, float* x, float* sums)
    {
        var scales = stackalloc float[16];
        var offsets = stackalloc float[16];
        T a0 = default,
            a1 = default;
        var least = Vector128<float>.Zero;
        var rest = 0f;
        for (var b = 0; b < blocks; b++, block += TBlock.Bytes)
        {
            TBlock.Scales(block, scales, offsets);
            for (var group = 0; group < TBlock.Groups; group++, x += BlockParts.Group)
            {
                TBlock.Quants(block, group, out var low, out var high);
                if (TBlock.Halves)
                {
                    a0 = TSimd.MultiplyAdd(TSimd.Dot16(low, x, default), TSimd.Broadcast(scales[2 * group]), a0);
                    a1 = TSimd.MultiplyAdd(TSimd.Dot16(high, x + 16, default), TSimd.Broadcast(scales[2 * group + 1]), a1);
                }
                else
                {
                    var products = TSimd.Dot16(high, x + 16, TSimd.Dot16(low, x, default));
                    a0 = TSimd.MultiplyAdd(products, TSimd.Broadcast(scales[group]), a0);
                }
            }
            if (!TBlock.HasOffsets)
                continue;
            var count = TBlock.Halves ? 2 * TBlock.Groups : TBlock.Groups;
            if (count == 1)
                rest += offsets[0] * *sums++;
            else
                for (var i = 0; i < count; i += 4, sums += 4)
                    least = Vector128.MultiplyAddEstimate(Vector128.Load(offsets + i), Vector128.Load(sums), least);
        }
        return TSimd.Sum(TSimd.Add(a0, a1)) + Vector128.Sum(least) + rest;
    }
}
