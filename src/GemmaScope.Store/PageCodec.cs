using GemmaScope.Features.Statistics;
using GemmaScope.Models;

namespace GemmaScope.Store;

/// <summary>
/// A dashboard in few bytes. Counts, indices and maxima are exact. What is lost: densities, means, shares and edges keep f32; correlations,
/// cosines, coordinates, head shares and logit effects keep 11 bits (f16); activations and sources of an example keep a byte of its largest
/// (0.2 % of it; what is not 0 stays not 0). Of the tokens of an example only those around the marked one are here; its passage is stored
/// once for all features.
/// </summary>
internal static class PageCodec
{
    private const int Version = 1;

    /// <summary>Steps of an activation in an example.</summary>
    private const int Steps = 255,
        SignedSteps = 127;

    /// <summary>A dashboard in few bytes.</summary>
    public static byte[] Encode(FeatureDashboard one)
    {
        var bytes = new CompactWriter();
        bytes.Byte(Version);
        foreach (var number in (long[])[one.Feature, one.Count, one.CountElsewhere])
            bytes.Number(number);
        foreach (var number in (long[])[one.MaxSequence, one.MaxPosition, one.MaxToken])
            bytes.Signed(number);
        foreach (var number in (double[])[one.Density, one.DensityAllPositions, one.MeanNonzero, one.HistogramStart])
            bytes.Single((float)number);
        foreach (var number in (float[])[one.Max, one.MaxAnywhere, one.DecoderNorm])
            bytes.Single(number);
        List(bytes, one.Histogram, count => bytes.Number(count));
        List(bytes, one.IntervalShares, share => bytes.Single((float)share));
        List(bytes, one.Alignment, a => Entry(bytes, a.Index, a.Value, a.Share));
        List(bytes, one.Neighbours, n => Entry(bytes, n.Feature, n.Cosine));
        List(bytes, one.CorrelatedFeatures, f => Entry(bytes, f.Feature, f.Pearson, f.Cosine));
        List(bytes, one.CorrelatedNeurons, n => Entry(bytes, n.Neuron, n.Pearson, n.Cosine));
        List(
            bytes,
            one.Together,
            t =>
            {
                bytes.Number(t.Feature);
                bytes.Number(t.Positions);
            }
        );
        List(bytes, one.HeadShares, bytes.Half);
        Logits(bytes, one.Logits);
        Logits(bytes, one.GainedLogits);
        List(bytes, one.Examples, example => Example(bytes, example));
        return bytes.ToArray();
    }

    /// <summary>Reads a page.</summary>
    /// <param name="page">The bytes.</param>
    /// <param name="passages">The tokens of a sequence, for whole examples; null for excerpts.</param>
    public static FeatureDashboard Decode(ReadOnlySpan<byte> page, Func<int, int[]?>? passages = null)
    {
        var bytes = new CompactReader(page);
        if (bytes.Byte() != Version)
            throw CompactReader.Damaged();
        return new FeatureDashboard
        {
            Feature = bytes.Count(),
            Count = bytes.Number(),
            CountElsewhere = bytes.Number(),
            MaxSequence = (int)bytes.Signed(),
            MaxPosition = (int)bytes.Signed(),
            MaxToken = (int)bytes.Signed(),
            Density = bytes.Single(),
            DensityAllPositions = bytes.Single(),
            MeanNonzero = bytes.Single(),
            HistogramStart = bytes.Single(),
            Max = bytes.Single(),
            MaxAnywhere = bytes.Single(),
            DecoderNorm = bytes.Single(),
            Histogram = bytes.Counts(),
            IntervalShares = List(ref bytes, (ref CompactReader r) => (double)r.Single()),
            Alignment = List(ref bytes, (ref CompactReader r) => new AlignedCoordinate(r.Count(), r.Half(), r.Half())),
            Neighbours = List(ref bytes, (ref CompactReader r) => new NearFeature(r.Count(), r.Half())),
            CorrelatedFeatures = List(ref bytes, (ref CompactReader r) => new CorrelatedFeature(r.Count(), r.Half(), r.Half())),
            CorrelatedNeurons = List(ref bytes, (ref CompactReader r) => new CorrelatedNeuron(r.Count(), r.Half(), r.Half())),
            Together = List(ref bytes, (ref CompactReader r) => new TogetherFeature(r.Count(), r.Count())),
            HeadShares = List(ref bytes, (ref CompactReader r) => r.Half()),
            Logits = Logits(ref bytes),
            GainedLogits = Logits(ref bytes),
            Examples = List(ref bytes, (ref CompactReader r) => Example(ref r, passages)),
        };
    }

    /// <summary>Token ids in few bytes.</summary>
    public static byte[] EncodeTokens(IReadOnlyList<int> tokens)
    {
        var bytes = new CompactWriter();
        List(bytes, tokens, token => bytes.Number(token));
        return bytes.ToArray();
    }

    /// <summary>What <see cref="EncodeTokens"/> took in.</summary>
    public static int[] DecodeTokens(ReadOnlySpan<byte> stored)
    {
        var bytes = new CompactReader(stored);
        return bytes.Counts();
    }

