using System.Text.Json.Serialization;
using GemmaScope.Features;

namespace GemmaScope.Workbench;

/// <summary>A feature that speaks for the topic of a headline.</summary>
/// <param name="Feature">Index in the dictionary.</param>
/// <param name="Token">The part of the text where it is strongest.</param>
/// <param name="Position">Where that is.</param>
/// <param name="Label">Its label, or null.</param>
/// <param name="Page">Address of its dashboard on our server.</param>
/// <param name="Neuronpedia">Address of its dashboard on Neuronpedia, or null.</param>
/// <param name="Contribution">What it adds to the topic's score.</param>
public sealed record HeadlineEvidence(
    int Feature,
    string Token,
    int Position,
    string? Label,
    string Page,
    string? Neuronpedia,
    double Contribution
);

/// <summary>One of the strongest features of a headline.</summary>
/// <param name="Feature">Index in the dictionary.</param>
/// <param name="Token">The part of the text where it is strongest.</param>
/// <param name="Position">Where that is.</param>
/// <param name="Label">Its label, or null.</param>
/// <param name="Page">Address of its dashboard on our server.</param>
/// <param name="Neuronpedia">Address of its dashboard on Neuronpedia, or null.</param>
/// <param name="Score">Its weighted activation, see <see cref="HeadlinesResult.Formula"/>.</param>
/// <param name="Sum">Sum of its activations over the tokens that count.</param>
/// <param name="Density">Share of the counted tokens of all headlines on which it fires.</param>
public sealed record HeadlineFeature(
    int Feature,
    string Token,
    int Position,
    string? Label,
    string Page,
    string? Neuronpedia,
    double Score,
    double Sum,
    double Density
);

/// <summary>A headline with its topic and its features.</summary>
/// <param name="Headline">The text.</param>
/// <param name="GivenTopic">The topic that its file says, or null.</param>
/// <param name="Topic">The topic that was found, or null for unknown.</param>
/// <param name="Score">Its score, or the best topic's where none is sure enough; null where there is none.</param>
/// <param name="Scores">The score of every topic that has one.</param>
/// <param name="Evidence">The features that speak for the topic, strongest first.</param>
/// <param name="TopFeatures">Its strongest features, strongest first.</param>
/// <param name="Analyzed">The headline as it was read, with all its features.</param>
public sealed record HeadlineReport(
    string Headline,
    string? GivenTopic,
    string? Topic,
    double? Score,
    IReadOnlyDictionary<string, double> Scores,
    IReadOnlyList<HeadlineEvidence> Evidence,
    IReadOnlyList<HeadlineFeature> TopFeatures,
    [property: JsonIgnore] AnalyzedHeadline Analyzed
);

/// <summary>How one method finds the topics of held-out headlines.</summary>
/// <param name="Method">The method.</param>
/// <param name="Accuracy">Share of headlines whose likeliest topic is theirs; null without headlines.</param>
/// <param name="Auroc">Mean AUROC of the topics; null where it is undefined.</param>
/// <param name="Named">Share of headlines whose topic is named.</param>
/// <param name="AccuracyWhereNamed">Share of those that are right.</param>
public sealed record TopicMethod(string Method, double? Accuracy, double? Auroc, double? Named, double? AccuracyWhereNamed);

/// <summary>What learned topics are worth on headlines that were not learned from.</summary>
/// <param name="TrainingRows">Headlines learned from.</param>
/// <param name="HeldOutRows">Headlines measured on.</param>
/// <param name="Split">How these were chosen.</param>
/// <param name="MajorityAccuracy">What naming the commonest topic always would be worth; null without headlines.</param>
/// <param name="Methods">The topics' own method first, then its baselines.</param>
public sealed record TopicsValidation(
    int TrainingRows,
    int HeldOutRows,
    string Split,
    double? MajorityAccuracy,
    IReadOnlyList<TopicMethod> Methods
);

/// <summary>A feature that speaks for a topic in several headlines.</summary>
/// <param name="Feature">Index in the dictionary.</param>
/// <param name="Page">Address of its dashboard: Neuronpedia's where it is there, else our server's.</param>
/// <param name="Label">Its label, or null.</param>
/// <param name="Contribution">What it adds to the topic's score in all of them.</param>
/// <param name="Words">Some of the words where it is strongest.</param>
public sealed record TopicFeature(int Feature, string Page, string? Label, double Contribution, string Words);

/// <summary>What headlines are about.</summary>
public sealed class HeadlinesResult
{
    /// <summary>What a topic that was not found is called where people read it.</summary>
    public const string Unknown = "unknown";

