using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Features.Statistics;

/// <summary>
/// Puts together the dashboards of one dictionary from a stored corpus, block of features after block. Two readings find counts and
/// distributions; each block then reads once more for its pairs.
/// </summary>
internal sealed class DashboardBuilder : IDisposable
{
    private readonly GemmaModel _model;
    private readonly SparseDictionary _dictionary;
    private readonly ActivationSegments _store;
    private readonly int _index;
    private readonly NeuronSums? _neurons;
    private readonly FeatureStatisticsOptions _options;
    private readonly DecoderGeometry _geometry;
    private readonly DirectLogits? _logits;
    private readonly SourceAttribution? _sources;

    /// <param name="model">The model.</param>
    /// <param name="dictionary">The dictionary.</param>
    /// <param name="store">The corpus.</param>
    /// <param name="index">The dictionary's number in the corpus.</param>
    /// <param name="neurons">Sums with the input's coordinates, or null.</param>
    /// <param name="folder">For temporary files.</param>
    /// <param name="options">Settings.</param>
    /// <param name="progress">Told what is being done and how far it is.</param>
    /// <param name="cancellationToken">Stops between segments.</param>
    public DashboardBuilder(
        GemmaModel model,
        SparseDictionary dictionary,
        ActivationSegments store,
        int index,
        NeuronSums? neurons,
        string folder,
        FeatureStatisticsOptions options,
        IProgress<StatisticsProgress>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        (_model, _dictionary, _store, _index, _neurons, _options) = (model, dictionary, store, index, neurons, options);
        _geometry = new DecoderGeometry(dictionary, model.Config);
        _logits = DirectLogits.Of(model, dictionary, options.Tokens);
        Counts = FeatureCounts.Of(store, index, dictionary.Width, StatisticsProgress.Of(progress, "counting"), cancellationToken);
        Distribution = ActivationDistribution.Of(
            store,
            index,
            Counts,
            options,
            StatisticsProgress.Of(progress, "histograms and examples"),
            cancellationToken
        );
        if (options.SourceAttribution && SourceAttribution.Fits(dictionary))
            _sources = SourceAttribution.Of(
                model,
                (LayerDictionary)dictionary,
                store,
                Distribution,
                options,
                folder,
                StatisticsProgress.Of(progress, "attributing sources"),
                cancellationToken
            );
    }

    public FeatureCounts Counts { get; }

    public ActivationDistribution Distribution { get; }

    /// <summary>Features whose pairs fit into the memory allowed.</summary>
    private int BlockFeatures =>
        (int)Math.Clamp(_options.PairBytes / FeaturePairs.BytesPerFeature(_dictionary.Width), 1, _dictionary.Width);