    private static void Logits(CompactWriter bytes, LogitEffects? effects)
    {
        bytes.Byte(effects is null ? 0 : 1);
        if (effects is null)
            return;
        bytes.Single(effects.Minimum);
        bytes.Single(effects.Maximum);
        List(bytes, effects.Top, score => Entry(bytes, score.Token, score.Value));
        List(bytes, effects.Bottom, score => Entry(bytes, score.Token, score.Value));
        List(bytes, effects.Histogram, count => bytes.Number(count));
    }

    private static LogitEffects? Logits(ref CompactReader bytes)
    {
        if (bytes.Byte() == 0)
            return null;
        var (minimum, maximum) = (bytes.Single(), bytes.Single());
        var top = List(ref bytes, (ref CompactReader r) => new TokenScore(r.Count(), r.Half()));
        var bottom = List(ref bytes, (ref CompactReader r) => new TokenScore(r.Count(), r.Half()));
        return new(top, bottom, minimum, maximum, bytes.Counts());
    }

    private static void Example(CompactWriter bytes, FeatureExample example)
    {
        if (example.Start != 0)
            throw new ArgumentProblemException("is an excerpt; only whole examples are written", "example");
        int from = Math.Max(0, example.Position - FeaturePage.Before),
            to = Math.Min(example.Tokens.Count, example.Position + FeaturePage.After + 1);
        bytes.Signed(example.Interval);
        bytes.Number(example.Sequence);
        bytes.Number(example.Position);
        bytes.Number(from);
        List(bytes, [.. example.Tokens.Take(from..to)], token => bytes.Number(token));
        bytes.Number(example.Tokens.Count);
        Values(bytes, example.Values, Steps);
        bytes.Byte(example.Sources is null ? 0 : 1);
        if (example.Sources is { } sources)
            Values(bytes, sources, SignedSteps);
    }

    private static FeatureExample Example(ref CompactReader bytes, Func<int, int[]?>? passages)
    {
        var (interval, sequence, position, start) = ((int)bytes.Signed(), bytes.Count(), bytes.Count(), bytes.Count());
        var tokens = bytes.Counts();
        var length = bytes.Count();
        if (start > length - tokens.Length || length > 1 << 24)
            throw CompactReader.Damaged();
        var whole = passages?.Invoke(sequence) is { } passage && passage.Length == length ? passage : null;
        var wanted = whole is null ? start..(start + tokens.Length) : ..length;
        var values = Values(ref bytes, length, wanted, Steps);
        var sources = bytes.Byte() == 0 ? null : Values(ref bytes, length, wanted, SignedSteps);
        return whole is null
            ? new(interval, sequence, position - start, tokens, values, sources, start)
            : new(interval, sequence, position, whole, values, sources);
    }

    /// <summary>The largest magnitude, then of each number that is not 0 how far on it is and its share of the largest.</summary>
    private static void Values(CompactWriter bytes, IReadOnlyList<float> values, int steps)
    {
        var largest = values.Count == 0 ? 0 : values.Max(Math.Abs);
        int[] quantised = [.. values.Select(value => Step(value, largest, steps))];
        int[] places = [.. Enumerable.Range(0, quantised.Length).Where(i => quantised[i] != 0)];
        bytes.Single(largest);
        bytes.Number(places.Length);
        for (var i = 0; i < places.Length; i++)
        {
            bytes.Number(places[i] - (i == 0 ? 0 : places[i - 1] + 1));
            bytes.Byte(quantised[places[i]]);
        }
    }

    /// <summary>Of so many numbers those that are wanted.</summary>
    private static float[] Values(ref CompactReader bytes, int length, Range wanted, int steps)
    {
        var (from, size) = wanted.GetOffsetAndLength(length);
        var (largest, count, values, place) = (bytes.Single(), bytes.Length(), new float[size], 0);
        for (var i = 0; i < count; i++, place++)
        {
            place += bytes.Count();
            if ((uint)place >= (uint)length)
                throw CompactReader.Damaged();
            var step = steps == SignedSteps ? (sbyte)bytes.Byte() : bytes.Byte();
            if (place >= from && place < from + size)
                values[place - from] = step == steps ? largest : (float)((double)largest * step / steps);
        }
        return values;
    }

    /// <summary>Activations that are not 0 stay so; small sources of either sign may become 0.</summary>
    private static int Step(float value, float largest, int steps)
    {
        if (value == 0 || largest == 0 || (value < 0 && steps == Steps))
            return 0;
        var step = (int)Math.Round((double)value / largest * steps);
        return step == 0 && steps == Steps ? 1 : step;
    }

    private static void Entry(CompactWriter bytes, int index, params ReadOnlySpan<float> values)
    {
        bytes.Number(index);
        foreach (var value in values)
            bytes.Half(value);
    }

    private static void List<T>(CompactWriter bytes, IReadOnlyList<T> items, Action<T> write)
    {
        bytes.Number(items.Count);
        foreach (var item in items)
            write(item);
    }

    private delegate T ReadItem<T>(ref CompactReader bytes);

    private static T[] List<T>(ref CompactReader bytes, ReadItem<T> read)
    {
        var items = new T[bytes.Length()];
        for (var i = 0; i < items.Length; i++)
            items[i] = read(ref bytes);
        return items;
    }
}
