using GemmaScope.Features.Statistics;
using GemmaScope.Models;
using GemmaScope.Store;
using Xunit;

namespace GemmaScope.Tests.Server;

/// <summary>Pages come back with the losses that are documented, in both forms.</summary>
public sealed class PageCodecTests
{
    /// <summary><see cref="Small"/> as the first form had it, in whole bytes.</summary>
    private const string FirstForm =
        "0107AC02025206010000803E0000003E000020400000000000000041000010410000C03F030300C801010000003F010300B800340109003801080038003401FC1100B800340106D209020034003A01000040C000004040020A003D8407803C010B00C1030102030002012903000502F4030998C80F04050000004103012001FF0001010000204002017F00E7040502000302F4030903000040400102FF00";

    [Fact]
    public void a_page_of_the_first_form_is_read_as_one_of_the_second()
    {
        var (earlier, now) = (PageCodec.Decode(Convert.FromHexString(FirstForm)), PageCodec.Decode(PageCodec.Encode(Small())));
        Assert.Equal(2.5f, earlier.Examples[0].Sources![1]);
        Assert.Equivalent(now, earlier, strict: true);
    }

    [Fact]
    public void whatever_a_page_holds_comes_back_within_its_bounds()
    {
        for (var seed = 0; seed < 60; seed++)
        {
            var want = Any(new Random(seed));
            var bytes = PageCodec.Encode(want);
            var got = PageCodec.Decode(bytes, sequence => [.. want.Examples.First(one => one.Sequence == sequence).Tokens]);
            Assert.Equal((want.Feature, want.Count, want.CountElsewhere), (got.Feature, got.Count, got.CountElsewhere));
            Assert.Equal((want.MaxSequence, want.MaxPosition, want.MaxToken), (got.MaxSequence, got.MaxPosition, got.MaxToken));
            Assert.Equal((want.Max, want.MaxAnywhere, want.DecoderNorm), (got.Max, got.MaxAnywhere, got.DecoderNorm));
            Assert.Equal(want.Histogram, got.Histogram);
            Assert.Equal(want.Together, got.Together);
            Assert.Equal(want.Logits?.Histogram, got.Logits?.Histogram);
            Assert.Equal(want.Logits?.Top.Select(one => one.Token), got.Logits?.Top.Select(one => one.Token));
            Assert.Equal(
                want.CorrelatedFeatures.Select(one => (float)(Half)one.Pearson),
                got.CorrelatedFeatures.Select(one => one.Pearson)
            );
            Assert.Equal(want.Examples.Count, got.Examples.Count);
            foreach (var (one, read) in want.Examples.Zip(got.Examples))
            {
                Assert.Equal((one.Interval, one.Sequence, one.Position), (read.Interval, read.Sequence, read.Position));
                Assert.Equal(one.Tokens, read.Tokens);
                // A step of 255 of the largest, and of 127 for sources: half of one is lost.
                Within(one.Values, read.Values, 1 / 510.0 + 1e-6, smallest: 1 / 255.0);
                Assert.All(one.Values.Zip(read.Values), pair => Assert.Equal(pair.First != 0, pair.Second != 0));
                Assert.Equal(one.Sources is null, read.Sources is null);
                if (one.Sources is { } sources)
                    Within(sources, read.Sources!, 1 / 254.0 + 1e-6, smallest: 0);
            }
            // An excerpt is the same, cut out.
            foreach (var (whole, excerpt) in got.Examples.Zip(PageCodec.Decode(bytes).Examples))
            {
                Assert.Equal(whole.Position, excerpt.Start + excerpt.Position);
                Assert.Equal(whole.Tokens.Skip(excerpt.Start).Take(excerpt.Tokens.Count), excerpt.Tokens);
                Assert.Equal(whole.Values.Skip(excerpt.Start).Take(excerpt.Tokens.Count), excerpt.Values);
                Assert.Equal(whole.Sources?.Skip(excerpt.Start).Take(excerpt.Tokens.Count), excerpt.Sources);
            }
        }

        static void Within(IReadOnlyList<float> want, IReadOnlyList<float> got, double share, double smallest)
        {
            var largest = want.Max(Math.Abs);
            Assert.Equal(want.Count, got.Count);
            // What would vanish is kept at the smallest step.
            Assert.All(
                want.Zip(got),
                pair => Assert.True(Math.Abs(pair.First - pair.Second) <= largest * Math.Max(share, smallest), $"{pair} of {largest}")
            );
            Assert.Equal(largest, got.Max(Math.Abs));
        }
    }

    [Fact]
    public void a_page_that_was_cut_or_goes_on_is_refused()
    {
        var bytes = PageCodec.Encode(Any(new Random(3)));
        for (var length = 0; length < bytes.Length; length++)
            Assert.Throws<CorruptException>(() => PageCodec.Decode(bytes.AsSpan(0, length)));
        Assert.Throws<CorruptException>(() => PageCodec.Decode([.. bytes, 0]));
        Assert.Throws<CorruptException>(() => PageCodec.Decode([3, .. bytes[1..]]));
    }

    [Fact]
    public void damaged_pages_of_the_first_form_end_in_an_error_or_a_page()
    {
        var (bytes, random) = (Convert.FromHexString(FirstForm), new Random(5));
        for (var i = 0; i < 2000; i++)
        {
            var damaged = bytes.ToArray();
            damaged[random.Next(1, damaged.Length)] ^= (byte)(1 << random.Next(8));
            try
            {
                PageCodec.Decode(damaged);
            }
            catch (CorruptException)
            {
                // The only error there may be.
            }
        }
    }

