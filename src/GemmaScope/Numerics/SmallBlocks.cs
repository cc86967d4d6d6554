using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GemmaScope.Numerics;

/// <inheritdoc/>
internal readonly unsafe struct Q8_0Blocks : IBlockFormat
{
    public static DType Type => DType.Q8_0;
    public static int Groups => 1;
    public static int Bytes => 34;
    public static bool Halves => false;
    public static bool HasOffsets => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* scales, float* offsets) => scales[0] = BlockParts.Half(block);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Quants(byte* block, int group, out Vector128<sbyte> first, out Vector128<sbyte> second)
    {
        first = Vector128.Load((sbyte*)block + 2);
        second = Vector128.Load((sbyte*)block + 18);
    }
}

/// <inheritdoc/>
internal readonly unsafe struct Q4_0Blocks : IBlockFormat
{
    public static DType Type => DType.Q4_0;
    public static int Groups => 1;
    public static int Bytes => 18;
    public static bool Halves => false;
    public static bool HasOffsets => false;

    public static bool IsLookedUp => true;
    public static Vector128<sbyte> Levels => BlockParts.From(-8);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static NibblePlace Nibbles(byte* block, int group) => BlockParts.LowThenHigh(block + 2);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* scales, float* offsets) => scales[0] = BlockParts.Half(block);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Quants(byte* block, int group, out Vector128<sbyte> first, out Vector128<sbyte> second)
    {
        var q = Vector128.Load(block + 2);
        var eight = Vector128.Create((sbyte)8);
        first = BlockParts.Low(q).AsSByte() - eight;
        second = BlockParts.High(q).AsSByte() - eight;
    }
}

/// <inheritdoc/>
internal readonly unsafe struct Q4_1Blocks : IBlockFormat
{
    public static DType Type => DType.Q4_1;
    public static int Groups => 1;
    public static int Bytes => 20;
    public static bool Halves => false;
    public static bool HasOffsets => true;

    public static bool IsLookedUp => true;
    public static Vector128<sbyte> Levels => BlockParts.From(0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static NibblePlace Nibbles(byte* block, int group) => BlockParts.LowThenHigh(block + 4);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* scales, float* offsets) =>
        (scales[0], offsets[0]) = (BlockParts.Half(block), BlockParts.Half(block + 2));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Quants(byte* block, int group, out Vector128<sbyte> first, out Vector128<sbyte> second)
    {
        var q = Vector128.Load(block + 4);
        first = BlockParts.Low(q).AsSByte();
        second = BlockParts.High(q).AsSByte();
    }
}

/// <inheritdoc/>
internal readonly unsafe struct Q5_0Blocks : IBlockFormat
{
    public static DType Type => DType.Q5_0;
    public static int Groups => 1;
    public static int Bytes => 22;
    public static bool Halves => false;
    public static bool HasOffsets => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* scales, float* offsets) => scales[0] = BlockParts.Half(block);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Quants(byte* block, int group, out Vector128<sbyte> first, out Vector128<sbyte> second)
    {
        var (q, high) = (Vector128.Load(block + 6), *(uint*)(block + 2));
        var sixteen = Vector128.Create((sbyte)16);
        first = (BlockParts.Low(q) | BlockParts.FifthBits(high)).AsSByte() - sixteen;
        second = (BlockParts.High(q) | BlockParts.FifthBits(high >> 16)).AsSByte() - sixteen;
    }
}

/// <inheritdoc/>
internal readonly unsafe struct Q5_1Blocks : IBlockFormat
{
    public static DType Type => DType.Q5_1;
    public static int Groups => 1;
    public static int Bytes => 24;
    public static bool Halves => false;
    public static bool HasOffsets => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* scales, float* offsets) =>
        (scales[0], offsets[0]) = (BlockParts.Half(block), BlockParts.Half(block + 2));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Quants(byte* block, int group, out Vector128<sbyte> first, out Vector128<sbyte> second)
    {
        var (q, high) = (Vector128.Load(block + 8), *(uint*)(block + 4));
        first = (BlockParts.Low(q) | BlockParts.FifthBits(high)).AsSByte();
        second = (BlockParts.High(q) | BlockParts.FifthBits(high >> 16)).AsSByte();
    }
}

/// <inheritdoc/>
internal readonly unsafe struct IQ4_NLBlocks : IBlockFormat
{
    public static DType Type => DType.IQ4_NL;
    public static int Groups => 1;
    public static int Bytes => 18;
    public static bool Halves => false;
    public static bool HasOffsets => false;

    public static bool IsLookedUp => true;
    public static Vector128<sbyte> Levels => BlockParts.Table;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static NibblePlace Nibbles(byte* block, int group) => BlockParts.LowThenHigh(block + 2);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* scales, float* offsets) => scales[0] = BlockParts.Half(block);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Quants(byte* block, int group, out Vector128<sbyte> first, out Vector128<sbyte> second)
    {
        var q = Vector128.Load(block + 2);
        first = Vector128.ShuffleNative(BlockParts.Table, BlockParts.Low(q).AsSByte());
        second = Vector128.ShuffleNative(BlockParts.Table, BlockParts.High(q).AsSByte());
    }
}
