using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace GemmaScope.Numerics;

/// <summary>
/// How a kernel reads one block type of GGUF files. Every value is scale · q + offset with a whole number q; blocks are read in
/// groups of 32 values, which stay in registers. All scales times q are exact in f32, so a value is rounded at most once.
/// </summary>
internal unsafe interface IBlockFormat
{
    static abstract DType Type { get; }

    /// <summary>Groups of 32 values in a block.</summary>
    static abstract int Groups { get; }

    /// <summary>Bytes of a block.</summary>
    static abstract int Bytes { get; }

    /// <summary>Whether each half of a group has a scale of its own.</summary>
    static abstract bool Halves { get; }

    /// <summary>Whether there are offsets.</summary>
    static abstract bool HasOffsets { get; }

    /// <summary>The scales, and offsets where there are some, of a block's groups or half groups: room for 16 of each.</summary>
    static abstract void Scales(byte* block, float* scales, float* offsets);

    /// <summary>The whole numbers of the two halves of a group.</summary>
    static abstract void Quants(byte* block, int group, out Vector128<sbyte> first, out Vector128<sbyte> second);

    /// <summary>Whether the whole numbers are those of a table of 16, each named by the 4 bits that are stored.</summary>
    static virtual bool IsLookedUp => false;

    /// <summary>The table.</summary>
    static virtual Vector128<sbyte> Levels => default;

    /// <summary>Where the 4 bits of the two halves of a group stand.</summary>
    static virtual NibblePlace Nibbles(byte* block, int group) => default;
}

/// <summary>Sixteen bytes for each half of a group, and the place of the lowest of the 4 bits in them.</summary>
internal readonly unsafe struct NibblePlace(byte* first, int firstShift, byte* second, int secondShift)
{
    public byte* First => first;
    public int FirstShift => firstShift;
    public byte* Second => second;
    public int SecondShift => secondShift;
}

/// <summary>What the block types have in common.</summary>
internal static unsafe class BlockParts
{
    /// <summary>Values in a group.</summary>
    public const int Group = 32;

    /// <summary>The values of IQ4_NL and IQ4_XS.</summary>
    public static Vector128<sbyte> Table
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector128.Create((sbyte)-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);
    }

    /// <summary>Whole numbers from one on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<sbyte> From(sbyte first) => Vector128<sbyte>.Indices + Vector128.Create(first);

    /// <summary>Low halves of 16 bytes, then high halves of the same.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static NibblePlace LowThenHigh(byte* bytes) => new(bytes, 0, bytes, 4);

    /// <summary>A binary16 as f32; the magnitude read as a binary32 is 2^112 too small.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Half(byte* p)
    {
        // Without a branch, as a call in it would keep sums from staying in registers. Infinity and NaN need the full exponent.
        int bits = *(short*)p;
        var magnitude = (bits & 0x7FFF) << 13;
        var special = ((0x0F7FFFFF - magnitude) >> 31) & 0x7F800000;
        var value = BitConverter.SingleToInt32Bits(BitConverter.Int32BitsToSingle(magnitude) * 5.192296858534828e33f);
        return BitConverter.Int32BitsToSingle(value | special | (bits & int.MinValue));
    }

    /// <summary>The binary16 that each of eight blocks begins with, and the one behind it where offsets are asked for. With fewer blocks
    /// than that the last one's stand for those that are missing.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Halves(byte* block, int bytes, int count, float* scales, float* offsets)
    {
        if (Avx2.IsSupported)
        {
            // Written to memory one by one, they could be read again as a vector only after a while.
            var index = Vector256.Min(Vector256<int>.Indices, Vector256.Create(count - 1)) * bytes;
            var pairs = Avx2.GatherVector256((int*)block, index, 1).AsSingle();
            Simd256.EvenF16(pairs).Store(scales);
            if (offsets != null)
                Simd256.OddF16(pairs).Store(offsets);
            return;
        }
        for (var i = 0; i < 8; i++)
        {
            var at = block + Math.Min(i, count - 1) * bytes;
            scales[i] = Half(at);
            if (offsets != null)
                offsets[i] = Half(at + 2);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Low(Vector128<byte> v) => v & Vector128.Create((byte)15);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> High(Vector128<byte> v) => Shift(v, 4, 15);

    /// <summary>The bits of <paramref name="mask"/> in each byte moved right by some places.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Shift(Vector128<byte> v, int right, byte mask) =>
        (v.AsUInt16() >> right).AsByte() & Vector128.Create(mask);

    /// <summary>Bits of 2 bytes → 16 bytes, 16 where the bit is set: the fifth bit of a value.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> FifthBits(uint bits)
    {
        var spread = Vector128.Create((bits & 0xFF) * 0x0101010101010101UL, ((bits >> 8) & 0xFF) * 0x0101010101010101UL).AsByte();
        var one = Vector128.Create(0x8040201008040201UL).AsByte();
        return Vector128.Equals(spread & one, one) & Vector128.Create((byte)16);
    }

    /// <summary>Sixteen whole numbers times a factor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store16(Vector128<sbyte> numbers, float factor, float* target)
    {
        var (low, high) = Vector128.Widen(numbers);
        Store8(low, factor, target);
        Store8(high, factor, target + 8);
    }

    /// <summary>Eight whole numbers, the bytes of an integer, times a factor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store8(ulong numbers, float factor, float* target) =>
        Store8(Vector128.WidenLower(Vector128.CreateScalarUnsafe(numbers).AsSByte()), factor, target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store8(Vector128<short> numbers, float factor, float* target)
    {
        var (low, high) = Vector128.Widen(numbers);
        (Vector128.ConvertToSingle(low) * factor).Store(target);
        (Vector128.ConvertToSingle(high) * factor).Store(target + 4);
    }

    /// <summary>The 6-bit scales and minima of Q4_K and Q5_K: 12 bytes hold eight of each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SixBits(byte* block, float* scales, float* offsets)
    {
        uint a = *(uint*)(block + 4),
            b = *(uint*)(block + 8),
            c = *(uint*)(block + 12);
        var scale = (a & 0x3F3F3F3F) | ((ulong)((c & 0x0F0F0F0F) | ((a >> 6) & 0x03030303) << 4) << 32);
        var minimum = (b & 0x3F3F3F3F) | ((ulong)(((c >> 4) & 0x0F0F0F0F) | ((b >> 6) & 0x03030303) << 4) << 32);
        Store8(scale, Half(block), scales);
        Store8(minimum, -Half(block + 2), offsets);
    }
}
