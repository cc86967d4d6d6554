namespace GemmaScope.Features;

/// <summary>A feature that speaks for a topic.</summary>
/// <param name="Feature">Index in the dictionary.</param>
/// <param name="Contribution">What it adds to the topic's score.</param>
/// <param name="Position">The token where it is strongest.</param>
public sealed record TopicEvidence(int Feature, double Contribution, int Position);

/// <summary>The topic of a headline.</summary>
/// <param name="Topic">The topic, or null for unknown.</param>
/// <param name="Score">Its score, or the best topic's where none is sure enough; null where there is none.</param>
/// <param name="Evidence">The features that speak for it, strongest first.</param>
/// <param name="Scores">The score of every topic that has one.</param>
public sealed record TopicAssignment(
    string? Topic,
    double? Score,
    IReadOnlyList<TopicEvidence> Evidence,
    IReadOnlyDictionary<string, double> Scores
)
{
    /// <summary>No topic at all.</summary>
    public static TopicAssignment Unknown { get; } = new(null, null, [], new Dictionary<string, double>());
}

/// <summary>Where topics come from.</summary>
public abstract class TopicRule
{
    /// <summary>Evidence reported for a topic.</summary>
    protected const int EvidenceCount = 3;

    /// <summary>How topics are found, in one sentence.</summary>
    public abstract string Description { get; }

    /// <summary>What a reader of the topics must know, or null.</summary>
    public virtual string? Warning => null;

    /// <summary>The topic of a headline.</summary>
    /// <param name="reading">The headline.</param>
    /// <param name="top">Its strongest features by weighted activation.</param>
    public abstract TopicAssignment Assign(HeadlineReading reading, IReadOnlyList<WeightedFeature> top);

    /// <summary>Features grouped into topics: the topic with the largest sum of weighted activations.</summary>
    private protected static TopicAssignment Largest(IEnumerable<(string Topic, WeightedFeature Feature)> features)
    {
        var groups = features.GroupBy(pair => pair.Topic, pair => pair.Feature).ToArray();
        if (groups.Length == 0)
            return TopicAssignment.Unknown;
        var scores = groups.ToDictionary(group => group.Key, group => group.Sum(feature => feature.Score));
        var best = groups.MaxBy(group => scores[group.Key])!;
        return new TopicAssignment(
            best.Key,
            scores[best.Key],
            [.. best.Take(EvidenceCount).Select(feature => new TopicEvidence(feature.Feature, feature.Score, feature.Position))],
            scores
        );
    }
}

/// <summary>Topics out of label texts: the labels of a headline's strongest features.</summary>
public sealed class LabelTopics(FeatureLabels labels) : TopicRule
{
    /// <inheritdoc/>
    public override string Description => "label text of features, summed by weighted activation";

    /// <inheritdoc/>
    public override TopicAssignment Assign(HeadlineReading reading, IReadOnlyList<WeightedFeature> top) =>
        Largest(top.Where(feature => labels[feature.Feature] is not null).Select(feature => (labels[feature.Feature]!, feature)));
}

/// <summary>The article's rule: a feature belongs to topic ⌊index / 1000⌋. Indices carry no order, so these topics mean nothing.</summary>
public sealed class ArticleTopics : TopicRule
{
    private const int Size = 1000;

    /// <inheritdoc/>
    public override string Description => "feature // 1000, as in the article";

    /// <inheritdoc/>
    public override string Warning => "a demonstration without meaning: the index of a feature says nothing about its topic";

    /// <inheritdoc/>
    public override TopicAssignment Assign(HeadlineReading reading, IReadOnlyList<WeightedFeature> top) =>
        Largest(top.Select(feature => (Name(feature.Feature), feature)));

    private static string Name(int feature) => $"features {feature / Size * Size}-{feature / Size * Size + Size - 1}";
}

/// <summary>Without a source of topics every headline is unknown.</summary>
public sealed class NoTopics : TopicRule
{
    /// <inheritdoc/>
    public override string Description => "none";

    /// <inheritdoc/>
    public override TopicAssignment Assign(HeadlineReading reading, IReadOnlyList<WeightedFeature> top) => TopicAssignment.Unknown;
}
