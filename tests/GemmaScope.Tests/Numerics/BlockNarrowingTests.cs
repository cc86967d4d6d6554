using GemmaScope.Numerics;
using Xunit;

namespace GemmaScope.Tests.Numerics;

public unsafe class BlockNarrowingTests
{
    private const int Values = 32 * 50;

    [Theory]
    [InlineData(DType.Q8_0, 0.006)]
    [InlineData(DType.IQ4_NL, 0.085)]
    public void the_error_is_that_of_the_values_read_again_and_small(DType type, double limit)
    {
        var values = Normal(3);
        var (read, error) = RoundTrip(values, type);
        var want = values.Zip(read, (a, b) => ((double)a - b) * (a - b)).Sum();
        Assert.Equal(want, error, want * 1e-4);
        Assert.InRange(Math.Sqrt(error / values.Sum(v => (double)v * v)), 0, limit);
    }

    [Theory]
    [InlineData(DType.Q8_0)]
    [InlineData(DType.IQ4_NL)]
    public void values_that_a_block_can_hold_are_kept(DType type)
    {
        using var blocks = RandomBlocks.Tensor(type, 8, 64);
        // The largest number of each block, without which the search would find another scale.
        for (var block = 0; block < 16; block++)
            blocks.Pointer[block * type.BlockBytes() + 2] = type == DType.Q8_0 ? (byte)127 : (byte)0;
        if (type == DType.Q8_0)
            for (var i = 0; i < blocks.ByteLength; i++)
                if (i % 34 > 1 && blocks.Pointer[i] == 128)
                    blocks.Pointer[i] = 129;
        using var wide = blocks.ToF32();
        var values = wide.AsSpan().ToArray();
        var (read, error) = RoundTrip(values, type);
        for (var i = 0; i < values.Length; i++)
            Assert.Equal(values[i], read[i], 1e-3f * MathF.Abs(values[i]));
        Assert.InRange(error, 0, 1e-4);
    }

    [Fact]
    public void each_number_of_four_bits_is_the_nearest_and_the_scale_beats_the_plain_one()
    {
        var values = Normal(4);
        var (read, error) = RoundTrip(values, DType.IQ4_NL);
        var table = Enumerable.Range(0, 16).Select(i => (float)BlockParts.Table[i]).ToArray();
        var plain = 0.0;
        for (var block = 0; block < Values; block += 32)
        {
            var largest = values[block..(block + 32)].MaxBy(MathF.Abs);
            plain += values[block..(block + 32)].Sum(v => table.Min(q => Math.Pow(v - q * (largest / -127), 2)));
        }
        Assert.InRange(error, 0, 0.95 * plain);
        var bytes = new byte[DType.IQ4_NL.ByteLength(Values)];
        BlockNarrowing.Narrow(values, DType.IQ4_NL, bytes);
        for (var i = 0; i < Values; i++)
        {
            var scale = (float)BitConverter.ToHalf(bytes, i / 32 * 18);
            var best = table.Min(q => Math.Abs(values[i] - q * scale));
            Assert.InRange(Math.Abs(values[i] - read[i]), 0, best * 1.001f + 1e-6f);
        }
    }

    [Theory]
    [InlineData(DType.Q8_0)]
    [InlineData(DType.IQ4_NL)]
    public void zeros_stay_and_what_no_scale_holds_is_told(DType type)
    {
        var (read, error) = RoundTrip(new float[32], type);
        Assert.All(read, value => Assert.Equal(0, value));
        Assert.Equal(0, error);
        foreach (var bad in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity, 1e9f])
        {
            var values = new float[32];
            values[7] = bad;
            Assert.Equal(double.NaN, RoundTrip(values, type).Error);
        }
        Assert.Throws<ArgumentException>(() => BlockNarrowing.Narrow(new float[31], type, new byte[type.BlockBytes()]));
    }

    private static float[] Normal(int seed)
    {
        var random = new Random(seed);
        return
        [
            .. Enumerable
                .Range(0, Values)
                .Select(_ =>
                    (float)(0.02 * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()))
                ),
        ];
    }

    private static (float[] Read, double Error) RoundTrip(float[] values, DType type)
    {
        var bytes = new byte[type.ByteLength(values.Length)];
        var error = BlockNarrowing.Narrow(values, type, bytes);
        var read = new float[values.Length];
        fixed (byte* from = bytes)
        fixed (float* to = read)
            BlockWidening.Widen(from, type, to, read.Length);
        return (read, error);
    }
}
