using GemmaScope.Dictionaries;

namespace GemmaScope.Features;

/// <summary>A feature of a headline.</summary>
/// <param name="Feature">Index in the dictionary.</param>
/// <param name="Score">Σ f / max f · ln((N + 1) / (n + 1)) over the tokens that count.</param>
/// <param name="Sum">Σ f over the same tokens.</param>
/// <param name="Density">Share of the counted tokens of all headlines on which it fires.</param>
/// <param name="Position">The token where it is strongest.</param>
public sealed record WeightedFeature(int Feature, double Score, double Sum, double Density, int Position);

/// <summary>A headline with its features and its topic.</summary>
/// <param name="Reading">The headline as it was read.</param>
/// <param name="Top">Its strongest features by weighted activation, strongest first.</param>
/// <param name="Topic">Its topic.</param>
public sealed record AnalyzedHeadline(HeadlineReading Reading, IReadOnlyList<WeightedFeature> Top, TopicAssignment Topic)
{
    /// <summary>The headline's text.</summary>
    public string Text => Reading.Headline.Text;

    /// <summary>The part of the text that a token stands for.</summary>
    public string TokenText(int position) => Reading.Tokens.Spans[position] is { Length: > 0 } span ? Text[span.Start..span.End] : "";
}

/// <summary>Finds what headlines are about (METHODS §6.10).</summary>
public static class HeadlineAnalyzer
{
    /// <summary>How features are ranked, for reports.</summary>
    public const string Formula =
        "score = sum over tokens (without BOS and special tokens) of activation / largest activation x ln((N + 1) / (n + 1)); n of N "
        + "tokens fire the feature";

    /// <summary>Ranks the features of each headline and finds its topic.</summary>
    /// <param name="readings">The headlines.</param>
    /// <param name="density">The densities that weigh features, of these headlines or of a larger set.</param>
    /// <param name="topics">Where topics come from.</param>
    /// <param name="top">Features reported of each headline.</param>
    public static IReadOnlyList<AnalyzedHeadline> Analyze(
        IReadOnlyList<HeadlineReading> readings,
        FeatureDensity density,
        TopicRule topics,
        int top = 5
    ) =>
        [
            .. readings.Select(reading =>
            {
                var features = Top(reading, density, top);
                return new AnalyzedHeadline(reading, features, topics.Assign(reading, features));
            }),
        ];

    private static WeightedFeature[] Top(HeadlineReading reading, FeatureDensity density, int count)
    {
        var tokens = reading.Counted.Count(counted => counted);
        var best = new TopSelection(count);
        foreach (var (feature, mean) in reading.Pooled)
            if (mean * density.Weight(feature) is var score and > 0)
                best.Offer(feature, (float)(score * tokens));
        return
        [
            .. best.Descending()
                .Select(one => new WeightedFeature(
                    one.Feature,
                    one.Value,
                    one.Value / density.Weight(one.Feature),
                    density.Of(one.Feature),
                    reading.StrongestAt(one.Feature)
                )),
        ];
    }
}
