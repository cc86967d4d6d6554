using System.Runtime.Intrinsics;

namespace GemmaScope.Numerics;

/// <summary>Work that is compiled once for each vector width and block type.</summary>
internal interface IBlockCall
{
    void Run<T, TSimd, TBlock>()
        where T : unmanaged
        where TSimd : ISimd<T>
        where TBlock : IBlockFormat;
}

/// <summary>Values of block types as f32: exactly those of the reference.</summary>
internal static unsafe class BlockWidening
{
    /// <summary>Widens <paramref name="count"/> values, which must be whole blocks.</summary>
    public static void Widen(byte* source, DType type, float* target, long count)
    {
        if (count % type.BlockLength() != 0)
            throw new ArgumentException($"{count} values are no whole blocks of {type}");
        Groups(ManagedKernels.Widest, source, type, 0, count / BlockParts.Group, target);
    }

    /// <summary>Widens <paramref name="count"/> groups of 32 values from group <paramref name="first"/> of a stored row on.</summary>
    public static void Groups(VectorWidth width, byte* row, DType type, long first, long count, float* target) =>
        Run(width, type, new WidenCall(row, first, count, target));

    /// <summary>Runs work in the copy for a width and a block type.</summary>
    public static void Run<TCall>(VectorWidth width, DType type, TCall call)
        where TCall : struct, IBlockCall
    {
        switch (width)
        {
            case VectorWidth.V512:
                OfType<Vector512<float>, Simd512, TCall>(type, call);
                break;
            case VectorWidth.V256:
                OfType<Vector256<float>, Simd256, TCall>(type, call);
                break;
            default:
                OfType<Vector128<float>, Simd128, TCall>(type, call);
                break;
        }
    }

    private static void OfType<T, TSimd, TCall>(DType type, TCall call)
        where T : unmanaged
        where TSimd : ISimd<T>
        where TCall : struct, IBlockCall
    {
        switch (type)
        {
            case DType.Q8_0:
                call.Run<T, TSimd, Q8_0Blocks>();
                break;
            case DType.Q4_0:
                call.Run<T, TSimd, Q4_0Blocks>();
                break;
            case DType.Q4_1:
                call.Run<T, TSimd, Q4_1Blocks>();
                break;
            case DType.Q5_0:
                call.Run<T, TSimd, Q5_0Blocks>();
                break;
            case DType.Q5_1:
                call.Run<T, TSimd, Q5_1Blocks>();
                break;
            case DType.Q2_K:
                call.Run<T, TSimd, Q2_KBlocks>();
                break;
            case DType.Q3_K:
                call.Run<T, TSimd, Q3_KBlocks>();
                break;
            case DType.Q4_K:
                call.Run<T, TSimd, Q4_KBlocks>();
                break;
            case DType.Q5_K:
                call.Run<T, TSimd, Q5_KBlocks>();
                break;
            case DType.Q6_K:
                call.Run<T, TSimd, Q6_KBlocks>();
                break;
            case DType.IQ4_NL:
                call.Run<T, TSimd, IQ4_NLBlocks>();
                break;
            case DType.IQ4_XS:
                call.Run<T, TSimd, IQ4_XSBlocks>();
                break;
            default:
                throw new ArgumentException($"{type} is no block type");
        }
    }

    private readonly struct WidenCall(byte* row, long first, long count, float* target) : IBlockCall
    {
        public void Run<T, TSimd, TBlock>()
            where T : unmanaged
            where TSimd : ISimd<T>
            where TBlock : IBlockFormat
        {
            var scales = stackalloc float[16];
            var offsets = stackalloc float[16];
            new Span<float>(offsets, 16).Clear();
            var to = target;
            for (long group = first, known = -1; group < first + count; group++, to += BlockParts.Group)
            {
                var (index, inside) = (group / TBlock.Groups, (int)(group % TBlock.Groups));
                var block = row + index * TBlock.Bytes;
                if (index != known)
                    TBlock.Scales(block, scales, offsets);
                known = index;
                TBlock.Quants(block, inside, out var low, out var high);
                var i = TBlock.Halves ? 2 * inside : inside;
                var j = TBlock.Halves ? i + 1 : i;
                TSimd.Store16(low, scales[i], offsets[i], to);
                TSimd.Store16(high, scales[j], offsets[j], to + 16);
            }
        }
    }
}
