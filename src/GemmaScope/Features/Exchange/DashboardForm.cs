using System.Globalization;
using GemmaScope.Features.Statistics;
using GemmaScope.Models;

namespace GemmaScope.Features.Exchange;

/// <summary>A value that cannot be.</summary>
/// <param name="Field">Where it is, under the snake_case names of our JSON lines.</param>
/// <param name="Problem">What it must be, and what was found.</param>
public sealed record FieldProblem(string Field, string Problem);

/// <summary>
/// What the values of a dashboard must be, whoever wrote them: a file is read by its types alone, and what passes here is taken on trust
/// by all that shows, stores or exports it.
/// </summary>
public static class DashboardForm
{
    /// <summary>Features a dictionary may have. The largest that are known have 2^20.</summary>
    public const int LargestWidth = 1 << 24;

    private const int LastLayer = 9999,
        MostBins = 1 << 16;

    /// <summary>What is wrong with names, corpus and vocabulary.</summary>
    public static IEnumerable<FieldProblem> Problems(DashboardSource source)
    {
        foreach (var (name, text) in (ReadOnlySpan<(string, string)>)[("model", source.Model), ("set", source.Set)])
            if (string.IsNullOrWhiteSpace(text))
                return [new(name, "must be a name, found none")];
        var corpus = source.Corpus;
        return
        [
            .. Outside("layer", source.Layer, 0, LastLayer),
            .. Outside("width", source.Width ?? 1, 1, LargestWidth),
            .. Outside("corpus.sequences", corpus.Sequences, 0, int.MaxValue),
            .. Outside("corpus.positions", corpus.Positions, 0, long.MaxValue),
            .. Outside("corpus.counted", corpus.Counted, 0, corpus.Positions),
            .. Outside("corpus.longest_sequence", corpus.LongestSequence, 0, int.MaxValue),
            .. Outside("bos", source.Bos ?? 0, 0, int.MaxValue),
            .. Outside("pad", source.Pad ?? 0, 0, int.MaxValue),
            .. Nothing("pieces", source.Pieces),
        ];
    }

    /// <summary>What is wrong with a feature.</summary>
    /// <param name="feature">The feature.</param>
    /// <param name="width">Features of its dictionary; null where that is not known.</param>
    public static IEnumerable<FieldProblem> Problems(LabelledDashboard feature, int? width = null) =>
        Problems(feature.Dashboard, (width ?? LargestWidth) - 1)
            .Select(one => one with { Field = $"dashboard.{one.Field}" })
            .Concat(Labels(feature.Labels))
            .Concat(NotFinite("vector", feature.Vector ?? []));

    /// <summary>What is wrong with labels.</summary>
    public static IEnumerable<FieldProblem> Labels(IReadOnlyList<FeatureLabel> labels) =>
        Each(
            "labels",
            labels,
            label =>
                label.Text is null || label.Author is null
                    ? [new("text", "must be a label and its author")]
                    : [.. NotFinite("score", label.Score ?? 0), .. NotFinite("fuzzing", label.Fuzzing ?? 0)]
        );

    private static IEnumerable<FieldProblem> Problems(FeatureDashboard one, int last) =>
        [
            .. Outside("feature", one.Feature, 0, last),
            .. Outside("count", one.Count, 0, long.MaxValue),
            .. Outside("count_elsewhere", one.CountElsewhere, 0, long.MaxValue),
            .. Outside("max_sequence", one.MaxSequence, -1, int.MaxValue),
            .. Outside("max_position", one.MaxPosition, -1, int.MaxValue),
            .. Outside("max_token", one.MaxToken, -1, int.MaxValue),
            .. Outside("density", one.Density, 0, 1),
            .. Outside("density_all_positions", one.DensityAllPositions, 0, 1),
            .. Outside("max", one.Max, 0, float.MaxValue),
            .. Outside("max_anywhere", one.MaxAnywhere, 0, float.MaxValue),
            .. Outside("mean_nonzero", one.MeanNonzero, 0, float.MaxValue),
            .. Outside("decoder_norm", one.DecoderNorm, 0, float.MaxValue),
            .. Histogram("histogram", one.Histogram),
            // Edges rise from the start to the maximum.
            .. Outside("histogram_start", one.HistogramStart, 0, one.Max),
            .. Unless(one.IsDead || one.Histogram.Count > 0, "histogram", $"must have bins, as the feature fires {one.Count} times"),
            .. one.IntervalShares.Count == ActivationDistribution.Intervals
                ? Each("interval_shares", one.IntervalShares, share => Outside("", share, 0, 1))
                : [new("interval_shares", $"must be {ActivationDistribution.Intervals} numbers, found {one.IntervalShares.Count}")],
            .. Each("examples", one.Examples, Example),
            .. Each("alignment", one.Alignment, a => Indexed("index", a.Index, int.MaxValue, a.Value, a.Share)),
            .. Each("neighbours", one.Neighbours, n => Indexed("feature", n.Feature, last, n.Cosine)),
            .. Each("correlated_features", one.CorrelatedFeatures, f => Indexed("feature", f.Feature, last, f.Pearson, f.Cosine)),
            .. Each("correlated_neurons", one.CorrelatedNeurons, n => Indexed("neuron", n.Neuron, int.MaxValue, n.Pearson, n.Cosine)),
            .. Each(
                "together",
                one.Together,
                t => Indexed("feature", t.Feature, last).Concat(Outside("positions", t.Positions, 0, int.MaxValue))
            ),
            .. NotFinite("head_shares", one.HeadShares),
            .. Logits("logits", one.Logits),
            .. Logits("gained_logits", one.GainedLogits),
        ];

