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
    private const int ByteForm = 1,
        BitForm = 2;

    /// <summary>Steps of an activation in an example.</summary>
    private const int Steps = 255,
        SignedSteps = 127;

    /// <summary>A dashboard in few bytes.</summary>
    public static byte[] Encode(FeatureDashboard one)
    {
        var page = new PageWriter();
        foreach (var number in (long[])[one.Feature, one.Count, one.CountElsewhere])
            page.Number(PageColumn.Frequency, number);
        foreach (var number in (long[])[one.MaxSequence, one.MaxPosition, one.MaxToken])
            page.Signed(PageColumn.Frequency, number);
        foreach (var number in (double[])[one.Density, one.DensityAllPositions, one.MeanNonzero, one.HistogramStart])
            page.Single((float)number);
        foreach (var number in (float[])[one.Max, one.MaxAnywhere, one.DecoderNorm])
            page.Single(number);
        List(page, one.Histogram, count => page.Number(PageColumn.Bar, count));
        List(page, one.IntervalShares, share => page.Single((float)share));
        List(page, one.Alignment, a => Entry(page, PageColumn.Cosine, a.Index, a.Value, a.Share));
        List(page, one.Neighbours, n => Entry(page, PageColumn.Cosine, n.Feature, n.Cosine));
        List(page, one.CorrelatedFeatures, f => Entry(page, PageColumn.Cosine, f.Feature, f.Pearson, f.Cosine));
        List(page, one.CorrelatedNeurons, n => Entry(page, PageColumn.Cosine, n.Neuron, n.Pearson, n.Cosine));
        List(
            page,
            one.Together,
            t =>
            {
                page.Number(PageColumn.Index, t.Feature);
                page.Number(PageColumn.Frequency, t.Positions);
            }
        );
        List(page, one.HeadShares, share => page.Half(PageColumn.Cosine, share));
        Logits(page, one.Logits);
        Logits(page, one.GainedLogits);
        List(page, one.Examples, example => Example(page, example));
        return [BitForm, .. page.ToArray()];
    }

    /// <summary>Reads a page.</summary>
    /// <param name="page">The bytes.</param>
    /// <param name="passages">The tokens of a sequence, for whole examples; null for excerpts.</param>
    public static FeatureDashboard Decode(ReadOnlySpan<byte> page, Func<int, int[]?>? passages = null)
    {
        switch (page)
        {
            case [ByteForm, .. var rest]:
                var bytes = new BytePageReader(rest);
                return Decode(ref bytes, passages);
            case [BitForm, .. var rest]:
                var bits = new BitPageReader(rest);
                var one = Decode(ref bits, passages);
                bits.RequireEnd();
                return one;
            default:
                throw CompactReader.Damaged();
        }
    }

    private static FeatureDashboard Decode<TReader>(ref TReader page, Func<int, int[]?>? passages)
        where TReader : IPageReader, allows ref struct =>
        new()
        {
            Feature = Count(page.Number(PageColumn.Frequency)),
            Count = page.Number(PageColumn.Frequency),
            CountElsewhere = page.Number(PageColumn.Frequency),
            MaxSequence = (int)page.Signed(PageColumn.Frequency),
            MaxPosition = (int)page.Signed(PageColumn.Frequency),
            MaxToken = (int)page.Signed(PageColumn.Frequency),
            Density = page.Single(),
            DensityAllPositions = page.Single(),
            MeanNonzero = page.Single(),
            HistogramStart = page.Single(),
            Max = page.Single(),
            MaxAnywhere = page.Single(),
            DecoderNorm = page.Single(),
            Histogram = Counts(ref page, PageColumn.Bar),
            IntervalShares = List(ref page, (ref TReader r) => (double)r.Single()),
            Alignment = List(ref page, (ref TReader r) => new AlignedCoordinate(Index(ref r), Cosine(ref r), Cosine(ref r))),
            Neighbours = List(ref page, (ref TReader r) => new NearFeature(Index(ref r), Cosine(ref r))),
            CorrelatedFeatures = List(ref page, (ref TReader r) => new CorrelatedFeature(Index(ref r), Cosine(ref r), Cosine(ref r))),
            CorrelatedNeurons = List(ref page, (ref TReader r) => new CorrelatedNeuron(Index(ref r), Cosine(ref r), Cosine(ref r))),
            Together = List(ref page, (ref TReader r) => new TogetherFeature(Index(ref r), Count(r.Number(PageColumn.Frequency)))),
            HeadShares = List(ref page, (ref TReader r) => Cosine(ref r)),
            Logits = Logits(ref page),
            GainedLogits = Logits(ref page),
            Examples = List(ref page, (ref TReader r) => Example(ref r, passages)),
        };

    /// <summary>Token ids in few bytes.</summary>
    public static byte[] EncodeTokens(IReadOnlyList<int> tokens)
    {
        var bytes = new CompactWriter();
        bytes.Number(tokens.Count);
        foreach (var token in tokens)
            bytes.Number(token);
        return bytes.ToArray();
    }

    /// <summary>What <see cref="EncodeTokens"/> took in.</summary>
    public static int[] DecodeTokens(ReadOnlySpan<byte> stored)
    {
        var bytes = new CompactReader(stored);
        return bytes.Counts();
    }

    private static void Logits(PageWriter page, LogitEffects? effects)
    {
        page.Number(PageColumn.Length, effects is null ? 0 : 1);
        if (effects is null)
            return;
        page.Single(effects.Minimum);
        page.Single(effects.Maximum);
        List(page, effects.Top, score => Entry(page, PageColumn.Logit, score.Token, score.Value));
        List(page, effects.Bottom, score => Entry(page, PageColumn.Logit, score.Token, score.Value));
        List(page, effects.Histogram, count => page.Number(PageColumn.Bar, count));
    }

    private static LogitEffects? Logits<TReader>(ref TReader page)
        where TReader : IPageReader, allows ref struct
    {
        if (page.Number(PageColumn.Length) == 0)
            return null;
        var (minimum, maximum) = (page.Single(), page.Single());
        var top = List(ref page, (ref TReader r) => new TokenScore(Index(ref r), r.Half(PageColumn.Logit)));
        var bottom = List(ref page, (ref TReader r) => new TokenScore(Index(ref r), r.Half(PageColumn.Logit)));
        return new(top, bottom, minimum, maximum, Counts(ref page, PageColumn.Bar));
    }

    private static void Example(PageWriter page, FeatureExample example)
    {
        if (example.Start != 0)
            throw new ArgumentProblemException("is an excerpt; only whole examples are written", "example");
        int from = Math.Max(0, example.Position - FeaturePage.Before),
            to = Math.Min(example.Tokens.Count, example.Position + FeaturePage.After + 1);
        page.Signed(PageColumn.Interval, example.Interval);
        page.Number(PageColumn.Sequence, example.Sequence);
        page.Number(PageColumn.Position, example.Position);
        page.Start(example.Position, from);
        page.Steady(PageColumn.Excerpt, to - from);
        for (var at = from; at < to; at++)
            page.Token(at - example.Position, example.Tokens[at]);
        page.Steady(PageColumn.SequenceLength, example.Tokens.Count);
        Values(page, example.Values, isSource: false);
        page.Number(PageColumn.Length, example.Sources is null ? 0 : 1);
        if (example.Sources is { } sources)
            Values(page, sources, isSource: true);
    }

    private static FeatureExample Example<TReader>(ref TReader page, Func<int, int[]?>? passages)
        where TReader : IPageReader, allows ref struct
    {
        var (interval, sequence) = ((int)page.Signed(PageColumn.Interval), Count(page.Number(PageColumn.Sequence)));
        var position = Count(page.Number(PageColumn.Position));
        var (start, size) = (Count(page.Start(position)), Count(page.Steady(PageColumn.Excerpt)));
        var tokens = new List<int>();
        for (var i = 0; i < size; i++)
            tokens.Add(Count(page.Token(start + i - position)));
        var length = Count(page.Steady(PageColumn.SequenceLength));
        if (start > length - size || length > 1 << 24)
            throw CompactReader.Damaged();
        var whole = passages?.Invoke(sequence) is { } passage && passage.Length == length ? passage : null;
        var wanted = whole is null ? start..(start + size) : ..length;
        var values = Values(ref page, length, wanted, isSource: false);
        var sources = page.Number(PageColumn.Length) == 0 ? null : Values(ref page, length, wanted, isSource: true);
        return whole is null
            ? new(interval, sequence, position - start, [.. tokens], values, sources, start)
            : new(interval, sequence, position, whole, values, sources);
    }

    /// <summary>The largest magnitude, then of each number that is not 0 how far on it is and its share of the largest.</summary>
    private static void Values(PageWriter page, IReadOnlyList<float> values, bool isSource)
    {
        var largest = values.Count == 0 ? 0 : values.Max(Math.Abs);
        int[] quantised = [.. values.Select(value => isSource ? Source(value, largest) : Activation(value, largest))];
        int[] places = [.. Enumerable.Range(0, quantised.Length).Where(i => quantised[i] != 0)];
        var gap = isSource ? PageColumn.SourceGap : PageColumn.Gap;
        page.Single(largest);
        page.Number(gap, places.Length);
        for (var i = 0; i < places.Length; i++)
        {
            page.Number(gap, places[i] - (i == 0 ? 0 : places[i - 1] + 1));
            if (isSource)
                page.Source(quantised[places[i]]);
            else
                page.Activation(quantised[places[i]]);
        }
    }

    /// <summary>Of so many numbers those that are wanted.</summary>
    private static float[] Values<TReader>(ref TReader page, int length, Range wanted, bool isSource)
        where TReader : IPageReader, allows ref struct
    {
        var (from, size) = wanted.GetOffsetAndLength(length);
        var (gap, steps) = isSource ? (PageColumn.SourceGap, SignedSteps) : (PageColumn.Gap, Steps);
        var (largest, count, values, place) = (page.Single(), page.Number(gap), new float[size], 0);
        for (var i = 0L; i < count; i++, place++)
        {
            place += Count(page.Number(gap));
            if ((uint)place >= (uint)length)
                throw CompactReader.Damaged();
            var step = isSource ? page.Source() : page.Activation();
            if (Math.Abs(step) > steps)
                throw CompactReader.Damaged();
            if (place >= from && place < from + size)
                values[place - from] = step == steps ? largest : (float)((double)largest * step / steps);
        }
        return values;
    }

    /// <summary>Activations that are not 0 stay so.</summary>
    private static int Activation(float value, float largest) =>
        value <= 0 || largest == 0 ? 0 : Math.Max(1, (int)Math.Round((double)value / largest * Steps));

    /// <summary>Small sources of either sign may become 0.</summary>
    private static int Source(float value, float largest) => largest == 0 ? 0 : (int)Math.Round((double)value / largest * SignedSteps);

    private static void Entry(PageWriter page, PageColumn column, int index, params ReadOnlySpan<float> values)
    {
        page.Number(PageColumn.Index, index);
        foreach (var value in values)
            page.Half(column, value);
    }

    private static int Index<TReader>(ref TReader page)
        where TReader : IPageReader, allows ref struct => Count(page.Number(PageColumn.Index));

    private static float Cosine<TReader>(ref TReader page)
        where TReader : IPageReader, allows ref struct => page.Half(PageColumn.Cosine);

    /// <summary>A number that is an index or a count.</summary>
    private static int Count(long number) => number is >= 0 and <= int.MaxValue ? (int)number : throw CompactReader.Damaged();

    private static int[] Counts<TReader>(ref TReader page, PageColumn column)
        where TReader : IPageReader, allows ref struct => List(ref page, (ref TReader r) => Count(r.Number(column)));

    private static void List<T>(PageWriter page, IReadOnlyList<T> items, Action<T> write)
    {
        page.Number(PageColumn.Length, items.Count);
        foreach (var item in items)
            write(item);
    }

    private delegate T ReadItem<TReader, T>(ref TReader page)
        where TReader : allows ref struct;

    /// <summary>Items that follow their count, which is believed only as far as there are items.</summary>
    private static T[] List<TReader, T>(ref TReader page, ReadItem<TReader, T> read)
        where TReader : IPageReader, allows ref struct
    {
        var (count, items) = (page.Number(PageColumn.Length), new List<T>());
        for (var i = 0L; i < count; i++)
            items.Add(read(ref page));
        return [.. items];
    }
}
