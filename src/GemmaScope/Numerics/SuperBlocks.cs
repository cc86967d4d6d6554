using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GemmaScope.Numerics;

/// <inheritdoc/>
internal readonly unsafe struct Q2_KBlocks : IBlockFormat
{
    public static DType Type => DType.Q2_K;
    public static int Groups => 8;
    public static int Bytes => 84;
    public static bool Halves => true;
    public static bool HasOffsets => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* scales, float* offsets)
    {
        var s = Vector128.Load(block);
        BlockParts.Store16(BlockParts.Low(s).AsSByte(), BlockParts.Half(block + 80), scales);
        BlockParts.Store16(BlockParts.High(s).AsSByte(), -BlockParts.Half(block + 82), offsets);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Quants(byte* block, int group, out Vector128<sbyte> first, out Vector128<sbyte> second)
    {
        var q = block + 16 + 32 * (group >> 2);
        var shift = 2 * (group & 3);
        first = BlockParts.Shift(Vector128.Load(q), shift, 3).AsSByte();
        second = BlockParts.Shift(Vector128.Load(q + 16), shift, 3).AsSByte();
    }
}

/// <inheritdoc/>
internal readonly unsafe struct Q3_KBlocks : IBlockFormat
{
    public static DType Type => DType.Q3_K;
    public static int Groups => 8;
    public static int Bytes => 110;
    public static bool Halves => true;
    public static bool HasOffsets => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* scales, float* offsets)
    {
        const ulong nibbles = 0x0F0F0F0F0F0F0F0F;
        const uint pairs = 0x03030303;
        var (low, high) = (*(ulong*)(block + 96), *(uint*)(block + 104));
        var first = (low & nibbles) | ((high & pairs) | ((ulong)((high >> 2) & pairs) << 32)) << 4;
        var second = ((low >> 4) & nibbles) | (((high >> 4) & pairs) | ((ulong)((high >> 6) & pairs) << 32)) << 4;
        var numbers = Vector128.Create(first, second).AsSByte() - Vector128.Create((sbyte)32);
        BlockParts.Store16(numbers, BlockParts.Half(block + 108), scales);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Quants(byte* block, int group, out Vector128<sbyte> first, out Vector128<sbyte> second)
    {
        var q = block + 32 + 32 * (group >> 2);
        var shift = 2 * (group & 3);
        first = BlockParts.Shift(Vector128.Load(q), shift, 3).AsSByte() - Missing(block, group);
        second = BlockParts.Shift(Vector128.Load(q + 16), shift, 3).AsSByte() - Missing(block + 16, group);
    }

    /// <summary>4 where the third bit is not set.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<sbyte> Missing(byte* bits, int group) =>
        (
            Vector128.Equals(Vector128.Load(bits) & Vector128.Create((byte)(1 << group)), Vector128<byte>.Zero) & Vector128.Create((byte)4)
        ).AsSByte();
}

/// <inheritdoc/>
internal readonly unsafe struct Q4_KBlocks : IBlockFormat
{
    public static DType Type => DType.Q4_K;
    public static int Groups => 8;
    public static int Bytes => 144;
    public static bool Halves => false;
    public static bool HasOffsets => true;

    public static bool IsLookedUp => true;
    public static Vector128<sbyte> Levels => BlockParts.From(0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static NibblePlace Nibbles(byte* block, int group) =>
        new(block + 16 + 32 * (group >> 1), 4 * (group & 1), block + 32 + 32 * (group >> 1), 4 * (group & 1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* scales, float* offsets) => BlockParts.SixBits(block, scales, offsets);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Quants(byte* block, int group, out Vector128<sbyte> first, out Vector128<sbyte> second)
    {
        var q = block + 16 + 32 * (group >> 1);
        var shift = 4 * (group & 1);
        first = BlockParts.Shift(Vector128.Load(q), shift, 15).AsSByte();
        second = BlockParts.Shift(Vector128.Load(q + 16), shift, 15).AsSByte();
    }
}

/// <inheritdoc/>
internal readonly unsafe struct Q5_KBlocks : IBlockFormat
{
    public static DType Type => DType.Q5_K;
    public static int Groups => 8;
    public static int Bytes => 176;
    public static bool Halves => false;
    public static bool HasOffsets => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* scales, float* offsets) => BlockParts.SixBits(block, scales, offsets);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Quants(byte* block, int group, out Vector128<sbyte> first, out Vector128<sbyte> second)
    {
        var q = block + 48 + 32 * (group >> 1);
        var shift = 4 * (group & 1);
        first = (BlockParts.Shift(Vector128.Load(q), shift, 15) | Fifth(block + 16, group)).AsSByte();
        second = (BlockParts.Shift(Vector128.Load(q + 16), shift, 15) | Fifth(block + 32, group)).AsSByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Fifth(byte* bits, int group) =>
        (BlockParts.Shift(Vector128.Load(bits), group, 1).AsUInt16() << 4).AsByte();
}

/// <inheritdoc/>
internal readonly unsafe struct Q6_KBlocks : IBlockFormat
{
    public static DType Type => DType.Q6_K;
    public static int Groups => 8;
    public static int Bytes => 210;
    public static bool Halves => true;
    public static bool HasOffsets => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* scales, float* offsets) =>
        BlockParts.Store16(Vector128.Load((sbyte*)block + 192), BlockParts.Half(block + 208), scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Quants(byte* block, int group, out Vector128<sbyte> first, out Vector128<sbyte> second)
    {
        var (half, quarter) = (group >> 2, group & 3);
        var low = block + 64 * half + 32 * (quarter & 1);
        var high = block + 128 + 32 * half;
        first = Numbers(low, high, quarter);
        second = Numbers(low + 16, high + 16, quarter);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<sbyte> Numbers(byte* low, byte* high, int quarter)
    {
        var four = BlockParts.Shift(Vector128.Load(low), 4 * (quarter >> 1), 15);
        // The two high bits come to stand at bits 4 and 5.
        var two = (BlockParts.Shift(Vector128.Load(high), 2 * quarter, 3).AsUInt16() << 4).AsByte();
        return (four | two).AsSByte() - Vector128.Create((sbyte)32);
    }
}

/// <inheritdoc/>
internal readonly unsafe struct IQ4_XSBlocks : IBlockFormat
{
    public static DType Type => DType.IQ4_XS;
    public static int Groups => 8;
    public static int Bytes => 136;
    public static bool Halves => false;
    public static bool HasOffsets => false;

    public static bool IsLookedUp => true;
    public static Vector128<sbyte> Levels => BlockParts.Table;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static NibblePlace Nibbles(byte* block, int group) => BlockParts.LowThenHigh(block + 8 + 16 * group);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* scales, float* offsets)
    {
        var (d, high, low) = (BlockParts.Half(block), *(ushort*)(block + 2), *(uint*)(block + 4));
        for (var group = 0; group < 8; group++)
            scales[group] = d * ((int)(((low >> (4 * group)) & 15) | (((uint)high >> (2 * group)) & 3) << 4) - 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Quants(byte* block, int group, out Vector128<sbyte> first, out Vector128<sbyte> second)
    {
        var q = Vector128.Load(block + 8 + 16 * group);
        first = Vector128.ShuffleNative(BlockParts.Table, BlockParts.Low(q).AsSByte());
        second = Vector128.ShuffleNative(BlockParts.Table, BlockParts.High(q).AsSByte());
    }
}
