using GemmaScope.Features;
using GemmaScope.Text;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="HeadlinesJob"/> does.</summary>
public sealed record HeadlinesJobOptions
{
    /// <summary>The headlines.</summary>
    public required IReadOnlyList<Headline> Headlines { get; init; }

    /// <summary>Headlines whose topics are known, to learn topics from; null for none.</summary>
    public IReadOnlyList<Headline>? Labelled { get; init; }

    /// <summary>Others, on which what was learned is measured; null for a fifth of the groups of those learned from.</summary>
    public IReadOnlyList<Headline>? HeldOut { get; init; }

    /// <summary>The rows that were left out when the headlines were loaded; null where none was to be.</summary>
    public SkippedRows? Skipped { get; init; }

    /// <summary>Features learned for each topic, from 1.</summary>
    public int FeaturesPerTopic { get; init; } = new LearnedTopicsOptions().FeaturesPerTopic;

    /// <summary>A topic that is less likely is not named; from 0 to 1.</summary>
    public double MinProbability { get; init; } = new LearnedTopicsOptions().MinProbability;

    /// <summary>Labels of the dictionary's features, of which topics are made where none are learned; null for none.</summary>
    public FeatureLabels? Labels { get; init; }

    /// <summary>A rule that gives topics in place of all others, such as <see cref="ArticleTopics"/>; null for none.</summary>
    public TopicRule? Categories { get; init; }

    /// <summary>Strongest features reported of each headline, from 1.</summary>
    public int Top { get; init; } = 5;

    /// <summary>The server whose feature pages are linked.</summary>
    public Uri Server { get; init; } = new("http://localhost:5000");

    /// <summary>Finds out what is wrong before a model is loaded.</summary>
    /// <exception cref="ArgumentProblemException">A number cannot be, or settings do not fit together.</exception>
    public void Check()
    {
        if (Categories is not null && Labelled is not null)
            throw new ArgumentProblemException(
                "topics come from one source",
                new Setting(nameof(Categories)),
                new Remedy($"leave out it or {new Setting(nameof(Labelled))}")
            );
        if (HeldOut is not null && Labelled is null)
            throw new ArgumentProblemException(
                "there is nothing to learn from",
                new Setting(nameof(HeldOut)),
                new Remedy($"give {new Setting(nameof(Labelled))} too")
            );
        foreach (var (rows, name) in ((IReadOnlyList<Headline>?, string)[])[(Labelled, nameof(Labelled)), (HeldOut, nameof(HeldOut))])
            if (rows?.All(row => row.Topic is null) == true)
                throw new ArgumentProblemException(
                    "says the topic of no headline; in a file it is looked for under topic, label and category unless its column is named",
                    new Setting(name)
                );
        foreach (var (value, name) in ((int, string)[])[(Top, nameof(Top)), (FeaturesPerTopic, nameof(FeaturesPerTopic))])
            if (value < 1)
                throw new ArgumentProblemException("must be at least 1", new Setting(name));
        if (MinProbability is not (>= 0 and <= 1))
            throw new ArgumentProblemException("must lie between 0 and 1", new Setting(nameof(MinProbability)));
    }
}

/// <summary>What headlines are about: their features, weighted against density, and topics that come from data.</summary>
public static class HeadlinesJob
{
    /// <summary>Reads headlines with the microscope's first dictionary and finds their topics.</summary>
    /// <param name="microscope">Model and dictionary.</param>
    /// <param name="options">The headlines, and where topics come from.</param>
    /// <param name="progress">Told what is being done.</param>
    /// <param name="cancellationToken">Stops between two steps.</param>
    /// <exception cref="ArgumentProblemException">A number cannot be, settings do not fit together, or there are too few topics to
    /// learn.</exception>
    public static Task<HeadlinesResult> RunAsync(
        Microscope microscope,
        HeadlinesJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options.Check();
        LabelNotes.Tell(options.Labels, microscope.Dictionary, progress);
        return Task.Run(() => Run(microscope, options, progress, cancellationToken), cancellationToken);
    }

    private static HeadlinesResult Run(
        Microscope microscope,
        HeadlinesJobOptions options,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        progress.NoteOn(options.Skipped);
        var readings = Read(options.Headlines);
        var labelled = options.Labelled is null ? null : Read(options.Labelled);
        var heldOut = options.HeldOut is null ? null : Read(options.HeldOut);
        var density = new FeatureDensity(labelled is null ? readings : labelled.Concat(readings));
        var topics =
            options.Categories
            ?? (
                labelled is not null ? Learn(labelled, heldOut)
                : options.Labels is { } labels ? new LabelTopics(labels)
                : new NoTopics()
            );
        return new HeadlinesResult(
            microscope,
            topics,
            HeadlineAnalyzer.Analyze(readings, density, topics, options.Top),
            density.Tokens,
            options
        );

        IReadOnlyList<HeadlineReading> Read(IReadOnlyList<Headline> headlines)
        {
            progress.Stage($"reading {headlines.Count} headlines");
            return HeadlineReading.Read(microscope.Model, microscope.Dictionary, headlines, cancellationToken: cancellationToken);
        }

        TopicRule Learn(IReadOnlyList<HeadlineReading> rows, IReadOnlyList<HeadlineReading>? measured)
        {
            progress.Stage("learning topics");
            return LearnedTopics.Fit(
                rows,
                measured,
                microscope.Model.Tokenizer.VocabularySize,
                new() { FeaturesPerTopic = options.FeaturesPerTopic, MinProbability = options.MinProbability },
                cancellationToken
            );
        }
    }
}