    private static IEnumerable<FieldProblem> Example(FeatureExample one)
    {
        if (one.Tokens is not { Count: > 0 })
            return [new("tokens", "must be some, found none")];
        if (one.Values?.Count != one.Tokens.Count)
            return [new("values", $"must be one for each of the {one.Tokens.Count} tokens, found {one.Values?.Count ?? 0}")];
        if (one.Sources is { } sources && sources.Count != one.Tokens.Count)
            return [new("sources", $"must be one for each of the {one.Tokens.Count} tokens, found {sources.Count}")];
        return
        [
            .. Outside("interval", one.Interval, -1, ActivationDistribution.Intervals - 1),
            .. Outside("sequence", one.Sequence, 0, int.MaxValue),
            .. Outside("start", one.Start, 0, int.MaxValue),
            .. Outside("position", one.Position, 0, one.Tokens.Count - 1),
            .. Unless(one.Tokens.All(token => token >= 0), "tokens", "must be ids from 0"),
            .. NotFinite("values", one.Values),
            .. NotFinite("sources", one.Sources ?? []),
        ];
    }

    private static IEnumerable<FieldProblem> Logits(string name, LogitEffects? effects) =>
        effects is null
            ? []
            : Inside(
                name,
                [
                    .. Each("top", effects.Top, score => Indexed("token", score.Token, int.MaxValue, score.Value)),
                    .. Each("bottom", effects.Bottom, score => Indexed("token", score.Token, int.MaxValue, score.Value)),
                    .. Outside("maximum", effects.Maximum, float.MinValue, float.MaxValue),
                    .. Outside("minimum", effects.Minimum, float.MinValue, effects.Maximum),
                    .. Histogram("histogram", effects.Histogram),
                ]
            );

    private static IEnumerable<FieldProblem> Histogram(string name, IReadOnlyList<int> counts) =>
        Outside(name, counts.Count, 0, MostBins).Concat(Each(name, counts, count => Outside("", count, 0, int.MaxValue)));

    private static IEnumerable<FieldProblem> Indexed(string name, int index, int last, params IReadOnlyList<float> values) =>
        Outside(name, index, 0, last).Concat(NotFinite("", values));

    /// <summary>What is wrong with the entries of a list; an entry that is null is.</summary>
    private static IEnumerable<FieldProblem> Each<T>(string name, IReadOnlyList<T> list, Func<T, IEnumerable<FieldProblem>> problems)
    {
        for (var i = 0; i < list.Count; i++)
            foreach (var problem in list[i] is null ? [new("", "must not be null")] : problems(list[i]))
                yield return problem with
                {
                    Field = $"{name}[{i}]{(problem.Field.Length > 0 ? "." : "")}{problem.Field}",
                };
    }

    private static IEnumerable<FieldProblem> Nothing<T>(string name, IReadOnlyList<T> list) => Each(name, list, _ => []);

    private static IEnumerable<FieldProblem> Inside(string name, IEnumerable<FieldProblem> problems) =>
        problems.Select(one => one with { Field = $"{name}.{one.Field}" });

    private static IEnumerable<FieldProblem> NotFinite(string name, IReadOnlyList<float> values)
    {
        // A page has thousands of them.
        for (var i = 0; i < values.Count; i++)
            if (!float.IsFinite(values[i]))
                return [new(name.Length > 0 ? $"{name}[{i}]" : "", "must be a number that is not infinite")];
        return [];
    }

    private static IEnumerable<FieldProblem> NotFinite(string name, double value) => Outside(name, value, double.MinValue, double.MaxValue);

    private static IEnumerable<FieldProblem> Unless(bool holds, string name, string problem) => holds ? [] : [new(name, problem)];

    private static IEnumerable<FieldProblem> Outside(string name, long value, long least, long most) =>
        value >= least && value <= most
            ? []
            : [new(name, string.Create(CultureInfo.InvariantCulture, $"must be from {least} to {most}, found {value}"))];

    private static IEnumerable<FieldProblem> Outside(string name, double value, double least, double most) =>
        value >= least && value <= most
            ? []
            : [new(name, string.Create(CultureInfo.InvariantCulture, $"must be from {least:0.######} to {most:0.######}, found {value}"))];
}