    private const int MostWords = 4;

    private readonly FeatureLinks _links;
    private readonly HeadlinesJobOptions _options;

    internal HeadlinesResult(
        Microscope microscope,
        TopicRule rule,
        IReadOnlyList<AnalyzedHeadline> headlines,
        long tokens,
        HeadlinesJobOptions options
    )
    {
        (Model, Dictionary, DensityTokens, _options) = (microscope.ModelName, microscope.Dictionary.Name, tokens, options);
        _links = new FeatureLinks(FeatureLinks.ModelName(microscope.ModelName), microscope.Dictionary);
        (TopicSource, Warning) = (rule.Description, rule.Warning);
        Headlines = [.. headlines.Select(Report)];
        var learned = rule as LearnedTopics;
        Topics = learned?.Topics ?? Found(headlines);
        Validation = learned is null ? null : Of(learned.Validation);
    }

    /// <summary>The model's name.</summary>
    public string Model { get; }

    /// <summary>The dictionary's name.</summary>
    public string Dictionary { get; }

    /// <summary>How features are ranked.</summary>
    public string Formula { get; } = HeadlineAnalyzer.Formula;

    /// <summary>Rows that were left out because they cannot be read.</summary>
    public long SkippedRows => _options.Skipped?.Count ?? 0;

    /// <summary>Tokens that densities were counted on.</summary>
    public long DensityTokens { get; }

    /// <summary>Where topics come from, in one sentence.</summary>
    public string TopicSource { get; }

    /// <summary>What a reader of the topics must know, or null.</summary>
    public string? Warning { get; }

    /// <summary>Topics in order: those learned, else those found, the commonest first.</summary>
    public IReadOnlyList<string> Topics { get; }

    /// <summary>What learned topics are worth; null where none were learned.</summary>
    public TopicsValidation? Validation { get; }

    /// <summary>Each headline.</summary>
    public IReadOnlyList<HeadlineReport> Headlines { get; }

    /// <summary>The features that speak for a topic in the headlines that have it, strongest first.</summary>
    /// <param name="topic">One of <see cref="Topics"/>.</param>
    public IEnumerable<TopicFeature> FeaturesOf(string topic) =>
        Headlines
            .Where(headline => headline.Topic == topic)
            .SelectMany(headline => headline.Evidence)
            .GroupBy(evidence => evidence.Feature)
            .Select(group => new TopicFeature(
                group.Key,
                group.First().Neuronpedia ?? group.First().Page,
                group.First().Label,
                group.Sum(evidence => evidence.Contribution),
                string.Join(", ", group.Select(evidence => evidence.Token.Trim()).Distinct().Take(MostWords))
            ))
            .OrderByDescending(feature => feature.Contribution);

    private static string[] Found(IReadOnlyList<AnalyzedHeadline> headlines) =>
        [
            .. headlines
                .SelectMany(headline => headline.Topic.Scores.Keys)
                .CountBy(topic => topic)
                .OrderByDescending(pair => pair.Value)
                .ThenBy(pair => pair.Key, StringComparer.Ordinal)
                .Select(pair => pair.Key),
        ];

    private static TopicsValidation Of(TopicValidation validation) =>
        new(
            validation.TrainingRows,
            validation.HeldOutRows,
            validation.Split,
            validation.Majority,
            [.. validation.Methods.Select(one => new TopicMethod(one.Method, one.Accuracy, one.Auroc, one.Known, one.AccuracyWhereKnown))]
        );

    private HeadlineReport Report(AnalyzedHeadline headline) =>
        new(
            headline.Text,
            headline.Reading.Headline.Topic,
            headline.Topic.Topic,
            headline.Topic.Score,
            headline.Topic.Scores,
            [
                .. headline.Topic.Evidence.Select(one => new HeadlineEvidence(
                    one.Feature,
                    headline.TokenText(one.Position),
                    one.Position,
                    _options.Labels?[one.Feature],
                    Page(one.Feature),
                    _links.Neuronpedia(one.Feature),
                    one.Contribution
                )),
            ],
            [
                .. headline.Top.Select(one => new HeadlineFeature(
                    one.Feature,
                    headline.TokenText(one.Position),
                    one.Position,
                    _options.Labels?[one.Feature],
                    Page(one.Feature),
                    _links.Neuronpedia(one.Feature),
                    one.Score,
                    one.Sum,
                    one.Density
                )),
            ],
            headline
        );

    private string Page(int feature) => new Uri(_options.Server, _links.Page(feature)).ToString();
}
