using System.Text.Json.Serialization;
using GemmaScope.Evaluation;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="AbsorptionJob"/> does.</summary>
public sealed record AbsorptionJobOptions
{
    /// <summary>Words of lower-case letters, each once.</summary>
    public required IReadOnlyList<string> Words { get; init; }

    /// <summary>Solved examples in each prompt, from 0 to 10.</summary>
    public int Examples { get; init; } = 10;

    /// <summary>Words of more tokens are left out; from 1.</summary>
    public int MaxTokens { get; init; } = 1;

    /// <summary>Chooses the examples and divides the words.</summary>
    public int Seed { get; init; }

    /// <summary>Finds out what is wrong before a model is loaded.</summary>
    /// <exception cref="ArgumentProblemException">A number is too small.</exception>
    public void Check()
    {
        if (MaxTokens < 1)
            throw new ArgumentProblemException("must be at least 1", new Setting(nameof(MaxTokens)));
    }
}

/// <summary>Absorption of one letter.</summary>
/// <param name="Letter">The letter.</param>
/// <param name="Words">Words that begin with it.</param>
/// <param name="ProbeRight">Those that the probe gets right without having seen them; only they are judged.</param>
/// <param name="Full">Words of these that are absorbed.</param>
/// <param name="FullRate">Their share; null without words.</param>
/// <param name="MeanFraction">Mean share of the letter's direction that other features have taken over; null without words.</param>
/// <param name="Splits">Mean number of main latents: 1 is no splitting.</param>
/// <param name="MainLatents">The main latents, of each part's training words.</param>
public sealed record AbsorbedLetter(
    string Letter,
    int Words,
    int ProbeRight,
    int Full,
    double? FullRate,
    double? MeanFraction,
    double Splits,
    IReadOnlyList<IReadOnlyList<int>> MainLatents
);

/// <summary>Absorption in a dictionary, over all letters.</summary>
/// <param name="Name">Its name.</param>
/// <param name="ProbeRight">Words that the probes get right without having seen them; only they are judged.</param>
/// <param name="Full">Words of these that are absorbed.</param>
/// <param name="FullRate">Their share; null without words.</param>
/// <param name="MeanFraction">Mean share of the letter's direction that other features have taken over; null without words.</param>
/// <param name="ProbeAuroc">Mean AUROC of the probes on words they have not seen; null without letters.</param>
/// <param name="LettersLeftOut">Letters with too few words.</param>
/// <param name="Letters">Each other letter.</param>
public sealed record DictionaryAbsorption(
    string Name,
    int ProbeRight,
    int Full,
    double? FullRate,
    double? MeanFraction,
    double? ProbeAuroc,
    IReadOnlyList<string> LettersLeftOut,
    IReadOnlyList<AbsorbedLetter> Letters
);

/// <summary>What an absorption run found.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Words">Words that were read.</param>
/// <param name="WordsGiven">Words that were given.</param>
/// <param name="WordsOfOneToken">Words of one token among those read.</param>
/// <param name="Examples">Solved examples in each prompt.</param>
/// <param name="Dictionaries">Each dictionary.</param>
public sealed record AbsorptionResult(
    string Model,
    int Words,
    int WordsGiven,
    int WordsOfOneToken,
    int Examples,
    IReadOnlyList<DictionaryAbsorption> Dictionaries
)
{
    /// <summary>Tokens of the longest word that was read.</summary>
    [JsonIgnore]
    public int MostTokens { get; init; }
}

/// <summary>Feature absorption on first letters (METHODS §6.2).</summary>
public static class AbsorptionJob
{
    /// <summary>Measures the microscope's dictionaries on words.</summary>
    /// <param name="microscope">Model and dictionaries.</param>
    /// <param name="options">The words, and how they are asked about.</param>
    /// <param name="progress">Told how many words, then how many letters are done.</param>
    /// <param name="cancellationToken">Stops between layers, blocks of features and steps of a fit.</param>
    /// <exception cref="ArgumentProblemException">A number cannot be, or no word is short enough.</exception>
    public static Task<AbsorptionResult> RunAsync(
        Microscope microscope,
        AbsorptionJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options.Check();
        return Task.Run(() => Run(microscope, options, progress, cancellationToken), cancellationToken);
    }

    private static AbsorptionResult Run(
        Microscope microscope,
        AbsorptionJobOptions options,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var prompts = SpellingPrompts.Make(microscope.Model.Tokenizer, options.Words, options.Examples, options.MaxTokens, options.Seed);
        if (prompts.Count == 0)
            throw new ArgumentProblemException(
                $"none of {options.Words.Count} words has {options.MaxTokens} token or fewer",
                new Setting(nameof(options.Words)),
                new Remedy($"raise {new Setting(nameof(options.MaxTokens))}")
            );
        var read = SpellingReadings.Of(
            microscope.Model,
            microscope.Dictionaries,
            prompts,
            progress.Counting("", "words", prompts.Count),
            cancellationToken
        );
        var letters = prompts.Select(prompt => prompt.Letter).Distinct().Count();
        return new(
            microscope.ModelName,
            prompts.Count,
            options.Words.Count,
            prompts.Count(prompt => prompt.Tokens == 1),
            options.Examples,
            [
                .. microscope.Dictionaries.Select(
                    (dictionary, d) =>
                        Of(
                            microscope.DictionaryNames[d],
                            FirstLetterAbsorption.Run(
                                dictionary,
                                prompts,
                                read.Activations[d],
                                read.Features[d],
                                new FirstLetterOptions { Seed = options.Seed },
                                progress.Counting("", "letters", letters),
                                cancellationToken
                            )
                        )
                ),
            ]
        )
        {
            MostTokens = prompts.Max(prompt => prompt.Tokens),
        };
    }

    private static DictionaryAbsorption Of(string name, FirstLetterReport report) =>
        new(
            name,
            report.Total.Words,
            report.Total.FullCount,
            report.Total.FullRate,
            report.Total.MeanFraction,
            report.ProbeAuroc,
            [.. report.LeftOut.Select(letter => $"{letter}")],
            [
                .. report.Letters.Select(letter => new AbsorbedLetter(
                    $"{letter.Letter}",
                    letter.Words,
                    letter.Rate.Words,
                    letter.Rate.FullCount,
                    letter.Rate.FullRate,
                    letter.Rate.MeanFraction,
                    letter.Splits,
                    letter.Main
                )),
            ]
        );
}
