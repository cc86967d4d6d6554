using GemmaScope.Dictionaries;
using GemmaScope.Features.Statistics;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>
/// The second stage: every tensor of statistics/{dictionary}.safetensors against what follows from the golden activations and the weights.
/// Integers are equal; floats
/// within 1e-5 of the largest magnitude of their tensor, those that need our own float32 forward pass within 1e-4. A tensor nobody knows
/// fails.
/// </summary>
internal sealed class FeatureStatisticsChecks
{
    private const double Tolerance = 1e-5,
        HostTolerance = 1e-4;

    private static readonly FeatureStatisticsOptions Options = new();

    private readonly FeatureHost _host;
    private readonly FeatureCase _case;
    private readonly HashSet<string> _checked = ["activations.indptr", "activations.indices", "activations.values"];

    public FeatureStatisticsChecks(FeatureHost host, FeatureCase one) => (_host, _case) = (host, one);

    private int Width => _case.Dictionary.Width;

    private IEnumerable<int> Features => Enumerable.Range(0, Width);

    public IEnumerable<Check> Checks()
    {
        using var folder = new TemporaryDirectory();
        using var builder = new DashboardBuilder(_host.Model, _case.Dictionary, _case.Store, 0, _case.Neurons, folder.Path, Options);
        var dashboards = _case.Dashboards = [.. builder.Dashboards(0, null, default)];
        foreach (
            var check in Counts(dashboards, builder.Counts)
                .Concat(Distribution(dashboards, builder.Distribution))
                .Concat(Examples(dashboards))
                .Concat(Pairs(dashboards, builder.Counts))
                .Concat(Decoders(dashboards))
                .Concat(Logits(dashboards))
        )
            yield return check;
        var unknown = _case.Golden.Tensors.Keys.Except(_checked).Order(StringComparer.Ordinal).ToArray();
        yield return Check.That(
            "all tensors",
            unknown.Length == 0,
            unknown.Length == 0 ? $"{_checked.Count} compared" : $"not known: {string.Join(", ", unknown)}"
        );
    }

    private IEnumerable<Check> Counts(FeatureDashboard[] all, FeatureCounts counts)
    {
        yield return Equal("count", all.Select(one => (int)one.Count));
        yield return Equal("count_masked_positions", all.Select(one => (int)one.CountElsewhere));
        yield return Close("density", all.Select(one => (float)one.Density));
        yield return Close("density_all_positions", all.Select(one => (float)one.DensityAllPositions));
        yield return Close("max", all.Select(one => one.Max));
        yield return Equal("max_sequence", all.Select(one => one.MaxSequence));
        yield return Equal("max_position", all.Select(one => one.MaxPosition));
        yield return Close("max_with_masked_positions", all.Select(one => one.MaxAnywhere));
        yield return Close("mean_nonzero", all.Select(one => (float)one.MeanNonzero));
        _checked.Add("dead");
        yield return Check.That(
            "dead",
            all.Select(one => one.IsDead).SequenceEqual(Golden.Flags(_case.Golden, "dead"))
                && _case.Json.Integers("dead")!.SequenceEqual(Features.Where(i => all[i].IsDead))
        );
        var l0 = counts.Count.Sum() / (double)_case.Store.Counted;
        yield return Golden.Number("mean_l0", l0, _case.Json, "mean_l0", Tolerance);
    }

    private IEnumerable<Check> Distribution(FeatureDashboard[] all, ActivationDistribution distribution)
    {
        const int bins = ActivationDistribution.Bins,
            intervals = ActivationDistribution.Intervals;
        yield return Close(
            "activation_hist_edges",
            all.SelectMany(one => Enumerable.Range(0, bins + 1).Select(i => (float)((double)i / bins * one.Max)))
        );
        yield return Equal("activation_hist_counts", all.SelectMany(one => one.Histogram));
        yield return Close(
            "interval_edges",
            all.SelectMany(one => Enumerable.Range(0, intervals + 1).Select(i => (float)one.IntervalEdge(i)))
        );
        yield return Equal("interval_counts", Features.SelectMany(i => distribution.IntervalCounts(i).ToArray()));
        yield return Close("interval_share", all.SelectMany(one => one.IntervalShares).Select(share => (float)share));
        // With room for every sequence the draw is the set of those that may be drawn.
        var everything = ActivationDistribution.Of(
            _case.Store,
            0,
            FeatureCounts.Of(_case.Store, 0, Width),
            Options with
            {
                ExamplesPerInterval = _host.Sequences.Length,
            }
        );
        var eligible = Features.SelectMany(i =>
            Enumerable
                .Range(0, intervals)
                .SelectMany(k =>
                {
                    var drawn = everything.Drawn(i, k).Select(place => place.Sequence).ToHashSet();
                    return Enumerable.Range(0, _host.Sequences.Length).Select(drawn.Contains);
                })
        );
        _checked.Add("interval_sequences");
        yield return Check.That("interval_sequences", eligible.SequenceEqual(Golden.Flags(_case.Golden, "interval_sequences")));
        yield return Check.That(
            "interval_examples",
            all.All(one => one.Examples.Where(example => example.Interval >= 0).All(example => Fits(one, example, everything)))
        );
    }

