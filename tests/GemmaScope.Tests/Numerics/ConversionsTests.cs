using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Numerics;

public unsafe class ConversionsTests
{
    private static readonly ushort[] AllBits = [.. Enumerable.Range(0, 65536).Select(i => (ushort)i)];

    private static float[] Widened<T>(T[] source, DType type)
        where T : unmanaged
    {
        var target = new float[source.Length];
        fixed (T* from = source)
        fixed (float* to = target)
            Conversions.Widen(from, type, to, source.Length);
        return target;
    }

    [Fact]
    public void every_bf16_value_widens_exactly_and_comes_back()
    {
        var wide = Widened(AllBits, DType.BF16);
        var narrow = new ushort[65536];
        Conversions.NarrowToBF16(wide, narrow);
        for (var i = 0; i < 65536; i++)
        {
            Assert.Equal((uint)i << 16, BitConverter.SingleToUInt32Bits(wide[i]));
            Assert.Equal(float.IsNaN(wide[i]) ? (ushort)(i | 0x40) : (ushort)i, narrow[i]);
        }
    }

    [Fact]
    public void every_f16_value_widens_exactly_and_comes_back()
    {
        var wide = Widened(AllBits, DType.F16);
        var narrow = new ushort[65536];
        Conversions.NarrowToF16(wide, narrow);
        for (var i = 0; i < 65536; i++)
        {
            var half = BitConverter.UInt16BitsToHalf((ushort)i);
            Assert.Equal((float)half, wide[i]);
            if (Half.IsNaN(half))
                Assert.True(Half.IsNaN(BitConverter.UInt16BitsToHalf(narrow[i])));
            else
                Assert.Equal(i, narrow[i]);
        }
    }

    [Fact]
    public void rounding_to_bf16_takes_the_nearest_and_the_even_of_two_equally_near()
    {
        var values = new List<float>();
        foreach (var bits in AllBits)
        foreach (var offset in new uint[] { 0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF })
            values.Add(BitConverter.UInt32BitsToSingle(((uint)bits << 16) + offset));
        values.RemoveRange(0, 3); // an odd start for the vector loop's rest
        var source = values.ToArray();
        var (narrow, rounded) = (new ushort[source.Length], new float[source.Length]);
        Conversions.NarrowToBF16(source, narrow);
        Conversions.RoundToBF16(source, rounded);
        for (var i = 0; i < source.Length; i++)
        {
            if (narrow[i] != NearestBF16(source[i]))
                Assert.Fail($"{source[i]:R} became {narrow[i]:X4}");
            if (narrow[i] != Conversions.F32ToBF16(source[i]))
                Assert.Fail($"vector and scalar differ for {source[i]:R}");
            if (BitConverter.SingleToUInt32Bits(rounded[i]) != (uint)narrow[i] << 16)
                Assert.Fail($"rounded to {rounded[i]:R}");
        }
    }

    // By the definition, in double precision: the nearer of the two neighbours.
    private static ushort NearestBF16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        var below = (ushort)(bits >> 16);
        if (float.IsNaN(value))
            return (ushort)(below | 0x40);
        if (float.IsInfinity(value))
            return below;
        double low = Conversions.BF16ToF32(below),
            high = Conversions.BF16ToF32((ushort)(below + 1));
        if (double.IsInfinity(high))
            high = Math.CopySign(Math.ScaleB(1, 128), value);
        var (toLow, toHigh) = (Math.Abs(value - low), Math.Abs(high - value));
        return toLow < toHigh || toLow == toHigh && below % 2 == 0 ? below : (ushort)(below + 1);
    }

    [Fact]
    public void eight_bit_floats_widen_by_their_definition()
    {
        var all = Enumerable.Range(0, 256).Select(i => (byte)i).ToArray();
        float[] e4m3 = Widened(all, DType.F8E4M3),
            e5m2 = Widened(all, DType.F8E5M2);
        Assert.Equal(
            [0f, 1f / 512, 1f / 64, 1f, 448f, -448f, -1f],
            [e4m3[0], e4m3[1], e4m3[8], e4m3[0x38], e4m3[0x7E], e4m3[0xFE], e4m3[0xB8]]
        );
        Assert.True(float.IsNaN(e4m3[0x7F]) && float.IsNaN(e4m3[0xFF]));
        Assert.Equal(
            [0f, 1f / 65536, 1f, 57344f, float.PositiveInfinity, -2f],
            [e5m2[0], e5m2[1], e5m2[0x3C], e5m2[0x7B], e5m2[0x7C], e5m2[0xC0]]
        );
    }

    [Fact]
    public void doubles_are_rounded_to_the_nearest_float()
    {
        double[] source = [.. Enumerable.Range(0, 77).Select(i => Math.Sin(i) * Math.Pow(10, i % 30)), double.NaN, 1e300];
        Assert.Equal(source.Select(v => (float)v), Widened(source, DType.F64));
    }

    [Fact]
    public void what_does_not_fit_is_refused()
    {
        Assert.Throws<ArgumentException>(() => Conversions.NarrowToBF16(new float[9], new ushort[8]));
        Assert.Throws<ArgumentException>(() => Conversions.NarrowToF16(new float[9], new ushort[8]));
        Assert.Throws<ArgumentException>(() => Widened(new int[1], DType.I32));
    }
}
