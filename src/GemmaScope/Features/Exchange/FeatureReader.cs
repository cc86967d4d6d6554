using System.Text.Json;
using GemmaScope.Features.Statistics;
using GemmaScope.Files;
using GemmaScope.Models;

namespace GemmaScope.Features.Exchange;

/// <summary>Reads one feature of a file.</summary>
internal sealed class FeatureReader(JsonSection one, ExportDialect names, Words words)
{
    /// <summary>Where the other programs have what a field of ours is made of.</summary>
    private static readonly Dictionary<string, string> TheirNames = new()
    {
        ["examples"] = "activations",
        ["density"] = "frac_nonzero",
        ["max"] = "maxActApprox",
        ["histogram"] = "freq_hist_data_bar_heights",
        ["histogram_start"] = "freq_hist_data_bar_values",
        ["mean_nonzero"] = "freq_hist_data_bar_values",
        ["interval_shares"] = "activations",
        ["decoder_norm"] = "vector",
        ["alignment"] = "neuron_alignment",
        ["neighbours"] = "topkCosSimIndices",
        ["head_shares"] = "decoder_weights_dist",
        ["labels"] = "explanations",
    };

    /// <summary>Reads it; every value is checked (<see cref="DashboardForm"/>).</summary>
    public LabelledDashboard Read(int index)
    {
        var feature = Parse(index);
        if (DashboardForm.Problems(feature).FirstOrDefault() is not { } problem)
            return feature;
        var field = problem.Field.StartsWith("dashboard.", StringComparison.Ordinal) ? problem.Field["dashboard.".Length..] : problem.Field;
        var end = field.IndexOfAny(['.', '[']) is >= 0 and var at ? at : field.Length;
        throw one.Bad((TheirNames.GetValueOrDefault(field[..end]) ?? field[..end]) + field[end..], problem.Problem);
    }

    private LabelledDashboard Parse(int index)
    {
        var activations = one.Has("activations") ? one.Objects("activations") : [];
        var (histogram, values) = (Integers("freq_hist_data_bar_heights"), Numbers("freq_hist_data_bar_values"));
        // Rounding makes the listed maximum the better one; a feature without examples has the end of its histogram.
        var max =
            Known(one, "maxActApprox")
            ?? activations.Select(example => example.Number(names.BinMax) ?? 0).DefaultIfEmpty(values.LastOrDefault()).Max();
        if (histogram.Length != values.Length && values.Length > 0)
            throw one.Bad(
                "freq_hist_data_bar_values",
                $"must be one for each of the {histogram.Length} bar heights, found {values.Length}"
            );
        if (values.Zip(values.Skip(1)).Any(pair => pair.First > pair.Second))
            throw one.Bad("freq_hist_data_bar_values", "must not fall");
        var (step, total) = (values.Length > 1 ? (values[^1] - values[0]) / (values.Length - 1) : 0, histogram.Sum(count => (long)count));
        var density = Known(one, "frac_nonzero") ?? 0;
        return new(
            new FeatureDashboard
            {
                Feature = index,
                Count = total,
                Density = density,
                DensityAllPositions = density,
                Max = (float)max,
                MaxAnywhere = (float)max,
                MeanNonzero = values.Length > 0 && total > 0 ? histogram.Zip(values, (count, value) => count * value).Sum() / total : 0,
                Histogram = histogram,
                // Rounded as it is, it may lie above the maximum.
                HistogramStart = values.Length > 0 ? Math.Min(Math.Max(0, values[0] - step / 2), Math.Max(0, max)) : 0,
                IntervalShares = Shares(activations, max),
                Examples = [.. activations.Select(example => Example(example, max)).Where(example => example.Tokens.Count > 0)],
                DecoderNorm = Numbers("vector") is { Length: > 0 } vector
                    ? (float)DecoderGeometry.Norm([.. vector.Select(v => (float)v)])
                    : 0,
                Alignment = Triples("neuron_alignment", "values", "l1", (i, a, b) => new AlignedCoordinate(i, a, b)),
                CorrelatedNeurons = Triples("correlated_neurons", "pearson", "l1", (i, a, b) => new CorrelatedNeuron(i, a, b)),
                CorrelatedFeatures = Triples("correlated_features", "pearson", "l1", (i, a, b) => new CorrelatedFeature(i, a, b)),
                Neighbours = Neighbours(),
                HeadShares = [.. Numbers("decoder_weights_dist").Select(share => (float)share)],
                Logits = Logits(),
            },
            Labels(),
            Numbers("vector") is { Length: > 0 } numbers ? [.. numbers.Select(v => (float)v)] : null
        );
    }

    private FeatureExample Example(JsonSection example, double max)
    {
        var tokens = example.Texts("tokens") ?? throw example.Missing("tokens");
        var values = Numbers(example, "values");
        if (tokens.Count != values.Length)
            throw example.Bad("values", $"must be one for each of the {tokens.Count} tokens, found {values.Length}");
        var sources = Numbers(example, names.SourceValues);
        int[] ids = [.. tokens.Select(words.Id)];
        // A dead feature's example has no marked token there: the first stands for it.
        var marked = example.Integer(names.Qualifying) switch
        {
            null or -1 => Math.Max(0, Array.IndexOf(values, values.DefaultIfEmpty().Max())),
            { } place when place >= 0 && (place < ids.Length || ids.Length == 0) => place,
            { } place => throw example.Bad(names.Qualifying, $"must be one of the {ids.Length} tokens, or -1, found {place}"),
        };
        return new FeatureExample(
            Interval(example, max),
            words.Passage(ids),
            marked,
            ids,
            [.. values.Select(value => (float)value)],
            sources.Length > 0 ? [.. sources.Select(value => (float)value)] : null
        );
    }

