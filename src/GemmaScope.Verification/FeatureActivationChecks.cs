using GemmaScope.Dictionaries;
using GemmaScope.Features.Statistics;
using GemmaScope.Numerics;

namespace GemmaScope.Verification;

/// <summary>The first stage: sites and activations from the host, and the integers that follow from them all the way from token
/// ids.</summary>
internal sealed class FeatureActivationChecks(FeatureHost host, FeatureCase one)
{
    private const double SiteTolerance = 1e-4,
        ActivationTolerance = 1e-4;

    public IEnumerable<Check> Checks()
    {
        yield return Check.That("site", one.SiteIsRight, string.Join(", ", one.Dictionary.InputSites));
        var golden = host.Sites[one.Name].AsSpan();
        yield return Check.Close("sites", one.X.AsSpan()[..golden.Length], golden, SiteTolerance);
        var (own, want) = (one.Dictionary.Encode(one.X.AsMatrix()), one.Activations);
        yield return Check.That("activations.pattern", Same(own, want), $"{own.Count} entries, expected {want.Count}");
        yield return Check.Within("activations.values", Error(own, want), ActivationTolerance);
        foreach (var check in Integers(own))
            yield return check;
    }

    private static bool Same(SparseActivations own, SparseActivations want)
    {
        for (var row = 0; row < want.Rows; row++)
            if (!own.Indices(row).SequenceEqual(want.Indices(row)))
                return false;
        return own.Rows == want.Rows;
    }

    /// <summary>Largest difference of an activation against the largest of its feature anywhere.</summary>
    private double Error(SparseActivations own, SparseActivations want)
    {
        if (!Same(own, want))
            return double.PositiveInfinity;
        var maxima = one.Golden["max_with_masked_positions"].AsSpan();
        double error = 0;
        for (var row = 0; row < want.Rows; row++)
        for (var i = 0; i < want.Indices(row).Length; i++)
        {
            var difference = Math.Abs((double)own.Values(row)[i] - want.Values(row)[i]) / maxima[want.Indices(row)[i]];
            error = difference <= error ? error : difference;
        }
        return error;
    }

    private IEnumerable<Check> Integers(SparseActivations own)
    {
        using Tensor starts = Integers([
            .. Enumerable.Range(0, own.Rows + 1).Select(row => row < own.Rows ? own.Start(row) : (int)own.Count),
        ]);
        using Tensor indices = Integers([.. Enumerable.Range(0, own.Rows).SelectMany(row => own.Indices(row).ToArray())]);
        using var values = Tensor.From([.. Enumerable.Range(0, own.Rows).SelectMany(row => own.Values(row).ToArray())], own.Count);
        var store = new ActivationSegments();
        store.Add(new ActivationSegment(host.Tokens, host.Starts, host.Mask, [(starts, indices, values)], null));
        var counts = FeatureCounts.Of(store, 0, own.Width);
        var distribution = ActivationDistribution.Of(store, 0, counts, new FeatureStatisticsOptions());
        var features = Enumerable.Range(0, own.Width);
        yield return Check.That("own.count", Equal("count", counts.Count.Select(count => (int)count)));
        yield return Check.That(
            "own.activation_hist_counts",
            Equal("activation_hist_counts", features.SelectMany(i => distribution.Histogram(i).ToArray()))
        );
        yield return Check.That(
            "own.interval_counts",
            Equal("interval_counts", features.SelectMany(i => distribution.IntervalCounts(i).ToArray()))
        );
        using var pairs = FeaturePairs.Of(store, 0, counts, 0, own.Width);
        yield return Check.That(
            "own.coactivation",
            Equal("coactivation", features.SelectMany(i => features.Select(j => pairs.Together(i, j))))
        );
        yield return Check.That("own.top_sequences", SameTop(distribution));
    }

    private bool Equal(string name, IEnumerable<int> got) => got.SequenceEqual(Golden.Integers(one.Golden, name).ToArray());

    /// <summary>Sequences whose golden maxima are equal may swap in a float32 run: the golden maxima and places of what was found must be
    /// those of the list.</summary>
    private bool SameTop(ActivationDistribution own)
    {
        var golden = one.Golden["top_max"].AsSpan();
        int[] sequences = [.. Golden.Integers(one.Golden, "top_sequences")],
            positions = [.. Golden.Integers(one.Golden, "top_positions")];
        var (width, k) = (one.Dictionary.Width, golden.Length / one.Dictionary.Width);
        var exact = ActivationDistribution.Of(
            one.Store,
            0,
            FeatureCounts.Of(one.Store, 0, width),
            new FeatureStatisticsOptions { TopExamples = host.Sequences.Length }
        );
        for (var feature = 0; feature < width; feature++)
        {
            var found = own.Strongest(feature);
            if (found.Length != sequences[(feature * k)..((feature + 1) * k)].Count(sequence => sequence >= 0))
                return false;
            var all = exact.Strongest(feature).ToDictionary(place => place.Sequence);
            for (var rank = 0; rank < found.Length; rank++)
                if (
                    !all.TryGetValue(found[rank].Sequence, out var place)
                    || place.Value != golden[feature * k + rank]
                    || place.Position != found[rank].Position
                    || positions[feature * k + rank] < 0
                )
                    return false;
        }
        return true;
    }

    private static unsafe Tensor Integers(int[] values)
    {
        var tensor = Tensor.Allocate(DType.I32, [values.Length]);
        values.CopyTo(new Span<int>(tensor.Pointer, values.Length));
        return tensor;
    }
}
