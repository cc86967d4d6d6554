using GemmaScope.Features;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>A feature that speaks for a topic in several headlines.</summary>
internal sealed record TopicFeature(int Feature, double Contribution, int Headlines, string Word);

/// <summary>What all renderings of a headline report need.</summary>
internal sealed class HeadlinesView(
    Microscope microscope,
    TopicRule topics,
    IReadOnlyList<AnalyzedHeadline> headlines,
    long tokens,
    FeatureLabels? labels,
    Uri server
)
{
    public const string Unknown = "unknown";

    private readonly FeatureLinks _links = new(microscope.ModelName.Split('/')[^1], microscope.Dictionary);

    public string Model => microscope.ModelName;

    public string Dictionary => microscope.Dictionary.Name;

    public IReadOnlyList<AnalyzedHeadline> Headlines => headlines;

    /// <summary>The tokens that densities were counted on.</summary>
    public long Tokens => tokens;

    public TopicRule Rule => topics;

    public TopicValidation? Validation => (topics as LearnedTopics)?.Validation;

    /// <summary>Topics in order: those learned, else those found, the commonest first.</summary>
    public IReadOnlyList<string> Topics =>
        topics is LearnedTopics learned
            ? learned.Topics
            :
            [
                .. headlines
                    .SelectMany(headline => headline.Topic.Scores.Keys)
                    .CountBy(topic => topic)
                    .OrderByDescending(pair => pair.Value)
                    .ThenBy(pair => pair.Key, StringComparer.Ordinal)
                    .Select(pair => pair.Key),
            ];

    public string? Label(int feature) => labels?[feature];

    public string Page(int feature) => new Uri(server, _links.Page(feature)).ToString();

    public string? Neuronpedia(int feature) => _links.Neuronpedia(feature);

    /// <summary>The features that speak for a topic in the headlines that have it, strongest first.</summary>
    public IEnumerable<TopicFeature> FeaturesOf(string topic) =>
        headlines
            .Where(headline => headline.Topic.Topic == topic)
            .SelectMany(headline =>
                headline.Topic.Evidence.Select(evidence => (evidence, Word: headline.TokenText(evidence.Position).Trim()))
            )
            .GroupBy(pair => pair.evidence.Feature)
            .Select(group => new TopicFeature(
                group.Key,
                group.Sum(pair => pair.evidence.Contribution),
                group.Count(),
                string.Join(", ", group.Select(pair => pair.Word).Distinct().Take(4))
            ))
            .OrderByDescending(feature => feature.Contribution);

    /// <summary>A score from 0 to 1 for shading: probabilities as they are, sums against the headline's largest.</summary>
    public double Shade(AnalyzedHeadline headline, string topic) =>
        !headline.Topic.Scores.TryGetValue(topic, out var score) ? 0
        : Validation is not null ? score
        : score / headline.Topic.Scores.Values.Max();

    public static string Evidence(AnalyzedHeadline headline) =>
        string.Join(
            "  ",
            headline.Topic.Evidence.Select(one =>
                $"{one.Feature} {Format.Quoted(headline.TokenText(one.Position))} {one.Contribution:+0.00}"
            )
        );
}