    /// <summary>−1 for the top group, which is marked by a bin from −1.</summary>
    private int Interval(JsonSection example, double max) =>
        example.Number(names.BinMin) is not { } low || low < 0 || max <= 0
            ? (example.Number(names.BinMin) >= 0 ? 0 : -1)
            : Math.Clamp((int)Math.Round(low / max * ActivationDistribution.Intervals), 0, ActivationDistribution.Intervals - 1);

    private double[] Shares(IReadOnlyList<JsonSection> activations, double max)
    {
        var shares = new double[ActivationDistribution.Intervals];
        foreach (var example in activations)
            if (Interval(example, max) is >= 0 and var interval)
                shares[interval] = example.Number(names.BinContains) ?? 0;
        return shares;
    }

    private LogitEffects? Logits()
    {
        var (heights, values) = (Integers("logits_hist_data_bar_heights"), Numbers("logits_hist_data_bar_values"));
        if (!one.Has("pos_str"))
            return null;
        var step = values.Length > 1 ? (values[^1] - values[0]) / (values.Length - 1) : 0;
        return new(
            Scores("pos"),
            Scores("neg"),
            (float)(values.FirstOrDefault() - step / 2),
            (float)(values.LastOrDefault() + step / 2),
            heights
        );
    }

    private TokenScore[] Scores(string name)
    {
        var (texts, values) = (one.Texts($"{name}_str") ?? [], Numbers($"{name}_values"));
        RequireSame($"{name}_values", values.Length, texts.Count);
        return [.. texts.Zip(values, (word, value) => new TokenScore(words.Id(word), (float)value))];
    }

    private NearFeature[] Neighbours()
    {
        var (indices, values) = (Integers("topkCosSimIndices"), Numbers("topkCosSimValues"));
        RequireSame("topkCosSimValues", values.Length, indices.Length);
        return [.. indices.Zip(values, (feature, cosine) => new NearFeature(feature, (float)cosine))];
    }

    private T[] Triples<T>(string name, string first, string second, Func<int, float, float, T> make)
    {
        var (indices, a, b) = (
            Integers($"{name}_indices"),
            Numbers($"{name}_{first}", mayBeUnknown: true),
            Numbers($"{name}_{second}", mayBeUnknown: true)
        );
        RequireSame($"{name}_{first}", a.Length, indices.Length);
        RequireSame($"{name}_{second}", b.Length, indices.Length);
        // A feature that never fires has no correlation, which Python writes as NaN.
        return
        [
            .. indices
                .Zip(a, b)
                .Where(triple => !double.IsNaN(triple.Second + triple.Third))
                .Select(triple => make(triple.First, (float)triple.Second, (float)triple.Third)),
        ];
    }

    /// <summary>Lists that belong together are of one length; one that was not written is none.</summary>
    private void RequireSame(string key, int length, int expected)
    {
        if (length != expected && length > 0 && expected > 0)
            throw one.Bad(key, $"must be {expected} numbers as there are entries beside it, found {length}");
    }

    private FeatureLabel[] Labels() =>
        !one.Has("explanations")
            ? []
            :
            [
                .. one.Objects("explanations")
                    .Where(label => !string.IsNullOrWhiteSpace(label.Text("description")))
                    .Select(label =>
                    {
                        var scores = label.Has("scores")
                            ? label.Objects("scores").ToLookup(score => score.Text("explanationScoreTypeName") == FeatureLabel.FuzzingScore)
                            : null;
                        var (score, fuzzing) = (scores?[false].FirstOrDefault(), scores?[true].FirstOrDefault());
                        return new FeatureLabel(
                            label.Text("description")!.Trim(),
                            label.Text("explanationModelName") ?? label.Text("authorId") ?? "",
                            label.Text("typeName"),
                            score is null ? null : Known(score, "value"),
                            score?.Text("explanationScoreTypeName"),
                            fuzzing is null ? null : Known(fuzzing, "value")
                        );
                    }),
            ];

    private int[] Integers(string key) => [.. one.Integers(key) ?? []];

    private double[] Numbers(string key, bool mayBeUnknown = false) => Numbers(one, key, mayBeUnknown);

    private static double[] Numbers(JsonSection section, string key, bool mayBeUnknown = false)
    {
        if (!section.Has(key))
            return [];
        var list = section.Element.GetProperty(key);
        if (list.ValueKind != JsonValueKind.Array || list.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.Number))
            throw section.Bad(key, "must be a list of numbers");
        double[] numbers = [.. list.EnumerateArray().Select(item => JsonText.PythonNumber(item) ?? item.GetDouble())];
        return numbers.All(number => double.IsFinite(number) || (mayBeUnknown && double.IsNaN(number)))
            ? numbers
            : throw section.Bad(key, "must be numbers of which none is infinite or NaN");
    }

    /// <summary>A number; what Python could not compute and wrote as NaN is not known.</summary>
    private static double? Known(JsonSection section, string key) =>
        section.AnyNumber(key) is { } number && !double.IsNaN(number) ? section.Number(key) : null;
}
