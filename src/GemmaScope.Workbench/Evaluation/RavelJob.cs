using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="RavelJob"/> does.</summary>
public sealed record RavelJobOptions
{
    /// <summary>The entities with their attributes, and the prompts that ask about them.</summary>
    public required RavelSet Set { get; init; }

    /// <summary>How many of them are asked about, and how features are chosen.</summary>
    public RavelOptions Measured { get; init; } = new();

    /// <summary>Finds out what is wrong before a model is loaded.</summary>
    /// <exception cref="ArgumentProblemException">A number is too small.</exception>
    public void Check()
    {
        foreach (
            var (value, least, name) in ((int, int, string)[])
                [
                    (Measured.Entities, 4, nameof(Measured.Entities)),
                    (Measured.Prompts, 1, nameof(Measured.Prompts)),
                    (Measured.Pairs, 1, nameof(Measured.Pairs)),
                    (Measured.Epochs, 0, nameof(Measured.Epochs)),
                ]
        )
            if (value < least)
                throw new ArgumentProblemException($"must be at least {least}", new Setting(name));
    }
}

/// <summary>How well one choice of features separates an attribute from the others.</summary>
/// <param name="Method">How they were chosen.</param>
/// <param name="Features">How many; null for the whole activation.</param>
/// <param name="Cause">Share of swaps that give the source's value of the attribute; null without pairs.</param>
/// <param name="Isolation">Share of swaps that leave the base's value of another attribute; null without pairs.</param>
/// <param name="Score">The mean of the two; null where one is undefined.</param>
public sealed record RavelMethod(string Method, int? Features, double? Cause, double? Isolation, double? Score);

/// <summary>The mean of a method over the attributes where it is defined.</summary>
/// <param name="Method">How features were chosen.</param>
/// <param name="Attributes">Attributes where it is defined.</param>
/// <param name="Cause">Mean cause.</param>
/// <param name="Isolation">Mean isolation.</param>
/// <param name="Score">Mean score.</param>
public sealed record RavelMean(string Method, int Attributes, double? Cause, double? Isolation, double? Score);

/// <summary>An attribute of a domain.</summary>
/// <param name="Attribute">Its name.</param>
/// <param name="Questions">Questions asked.</param>
/// <param name="Known">Those that the model answers rightly; only these are used.</param>
/// <param name="Entities">Entities among them.</param>
/// <param name="CausePairs">Pairs on which the cause is measured.</param>
/// <param name="IsolationPairs">Pairs on which the isolation is measured.</param>
/// <param name="Methods">Each method; none without pairs to learn from.</param>
public sealed record SeparatedAttribute(
    string Attribute,
    int Questions,
    int Known,
    int Entities,
    int CausePairs,
    int IsolationPairs,
    IReadOnlyList<RavelMethod> Methods
);

/// <summary>How well a dictionary separates the attributes of a domain.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Questions">Questions asked.</param>
/// <param name="Known">Those that the model answers rightly; only these are used.</param>
/// <param name="Means">The mean of each method.</param>
/// <param name="Attributes">Each attribute.</param>
public sealed record DictionaryRavel(
    string Name,
    int Questions,
    int Known,
    IReadOnlyList<RavelMean> Means,
    IReadOnlyList<SeparatedAttribute> Attributes
);

/// <summary>What a RAVEL run found.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Domain">Of which entities.</param>
/// <param name="Dictionaries">Each dictionary.</param>
public sealed record RavelResult(string Model, string Domain, IReadOnlyList<DictionaryRavel> Dictionaries);

/// <summary>RAVEL: whether features separate the attributes of entities (METHODS §6.2).</summary>
public static class RavelJob
{
    /// <summary>Measures the microscope's dictionaries on a domain.</summary>
    /// <param name="microscope">Model and dictionaries that write the site they read.</param>
    /// <param name="options">The domain, and how much of it is asked about.</param>
    /// <param name="progress">Told how far each stage is.</param>
    /// <param name="cancellationToken">Stops between runs.</param>
    /// <exception cref="ArgumentProblemException">A number is too small, or a dictionary writes another site than it reads.</exception>
    public static Task<RavelResult> RunAsync(
        Microscope microscope,
        RavelJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options.Check();
        return Task.Run(() => Run(microscope, options, progress, cancellationToken), cancellationToken);
    }

    private static RavelResult Run(
        Microscope microscope,
        RavelJobOptions options,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    ) =>
        new(
            microscope.ModelName,
            options.Set.Domain,
            [
                .. microscope.Dictionaries.Select(
                    (dictionary, d) =>
                        Of(
                            microscope.DictionaryNames[d],
                            RavelEvaluation.Run(
                                microscope.Model,
                                dictionary,
                                options.Set,
                                options.Measured,
                                progress is null ? null : (unit, total) => progress.Counting("", unit, total)!,
                                cancellationToken
                            )
                        )
                ),
            ]
        );

    private static DictionaryRavel Of(string name, IReadOnlyList<RavelAttribute> report) =>
        new(
            name,
            report.Sum(one => one.Asked),
            report.Sum(one => one.Known),
            [
                .. report
                    .SelectMany(attribute => attribute.Scores)
                    .Where(score => score.Score is not null)
                    .GroupBy(score => score.Method)
                    .Select(group => new RavelMean(
                        group.Key,
                        group.Count(),
                        group.Average(score => score.Cause),
                        group.Average(score => score.Isolation),
                        group.Average(score => score.Score)
                    )),
            ],
            [
                .. report.Select(one => new SeparatedAttribute(
                    one.Attribute,
                    one.Asked,
                    one.Known,
                    one.Entities,
                    one.CausePairs,
                    one.IsolationPairs,
                    [
                        .. one.Scores.Select(score => new RavelMethod(
                            score.Method,
                            score.Features,
                            score.Cause,
                            score.Isolation,
                            score.Score
                        )),
                    ]
                )),
            ]
        );
}
