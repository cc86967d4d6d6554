using GemmaScope.Features;
using GemmaScope.Store;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="AnalyzeJob"/> does.</summary>
public sealed record AnalyzeJobOptions
{
    /// <summary>The text; it must fit into the model's context.</summary>
    public required string Text { get; init; }

    /// <summary>Strongest features reported for each token, from 0.</summary>
    public int Top { get; init; } = 5;

    /// <summary>Strongest features reported for the whole text, from 0.</summary>
    public int TopText { get; init; } = 10;

    /// <summary>A feature whose activation is reported at every token; null for none.</summary>
    public int? Feature { get; init; }

    /// <summary>Whether a BOS is put in front, as the models expect.</summary>
    public bool AddBos { get; init; } = true;

    /// <summary>A database that knows features of the dictionary: labels with their scores, and how often they fire. Null for none.</summary>
    public IFeatureDatabase? Known { get; init; }

    /// <summary>Whether the strongest activations come first; else, where features are known, the most telling ones do.</summary>
    public bool ByActivation { get; init; }

    /// <summary>Labels of the dictionary's features, which count before those of the database; null for none.</summary>
    public FeatureLabels? Labels { get; init; }

    /// <summary>The server whose feature pages are linked.</summary>
    public Uri Server { get; init; } = new("http://localhost:5000");
}

/// <summary>The main job: takes a text apart into the features of a dictionary.</summary>
public static class AnalyzeJob
{
    /// <summary>Runs the model over the text and reads it with the microscope's first dictionary.</summary>
    /// <param name="microscope">Model and dictionary.</param>
    /// <param name="options">The text, and how much to report.</param>
    /// <param name="progress">Told what is being done.</param>
    /// <param name="cancellationToken">Stops between layers and blocks of features.</param>
    /// <exception cref="ArgumentProblemException">A number cannot be, or the text is empty or too long.</exception>
    public static Task<AnalyzeResult> RunAsync(
        Microscope microscope,
        AnalyzeJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        Check(options, microscope);
        LabelNotes.Tell(options.Labels, microscope.Dictionary, progress);
        return Task.Run(
            () =>
            {
                progress.Stage("analysing");
                var analysis = TextAnalyzer.Analyze(
                    microscope.Model,
                    microscope.Dictionary,
                    microscope.Model.Tokenizer,
                    options.Text,
                    new AnalyzeOptions
                    {
                        TopPerToken = options.Top,
                        TopWholeText = options.TopText,
                        AddBos = options.AddBos,
                        Labels = options.Labels,
                        Meanings = options.Known is { } known
                            ? (dictionary, features) => known.Meanings(microscope.ModelName, dictionary, features)
                            : null,
                        ByActivation = options.ByActivation,
                        ModelName = microscope.ModelName,
                    },
                    cancellationToken: cancellationToken
                );
                progress.NoteWrittenBos([.. analysis.Tokens.Select(token => token.Id)], microscope.Model.Tokenizer.BosId);
                return new AnalyzeResult(analysis, options.Server, options.Feature)
                {
                    CheckWarnings = microscope.WarningsOf(microscope.Dictionary),
                };
            },
            cancellationToken
        );
    }

    private static void Check(AnalyzeJobOptions options, Microscope microscope)
    {
        if (options.Top < 0 || options.TopText < 0)
            throw new ArgumentProblemException(
                "a number of features cannot be negative",
                new Setting(options.Top < 0 ? nameof(options.Top) : nameof(options.TopText))
            );
        if (options.Feature is { } feature && (uint)feature >= (uint)microscope.Dictionary.Width)
            throw new ArgumentProblemException(
                $"{feature} is no feature of {microscope.Dictionary.Name}, which has 0 to {microscope.Dictionary.Width - 1}",
                new Setting(nameof(options.Feature))
            );
    }
}
