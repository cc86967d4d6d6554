using GemmaScope.Evaluation;
using GemmaScope.Features;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="DetectJob"/> does.</summary>
public sealed record DetectJobOptions
{
    /// <summary>The texts with their concepts.</summary>
    public required ConceptSet Set { get; init; }

    /// <summary>Tokens of a text at most, BOS included, from 2; the beginning is kept.</summary>
    public int Context { get; init; } = 512;

    /// <summary>Finds out what is wrong before a model is loaded.</summary>
    /// <exception cref="ArgumentProblemException">A number is too small.</exception>
    public void Check()
    {
        if (Context < 2)
            throw new ArgumentProblemException("must be at least 2: BOS and a token", new Setting(nameof(Context)));
    }
}

/// <summary>AUROC of each method on texts it has not seen; null where it is undefined or the method does not apply.</summary>
/// <param name="LabelledFeature">The feature that the set names; null unless the dictionary is the one that the set was made from.</param>
/// <param name="BestFeature">The feature with the highest AUROC on the training texts.</param>
/// <param name="DifferenceOfMeans">The difference of means, its largest projection over the text's tokens.</param>
/// <param name="Probe">A logistic probe on mean activations.</param>
/// <param name="BagOfWords">A logistic probe on counts of words.</param>
public sealed record DetectionAuroc(
    double? LabelledFeature,
    double? BestFeature,
    double? DifferenceOfMeans,
    double? Probe,
    double? BagOfWords
);

/// <summary>How well a concept is detected.</summary>
/// <param name="Concept">Its number in the set.</param>
/// <param name="Description">What the set calls it.</param>
/// <param name="TrainingTexts">Texts learned from.</param>
/// <param name="TrainingPositives">Those of them that have it.</param>
/// <param name="EvaluationTexts">Texts measured on.</param>
/// <param name="EvaluationPositives">Those of them that have it.</param>
/// <param name="Feature">The feature with the highest AUROC on the training texts.</param>
/// <param name="Auroc">What each method reaches.</param>
public sealed record DetectedConcept(
    int Concept,
    string Description,
    int TrainingTexts,
    int TrainingPositives,
    int EvaluationTexts,
    int EvaluationPositives,
    int Feature,
    DetectionAuroc Auroc
);

/// <summary>How well a dictionary detects concepts.</summary>
/// <param name="Name">Its name.</param>
/// <param name="LabelledFeaturesApply">Whether the features that the set names are features of it.</param>
/// <param name="MeanAuroc">The mean of each method over the concepts where it is defined.</param>
/// <param name="Concepts">Each concept.</param>
public sealed record DictionaryDetection(
    string Name,
    bool LabelledFeaturesApply,
    DetectionAuroc MeanAuroc,
    IReadOnlyList<DetectedConcept> Concepts
);

/// <summary>What a detection run found.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="TrainingTexts">Texts learned from.</param>
/// <param name="EvaluationTexts">Texts measured on.</param>
/// <param name="LabelledFeaturesOf">The dictionaries whose features the set names, in the set's words; empty for none.</param>
/// <param name="Dictionaries">Each dictionary.</param>
public sealed record DetectResult(
    string Model,
    int TrainingTexts,
    int EvaluationTexts,
    string LabelledFeaturesOf,
    IReadOnlyList<DictionaryDetection> Dictionaries
);

/// <summary>Detection of concepts by features, beside what needs no dictionary (METHODS §6.4).</summary>
public static class DetectJob
{
    /// <summary>Measures the microscope's dictionaries on a set.</summary>
    /// <param name="microscope">Model and dictionaries of one input site each.</param>
    /// <param name="options">The set.</param>
    /// <param name="progress">Told how many texts are done.</param>
    /// <param name="cancellationToken">Stops between layers, blocks of features and steps of a fit.</param>
    /// <exception cref="ArgumentProblemException">A number is too small, or a dictionary reads several sites.</exception>
    public static Task<DetectResult> RunAsync(
        Microscope microscope,
        DetectJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options.Check();
        return Task.Run(() => Run(microscope, options, progress, cancellationToken), cancellationToken);
    }

    private static DetectResult Run(
        Microscope microscope,
        DetectJobOptions options,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var set = options.Set;
        return new(
            microscope.ModelName,
            set.Train.Count,
            set.Eval.Count,
            string.Join(", ", set.Concepts.Select(concept => concept.Source).OfType<string>().Distinct()),
            [
                .. microscope.Dictionaries.Select(
                    (dictionary, d) =>
                        Of(
                            microscope.DictionaryNames[d],
                            ConceptDetection.Run(
                                microscope.Model,
                                dictionary,
                                set,
                                FeatureLinks.Source(dictionary.Name, dictionary.Origin),
                                options.Context,
                                progress.Counting("", "texts", set.Train.Count + set.Eval.Count),
                                cancellationToken
                            )
                        )
                ),
            ]
        );
    }

    private static DictionaryDetection Of(string name, IReadOnlyList<ConceptScores> scores) =>
        new(
            name,
            scores.Any(one => one.Labelled is not null),
            new(
                scores.Average(one => one.Labelled),
                scores.Average(one => one.Best),
                scores.Average(one => one.DiffMean),
                scores.Average(one => one.Probe),
                scores.Average(one => one.Words)
            ),
            [
                .. scores.Select(one => new DetectedConcept(
                    one.Concept.Id,
                    one.Concept.Description,
                    one.Train.Rows,
                    one.Train.Positives,
                    one.Eval.Rows,
                    one.Eval.Positives,
                    one.BestFeature,
                    new(one.Labelled, one.Best, one.DiffMean, one.Probe, one.Words)
                )),
            ]
        );
}
