using GemmaScope.Numerics;

namespace GemmaScope.Features.Statistics;

/// <summary>
/// Histograms of the non-zero activations and the sequences shown as examples (METHODS §7). Edges depend on each feature's maximum, so this
/// is a second
/// reading, after <see cref="FeatureCounts"/>: every count is exact and memory does not grow with the corpus.
/// </summary>
internal sealed class ActivationDistribution
{
    /// <summary>Bins of a histogram over 0 .. maximum.</summary>
    public const int Bins = 50;

    /// <summary>Intervals over 0 .. maximum from which examples are drawn.</summary>
    public const int Intervals = 5;

    private readonly int _top,
        _drawn;
    private readonly int[] _bins,
        _intervals;
    private readonly Place[] _strongest;
    private readonly Draw[] _draws;

    private ActivationDistribution(int width, int top, int drawn)
    {
        (_top, _drawn) = (top, drawn);
        (_bins, _intervals) = (new int[width * Bins], new int[width * Intervals]);
        (_strongest, _draws) = (new Place[width * top], new Draw[width * Intervals * drawn]);
        Array.Fill(_strongest, new(-1, -1, 0));
        Array.Fill(_draws, new(ulong.MaxValue, new(-1, -1, 0)));
    }

    /// <summary>A position of a sequence with the feature's activation there.</summary>
    public readonly record struct Place(int Sequence, int Position, float Value);

    private readonly record struct Draw(ulong Lot, Place Place);

    /// <summary>Counted positions in each bin; the sum is the feature's count.</summary>
    public ReadOnlySpan<int> Histogram(int feature) => _bins.AsSpan(feature * Bins, Bins);

    /// <summary>Counted positions with lo &lt; f ≤ hi in each interval.</summary>
    public ReadOnlySpan<int> IntervalCounts(int feature) => _intervals.AsSpan(feature * Intervals, Intervals);

    /// <summary>The sequences with the largest maxima, largest first, of equal ones the earlier; with the first position that has
    /// it.</summary>
    public Place[] Strongest(int feature) => [.. _strongest[(feature * _top)..((feature + 1) * _top)].Where(place => place.Sequence >= 0)];

    /// <summary>Sequences drawn from those with an activation in the interval, each with its first position there, in the order of the
    /// corpus.</summary>
    public Place[] Drawn(int feature, int interval)
    {
        var start = (feature * Intervals + interval) * _drawn;
        return
        [
            .. _draws[start..(start + _drawn)]
                .Select(draw => draw.Place)
                .Where(place => place.Sequence >= 0)
                .OrderBy(place => place.Sequence),
        ];
    }

    /// <summary>Bin k holds edge k ≤ f &lt; edge k + 1, the last one the maximum too.</summary>
    public static int BinOf(float value, float max) => Math.Min((int)Math.Floor((double)value * Bins / max), Bins - 1);

    /// <summary>Interval k holds lo &lt; f ≤ hi.</summary>
    public static int IntervalOf(float value, float max) => Math.Min((int)Math.Ceiling((double)value * Intervals / max) - 1, Intervals - 1);

    public static ActivationDistribution Of(
        ActivationSegments store,
        int dictionary,
        FeatureCounts counts,
        FeatureStatisticsOptions options,
        IProgress<double>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        var distribution = new ActivationDistribution(counts.Count.Length, options.TopExamples, options.ExamplesPerInterval);
        FeatureSweep.Run(
            store,
            0,
            counts.Count.Length,
            (first, end) => new Part(distribution, counts.Max, dictionary, (ulong)options.Seed, first, end),
            progress,
            cancellationToken
        );
        return distribution;
    }

    private void OfferStrongest(int feature, Place place)
    {
        var list = _strongest.AsSpan(feature * _top, _top);
        if (_top == 0 || !(place.Value > list[^1].Value))
            return;
        var at = _top - 1;
        for (; at > 0 && place.Value > list[at - 1].Value; at--)
            list[at] = list[at - 1];
        list[at] = place;
    }

    /// <summary>The lowest lots win: which sequences these are depends on the seed alone, not on the order of reading.</summary>
    private void OfferDraw(int feature, int interval, ulong lot, Place place)
    {
        var list = _draws.AsSpan((feature * Intervals + interval) * _drawn, _drawn);
        if (_drawn == 0 || lot >= list[^1].Lot)
            return;
        var at = _drawn - 1;
        for (; at > 0 && lot < list[at - 1].Lot; at--)
            list[at] = list[at - 1];
        list[at] = new(lot, place);
    }

    private sealed class Part(ActivationDistribution all, float[] maxima, int dictionary, ulong seed, int first, int end) : ISweepPart
    {
        // Of the sequence being read: the largest place of each feature, its first place in each interval, and which features were met.
        private readonly Place[] _largest = new Place[end - first],
            _inside = new Place[(end - first) * Intervals];
        private readonly bool[] _met = new bool[end - first];
        private readonly List<int> _features = [];

        public void Read(ActivationSegment segment, int local, int sequence)
        {
            var start = segment.Start(local);
            for (var position = 0; position < segment.Length(local); position++)
            {
                if (!segment.Counts(start + position))
                    continue;
                var row = segment.Row(dictionary, start + position).Within(first, end);
                for (var i = 0; i < row.Indices.Length; i++)
                    if (row.Values[i] > 0)
                        Add(row.Indices[i], new(sequence, position, row.Values[i]));
            }
            foreach (var feature in _features)
                Finish(feature, sequence);
            _features.Clear();
        }

        private void Add(int feature, Place place)
        {
            var (own, max) = (feature - first, maxima[feature]);
            if (!_met[own])
            {
                _met[own] = true;
                _features.Add(feature);
                _largest[own] = default;
                _inside.AsSpan(own * Intervals, Intervals).Clear();
            }
            var interval = IntervalOf(place.Value, max);
            all._bins[feature * Bins + BinOf(place.Value, max)]++;
            all._intervals[feature * Intervals + interval]++;
            if (place.Value > _largest[own].Value)
                _largest[own] = place;
            ref var inside = ref _inside[own * Intervals + interval];
            if (inside.Value == 0)
                inside = place;
        }

        private void Finish(int feature, int sequence)
        {
            var own = feature - first;
            _met[own] = false;
            all.OfferStrongest(feature, _largest[own]);
            for (var interval = 0; interval < Intervals; interval++)
                if (_inside[own * Intervals + interval] is { Value: > 0 } place)
                    all.OfferDraw(feature, interval, Lot((ulong)feature * Intervals + (ulong)interval, (ulong)sequence), place);
        }

        /// <summary>An even hash of seed, feature, interval and sequence.</summary>
        private ulong Lot(ulong group, ulong sequence) =>
            SplitMix.Mix(SplitMix.Mix(SplitMix.Mix(seed + SplitMix.Golden) ^ group) + sequence);
    }
}