    /// <summary>A drawn example comes from the set, as many as there are up to five, its marked token in the interval.</summary>
    private static bool Fits(FeatureDashboard one, FeatureExample example, ActivationDistribution everything)
    {
        var drawn = one.Examples.Where(other => other.Interval == example.Interval).Select(other => other.Sequence).ToArray();
        var allowed = everything.Drawn(one.Feature, example.Interval).Select(place => place.Sequence).ToArray();
        return ActivationDistribution.IntervalOf(example.Values[example.Position], one.Max) == example.Interval
            && drawn.Distinct().Count() == Math.Min(Options.ExamplesPerInterval, allowed.Length)
            && drawn.Length == drawn.Distinct().Count()
            && drawn.All(allowed.Contains);
    }

    private IEnumerable<Check> Examples(FeatureDashboard[] all)
    {
        FeatureExample?[][] top =
        [
            .. all.Select(one =>
                one.Examples.Where(example => example.Interval < 0)
                    .Cast<FeatureExample?>()
                    .Concat(Enumerable.Repeat<FeatureExample?>(null, Options.TopExamples))
                    .Take(Options.TopExamples)
                    .ToArray()
            ),
        ];
        var flat = top.SelectMany(list => list).ToArray();
        yield return Equal("top_sequences", flat.Select(example => example?.Sequence ?? -1));
        yield return Equal("top_positions", flat.Select(example => example?.Position ?? -1));
        yield return Close("top_max", flat.Select(example => example?.Values[example.Position] ?? 0));
        yield return Close("top_values", flat.SelectMany(example => example?.Values ?? new float[_host.Length]));
        if (SourceAttribution.Fits(_case.Dictionary))
            yield return Close("top_dfa", flat.SelectMany(example => example?.Sources ?? new float[_host.Length]), HostTolerance);
    }

    private IEnumerable<Check> Pairs(FeatureDashboard[] all, FeatureCounts counts)
    {
        using var pairs = FeaturePairs.Of(_case.Store, 0, counts, 0, Width);
        yield return Close("pearson", Features.SelectMany(i => Features.Select(j => (float)pairs.Pearson(i, j))));
        yield return Equal("coactivation", Features.SelectMany(i => Features.Select(j => pairs.Together(i, j))));
        yield return Check.That(
            "coactive",
            all.All(one =>
                one.Together.All(other => other.Positions == pairs.Together(one.Feature, other.Feature))
                && one.Together.Select(other => (-other.Positions, other.Feature))
                    .SequenceEqual(
                        Features
                            .Where(j => j != one.Feature && pairs.Together(one.Feature, j) > 0)
                            .Select(j => (-pairs.Together(one.Feature, j), j))
                            .Order()
                            .Take(Options.Neighbours)
                    )
            )
        );
        foreach (
            var check in Lists(
                "correlated_features",
                all,
                one => one.CorrelatedFeatures,
                other => other.Feature,
                ("pearson", other => other.Pearson),
                ("cosine", other => other.Cosine)
            )
        )
            yield return check;
        foreach (
            var check in Lists(
                "correlated_neurons",
                all,
                one => one.CorrelatedNeurons,
                other => other.Neuron,
                ("pearson", other => other.Pearson),
                ("cosine", other => other.Cosine)
            )
        )
            yield return check;
    }