    /// <summary>Dashboards of the features from <paramref name="first"/> on.</summary>
    public IEnumerable<FeatureDashboard> Dashboards(int first, IProgress<StatisticsProgress>? progress, CancellationToken cancellationToken)
    {
        for (var start = first; start < _dictionary.Width; start += BlockFeatures)
        {
            var end = Math.Min(start + BlockFeatures, _dictionary.Width);
            using var pairs = FeaturePairs.Of(
                _store,
                _index,
                Counts,
                start,
                end,
                StatisticsProgress.Of(progress, $"pairs of features {start} to {end - 1}"),
                cancellationToken
            );
            var neighbours = _geometry.Neighbours(start, end, _options.Neighbours, cancellationToken);
            var part = _logits?.BlockFeatures ?? end - start;
            for (var from = start; from < end; from += part)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var dashboards = Part(from, Math.Min(from + part, end), pairs, neighbours.AsMemory(from - start));
                progress?.Report(new("dashboards", (double)(from + dashboards.Length) / _dictionary.Width));
                foreach (var dashboard in dashboards)
                    yield return dashboard;
            }
        }
    }

    public void Dispose() => _sources?.Dispose();

    private FeatureDashboard[] Part(int from, int end, FeaturePairs pairs, ReadOnlyMemory<NearFeature[]> neighbours)
    {
        var logits = _logits?.Effects(from, end - from, gained: false);
        var gained = _logits?.Effects(from, end - from, gained: true);
        var dashboards = new FeatureDashboard[end - from];
        Workers.For(dashboards.Length, new Job(this, from, pairs, neighbours, logits, gained, dashboards));
        return dashboards;
    }

    private FeatureDashboard Make(int feature, FeaturePairs pairs, NearFeature[] neighbours, LogitEffects? logits, LogitEffects? gained)
    {
        var vector = new float[_dictionary.OutputWidth];
        _dictionary.Decoder(feature, vector);
        return new FeatureDashboard
        {
            Feature = feature,
            Count = Counts.Count[feature],
            CountElsewhere = Counts.CountElsewhere[feature],
            Density = _store.Counted > 0 ? (double)Counts.Count[feature] / _store.Counted : 0,
            DensityAllPositions = _store.Positions > 0 ? (double)Counts.Count[feature] / _store.Positions : 0,
            Max = Counts.Max[feature],
            MaxAnywhere = Counts.MaxAnywhere[feature],
            MaxSequence = Counts.MaxSequence[feature],
            MaxPosition = Counts.MaxPosition[feature],
            MaxToken = MaxToken(feature),
            MeanNonzero = Counts.Count[feature] > 0 ? Counts.Sum[feature] / Counts.Count[feature] : 0,
            Histogram = Distribution.Histogram(feature).ToArray(),
            IntervalShares =
            [
                .. Distribution.IntervalCounts(feature).ToArray().Select(count => (double)count / Math.Max(1, _store.Counted)),
            ],
            Examples = Examples(feature),
            DecoderNorm = (float)DecoderGeometry.Norm(vector),
            Alignment = DecoderGeometry.Alignment(vector, _options.Coordinates),
            Neighbours = neighbours,
            CorrelatedFeatures = Correlated(feature, pairs),
            CorrelatedNeurons = _neurons?.Strongest(feature, Counts, _store.Counted, _options.Neighbours) ?? [],
            Together = Together(feature, pairs),
            HeadShares = _geometry.HeadShares(vector),
            Logits = logits,
            GainedLogits = gained,
        };
    }

    private int MaxToken(int feature)
    {
        if (Counts.MaxSequence[feature] < 0)
            return -1;
        var (segment, local) = _store.Find(Counts.MaxSequence[feature]);
        return segment.Tokens(local)[Counts.MaxPosition[feature]];
    }

    private CorrelatedFeature[] Correlated(int feature, FeaturePairs pairs)
    {
        if (Counts.Count[feature] == 0)
            return [];
        var best = new RankedList(_options.Neighbours);
        for (var other = 0; other < _dictionary.Width; other++)
            if (other != feature && Counts.Count[other] > 0)
                best.Offer(other, pairs.Pearson(feature, other));
        var found = new CorrelatedFeature[best.Count];
        for (var i = 0; i < found.Length; i++)
            found[i] = new(best.Indices[i], (float)best.Values[i], (float)pairs.Cosine(feature, best.Indices[i]));
        return found;
    }

    private TogetherFeature[] Together(int feature, FeaturePairs pairs)
    {
        var best = new RankedList(_options.Neighbours);
        for (var other = 0; other < _dictionary.Width; other++)
            if (other != feature && pairs.Together(feature, other) is > 0 and var count)
                best.Offer(other, count);
        var found = new TogetherFeature[best.Count];
        for (var i = 0; i < found.Length; i++)
            found[i] = new(best.Indices[i], (int)best.Values[i]);
        return found;
    }

    private FeatureExample[] Examples(int feature) =>
        [
            .. Distribution.Strongest(feature).Select((place, rank) => Example(feature, -1, place, rank)),
            .. Enumerable
                .Range(0, ActivationDistribution.Intervals)
                .Reverse()
                .SelectMany(interval => Distribution.Drawn(feature, interval).Select(place => Example(feature, interval, place, -1))),
        ];

    private FeatureExample Example(int feature, int interval, ActivationDistribution.Place place, int rank)
    {
        var (segment, local) = _store.Find(place.Sequence);
        var (start, values) = (segment.Start(local), new float[segment.Length(local)]);
        for (var i = 0; i < values.Length; i++)
            if (segment.Counts(start + i))
                values[i] = Math.Max(0, segment.Value(_index, start + i, feature));
        return new FeatureExample(
            interval,
            place.Sequence,
            place.Position,
            segment.Tokens(local).ToArray(),
            values,
            rank < 0 ? null : _sources?.Read(feature, rank, values.Length)
        );
    }

    private readonly struct Job(
        DashboardBuilder builder,
        int from,
        FeaturePairs pairs,
        ReadOnlyMemory<NearFeature[]> neighbours,
        LogitEffects[]? logits,
        LogitEffects[]? gained,
        FeatureDashboard[] dashboards
    ) : IJob
    {
        public void Run(int index) =>
            dashboards[index] = builder.Make(from + index, pairs, neighbours.Span[index], logits?[index], gained?[index]);
    }
}
