using System.Text;
using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;

namespace GemmaScope.Features;

/// <summary>Settings of <see cref="LearnedTopics.Fit"/>.</summary>
public sealed record LearnedTopicsOptions
{
    /// <summary>Features of each topic, from 1.</summary>
    public int FeaturesPerTopic { get; init; } = 20;

    /// <summary>C of the probes, the baselines' too.</summary>
    public double C { get; init; } = 1;

    /// <summary>A topic less likely than this is not named: unknown. From 0 to 1.</summary>
    public double MinProbability { get; init; } = 0.5;
}

/// <summary>
/// Topics learned from labelled headlines: for each topic a logistic probe on the few features whose means differ most between the topic
/// and the rest (METHODS §6.2, §6.10), validated on held-out headlines beside a probe on dense activations and a bag of words.
/// </summary>
public sealed class LearnedTopics : TopicRule
{
    // One group of five is held out.
    private const uint Parts = 5;

    private readonly OneVersusRest _probes;
    private readonly LearnedTopicsOptions _options;

    private LearnedTopics(IReadOnlyList<string> topics, OneVersusRest probes, LearnedTopicsOptions options, TopicValidation validation) =>
        (Topics, _probes, _options, Validation) = (topics, probes, options, validation);

    /// <summary>The topics, in alphabetical order.</summary>
    public IReadOnlyList<string> Topics { get; }

    /// <summary>What the topics are worth on headlines that were not learned from.</summary>
    public TopicValidation Validation { get; }

    /// <inheritdoc/>
    public override string Description =>
        $"learned from {Validation.TrainingRows} labelled headlines, {_options.FeaturesPerTopic} features a topic; unknown below "
        + $"probability {_options.MinProbability}";

    /// <summary>Learns topics from labelled readings; those without a topic are left out.</summary>
    /// <param name="labelled">Labelled headlines.</param>
    /// <param name="heldOut">Others to measure on; null to hold out a fifth of the groups (of the texts, where there are no
    /// groups).</param>
    /// <param name="vocabulary">Number of token ids, for the bag of words.</param>
    /// <param name="options">Settings; null for the defaults.</param>
    /// <param name="cancellationToken">Stops between two steps.</param>
    /// <exception cref="ArgumentProblemException">There are fewer than two topics, or none of them is left for training.</exception>
    public static LearnedTopics Fit(
        IReadOnlyList<HeadlineReading> labelled,
        IReadOnlyList<HeadlineReading>? heldOut,
        int vocabulary,
        LearnedTopicsOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        options ??= new LearnedTopicsOptions();
        HeadlineReading[] rows = [.. labelled.Where(reading => reading.Headline.Topic is not null)];
        var train = heldOut is null ? [.. rows.Where(reading => !IsHeldOut(reading.Headline))] : rows;
        string[] topics = [.. train.Select(reading => reading.Headline.Topic!).Distinct().Order(StringComparer.Ordinal)];
        if (topics.Length < 2)
            throw new ArgumentProblemException(
                $"{topics.Length} topics among {train.Length} headlines to learn from; at least two are needed",
                "labelled"
            );
        // Topics that were never learned cannot be found; such rows would only measure the split.
        HeadlineReading[] test =
        [
            .. (heldOut ?? [.. rows.Where(reading => IsHeldOut(reading.Headline))]).Where(reading =>
                topics.Contains(reading.Headline.Topic)
            ),
        ];
        int[] Topic(HeadlineReading[] readings) => [.. readings.Select(reading => Array.IndexOf(topics, reading.Headline.Topic))];
        var (trainTopics, testTopics) = (Topic(train), Topic(test));

        OneVersusRest? sparse = null;
        List<TopicScores> methods = [];
        foreach (
            var (name, input, k) in (ReadOnlySpan<(string, Func<HeadlineReading[], SparseActivations>, int?)>)
                [
                    ($"{options.FeaturesPerTopic} features a topic", Pooled, options.FeaturesPerTopic),
                    ("probe on dense activations", Dense, null),
                    ("bag of words", readings => Words(readings, vocabulary), null),
                ]
        )
        {
            var probes = OneVersusRest.Fit(input(train), trainTopics, topics.Length, k, options.C, cancellationToken);
            sparse ??= probes;
            methods.Add(TopicScores.Of(name, probes.Probabilities(input(test)), testTopics, options.MinProbability));
        }
        var majority = trainTopics.CountBy(topic => topic).MaxBy(pair => pair.Value).Key;
        var split =
            heldOut is not null ? "a file of its own"
            : rows.Any(reading => reading.Headline.Group is not null) ? "a fifth of the groups"
            : "a fifth of the texts";
        return new LearnedTopics(
            topics,
            sparse!,
            options,
            new TopicValidation(
                train.Length,
                test.Length,
                split,
                test.Length == 0 ? null : testTopics.Count(topic => topic == majority) / (double)test.Length,
                methods
            )
        );
    }