    private IEnumerable<Check> Decoders(FeatureDashboard[] all)
    {
        yield return Close("decoder_norm", all.Select(one => one.DecoderNorm));
        foreach (
            var check in Lists(
                "alignment",
                all,
                one => one.Alignment,
                one => one.Index,
                ("values", one => one.Value),
                ("l1", one => one.Share)
            )
        )
            yield return check;
        var geometry = new DecoderGeometry(_case.Dictionary, _host.Model.Config);
        using var cosines = Tensor.Uninitialized(Width, Width);
        geometry.ForEachCosine(
            0,
            Width,
            (start, part) =>
            {
                for (var i = 0; i < part.Rows; i++)
                    part.Row(i).CopyTo(cosines.Row(i)[start..]);
            }
        );
        yield return Close("decoder_cosine", cosines.AsSpan().ToArray());
        foreach (var check in Lists("decoder_cosine", all, one => one.Neighbours, one => one.Feature, ("values", one => one.Cosine)))
            yield return check;
        if (_case.Golden.Tensors.ContainsKey("head_shares") || all[0].HeadShares.Count > 0)
            yield return Close("head_shares", all.SelectMany(one => one.HeadShares));
    }

    private IEnumerable<Check> Logits(FeatureDashboard[] all)
    {
        var direct = DirectLogits.Of(_host.Model, _case.Dictionary, Options.Tokens)!;
        foreach (var check in Side("logit", false, one => one.Logits!).Concat(Side("gained_logit", true, one => one.GainedLogits!)))
            yield return check;
        const int bins = ActivationDistribution.Bins;
        yield return Close(
            "logit_hist_edges",
            all.SelectMany(one =>
                Enumerable
                    .Range(0, bins + 1)
                    .Select(i => (float)(one.Logits!.Minimum + (double)i / bins * ((double)one.Logits.Maximum - one.Logits.Minimum)))
            )
        );
        yield return Equal("logit_hist_counts", all.SelectMany(one => one.Logits!.Histogram));

        IEnumerable<Check> Side(string prefix, bool gained, Func<FeatureDashboard, LogitEffects> of)
        {
            using var effects = direct.Logits(0, Width, gained);
            yield return Close($"{prefix}_effects", effects.AsSpan().ToArray());
            foreach (
                var check in Lists($"{prefix}_top", all, one => of(one).Top, score => score.Token, "ids", ("values", score => score.Value))
            )
                yield return check;
            foreach (
                var check in Lists(
                    $"{prefix}_bottom",
                    all,
                    one => of(one).Bottom,
                    score => score.Token,
                    "ids",
                    ("values", score => score.Value)
                )
            )
                yield return check;
        }
    }

    private IEnumerable<Check> Lists<T>(
        string name,
        FeatureDashboard[] all,
        Func<FeatureDashboard, IReadOnlyList<T>> list,
        Func<T, int> index,
        params (string Name, Func<T, float> Value)[] columns
    ) => Lists(name, all, list, index, "indices", columns);

    /// <summary>Lists of a fixed length, filled with index −1 and value 0.</summary>
    private IEnumerable<Check> Lists<T>(
        string name,
        FeatureDashboard[] all,
        Func<FeatureDashboard, IReadOnlyList<T>> list,
        Func<T, int> index,
        string indices,
        params (string Name, Func<T, float> Value)[] columns
    )
    {
        var length = (int)_case.Golden[$"{name}_{indices}"].Shape[1];
        yield return Equal(
            $"{name}_{indices}",
            all.SelectMany(one => list(one).Select(index).Concat(Enumerable.Repeat(-1, length)).Take(length))
        );
        foreach (var column in columns)
            yield return Close(
                $"{name}_{column.Name}",
                all.SelectMany(one => list(one).Select(column.Value).Concat(Enumerable.Repeat(0f, length)).Take(length)),
                name == "correlated_neurons" ? HostTolerance : Tolerance
            );
    }

    private Check Equal(string name, IEnumerable<int> got)
    {
        _checked.Add(name);
        int[] own = [.. got],
            want = [.. Golden.Integers(_case.Golden, name)];
        var different = own.Zip(want).Count(pair => pair.First != pair.Second);
        return Check.That(name, own.Length == want.Length && different == 0, $"{want.Length} compared, {different} differ");
    }

    private Check Close(string name, IEnumerable<float> got, double tolerance = Tolerance)
    {
        _checked.Add(name);
        return Check.Within(name, Golden.Error([.. got], _case.Golden[name].AsSpan()), tolerance);
    }

    private sealed class TemporaryDirectory : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("gemmascope-verify-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