    [Fact]
    public void bits_come_back_and_cost_what_their_likelihood_says()
    {
        for (var seed = 0; seed < 40; seed++)
        {
            var random = new Random(seed);
            var likelihood = random.NextDouble();
            const int count = 4000;
            var bits = Enumerable.Range(0, count).Select(_ => random.NextDouble() < likelihood ? 1u : 0).ToArray();
            // Long rows of 0 and 1 also make the carries that run through many bytes.
            var plain = Enumerable.Range(0, count / 40).Select(_ => random.Next(3) == 0 ? 0xFFFFu : (uint)random.Next(1 << 16)).ToArray();
            var (writer, models) = (new RangeWriter(), new[] { default, new BitModel(0.5) });
            for (var i = 0; i < count; i++)
            {
                writer.Guessed(models, bits[i], 1);
                if (i % 40 == 0)
                    writer.Plain(plain[i / 40], 16);
            }
            var written = writer.ToArray();
            var reader = new RangeReader(written);
            models[1] = new BitModel(0.5);
            for (var i = 0; i < count; i++)
            {
                Assert.Equal(bits[i], reader.Guessed(models, 0, 1));
                if (i % 40 == 0)
                    Assert.Equal(plain[i / 40], reader.Plain(0, 16));
            }
            reader.RequireEnd();
            var ones = Math.Clamp(bits.Average(bit => bit), 1.0 / count, 1 - 1.0 / count);
            var entropy = -count * (ones * Math.Log2(ones) + (1 - ones) * Math.Log2(1 - ones)) / 8 + 2 * plain.Length;
            // Learning costs a few per cent, and nothing is taken for likelier than 63/64.
            Assert.InRange(written.Length, entropy * 0.98, entropy * 1.06 + count / 64.0 / 8 * 2 + 10);
        }
    }

    private static FeatureDashboard Small() =>
        new()
        {
            Feature = 7,
            Count = 300,
            CountElsewhere = 2,
            Density = 0.25,
            DensityAllPositions = 0.125,
            Max = 8,
            MaxAnywhere = 9,
            MaxSequence = 41,
            MaxPosition = 3,
            MaxToken = -1,
            MeanNonzero = 2.5,
            DecoderNorm = 1.5f,
            Histogram = [3, 0, 200],
            IntervalShares = [0.5],
            Examples =
            [
                new(-1, 41, 3, [2, 500, 9, 260_000 - 5000, 4], [0, 1, 0, 8, 0.01f], [0, 2.5f, -0.5f, 0.001f, 0]),
                new(2, 5, 2, [2, 500, 9], [0, 0, 3]),
            ],
            HeadShares = [0.25f, 0.75f],
            Alignment = [new(3, -0.5f, 0.25f)],
            Neighbours = [new(9, 0.5f)],
            CorrelatedFeatures = [new(8, 0.5f, 0.25f)],
            CorrelatedNeurons = [new(2300, -0.5f, 0.25f)],
            Together = [new(6, 1234)],
            Logits = new([new TokenScore(10, 1.25f), new(900, 1.125f)], [new TokenScore(11, -2.5f)], -3, 3, [1, 2, 3]),
        };

    private static FeatureDashboard Any(Random random)
    {
        FeatureExample Example(int number)
        {
            var length = random.Next(1, 200);
            var values = new float[length];
            for (var i = 0; i < length; i++)
                values[i] = random.Next(4) == 0 ? MathF.Pow(random.NextSingle(), 4) * 50 + 1e-6f : 0;
            var position = random.Next(length);
            values[position] = 60;
            return new(
                random.Next(-1, 5),
                number,
                position,
                [.. Enumerable.Range(0, length).Select(_ => random.Next(2) == 0 ? 2 : random.Next(262_144))],
                values,
                random.Next(2) == 0 ? null : [.. values.Select(_ => MathF.Pow(random.NextSingle() * 2 - 1, 7) * 1e-3f)]
            );
        }
        int[] Counts() => [.. Enumerable.Range(0, random.Next(60)).Select(_ => random.Next(1 << random.Next(1, 31)))];
        TokenScore[] Scores() =>
            [.. Enumerable.Range(0, random.Next(12)).Select(_ => new TokenScore(random.Next(262_144), random.NextSingle() * 9 - 4))];
        return new()
        {
            Feature = random.Next(),
            Count = random.NextInt64(1L << random.Next(1, 62)),
            CountElsewhere = random.Next(3),
            MaxSequence = random.Next(-1, int.MaxValue),
            MaxPosition = random.Next(-1, 1 << 20),
            MaxToken = random.Next(-1, 262_144),
            Density = random.NextDouble(),
            DensityAllPositions = random.NextDouble(),
            MeanNonzero = random.NextDouble(),
            Max = random.NextSingle(),
            MaxAnywhere = float.MaxValue,
            DecoderNorm = float.Epsilon,
            Histogram = Counts(),
            IntervalShares = [random.NextDouble(), 0],
            Together = [.. Counts().Select(count => new TogetherFeature(count, random.Next()))],
            CorrelatedFeatures = [.. Counts().Select(count => new CorrelatedFeature(count, random.NextSingle() * 2 - 1, 0))],
            Logits = random.Next(3) == 0 ? null : new(Scores(), Scores(), -8, 8, Counts()),
            Examples = [.. Enumerable.Range(0, random.Next(30)).Select(Example)],
        };
    }
}