    /// <summary>The features of a topic with their coefficients, largest first.</summary>
    public IReadOnlyList<FeatureActivation> FeaturesOf(string topic)
    {
        var at = Enumerable.Range(0, Topics.Count).FirstOrDefault(i => Topics[i] == topic, -1);
        if (at < 0)
            throw new ArgumentProblemException($"is none of {string.Join(", ", Topics)}", topic);
        var probe = _probes.Probes[at];
        return
        [
            .. probe
                .Features.Zip(probe.Probe.Coefficients, (feature, weight) => new FeatureActivation(feature, (float)weight))
                .OrderByDescending(feature => feature.Value),
        ];
    }

    /// <inheritdoc/>
    public override TopicAssignment Assign(HeadlineReading reading, IReadOnlyList<WeightedFeature> top)
    {
        var x = Pooled([reading]);
        var probabilities = _probes.Probabilities(x);
        var best = Enumerable.Range(0, Topics.Count).MaxBy(topic => probabilities[topic][0]);
        var score = probabilities[best][0];
        var evidence = FeaturesOf(Topics[best])
            .Select(feature => (feature.Feature, Contribution: (double)feature.Value * x.Value(0, feature.Feature)))
            .Where(one => one.Contribution > 0)
            .OrderByDescending(one => one.Contribution)
            .Take(EvidenceCount)
            .Select(one => new TopicEvidence(one.Feature, one.Contribution, reading.StrongestAt(one.Feature)));
        // A topic for which no feature speaks would be named by its frequency alone.
        TopicEvidence[] found = [.. evidence];
        return new TopicAssignment(
            score >= _options.MinProbability && found.Length > 0 ? Topics[best] : null,
            score,
            found,
            Topics.Index().ToDictionary(topic => topic.Item, topic => probabilities[topic.Index][0])
        );
    }

    private static SparseActivations Pooled(HeadlineReading[] readings)
    {
        var rows = new FeatureRows(readings.Length, readings.Length == 0 ? 0 : readings[0].Features.Width);
        for (var row = 0; row < readings.Length; row++)
            foreach (var (feature, mean) in readings[row].Pooled)
                rows[row].Add(feature, mean);
        return rows.ToActivations();
    }

    private static SparseActivations Dense(HeadlineReading[] readings)
    {
        var rows = new FeatureRows(readings.Length, readings.Length == 0 ? 0 : readings[0].Dense.Count);
        for (var row = 0; row < readings.Length; row++)
        for (var i = 0; i < readings[row].Dense.Count; i++)
            rows[row].Add(i, readings[row].Dense[i]);
        return rows.ToActivations();
    }

    private static SparseActivations Words(HeadlineReading[] readings, int vocabulary) =>
        BagOfWords.Count(readings.Select(reading => reading.Tokens.Ids), vocabulary);

    /// <summary>Decided by the name of the group alone, so that a headline stays where it is when others come or go (FNV-1a).</summary>
    private static bool IsHeldOut(Headline headline)
    {
        var hash = 2166136261u;
        foreach (var unit in Encoding.UTF8.GetBytes(headline.Group ?? headline.Text))
            hash = (hash ^ unit) * 16777619u;
        return hash % Parts == 0;
    }
}
