using GemmaScope.Lenses;

namespace GemmaScope.Workbench;

/// <summary>
/// Studies what a chat model knows and does not say: it is told a word and told not to say it, or a word is planted and suppressed at the
/// output; lenses, features and a probe rank the words that it may be, beside conversations without a secret.
/// </summary>
public static class HiddenStudyJob
{
    /// <summary>The study's name.</summary>
    public const string Name = "hidden";

    /// <summary>Makes the study, or goes on with one that was broken off, and writes result and page into its folder.</summary>
    /// <param name="microscope">A chat model, and dictionaries of its features if any.</param>
    /// <param name="options">Words, conversations, and what is read.</param>
    /// <param name="progress">Told what is being done, and what the user should know.</param>
    /// <param name="cancellationToken">Stops between parts; what is done stays in the folder.</param>
    /// <exception cref="ArgumentProblemException">The model was not tuned to chat, there are too few words, or the folder holds another
    /// study.</exception>
    /// <exception cref="GemmaScopeException">A file cannot be read or written.</exception>
    public static Task<HiddenStudyResult> RunAsync(
        Microscope microscope,
        HiddenStudyJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options.Check();
        return Task.Run(() => Run(microscope, options, progress, cancellationToken), cancellationToken);
    }

    private static HiddenStudyResult Run(
        Microscope microscope,
        HiddenStudyJobOptions options,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        StudyRunner.RequireChat(microscope, "it keeps no secret");
        progress.Stage("reading words and conversations");
        var words = SecretWord.Read(microscope.Model, options.Words, progress);
        var templates = SecretTemplate.Read(options.Templates);
        using var lens = options.Lens is null ? null : LensFile.Read(options.Lens);
        lens?.Check(microscope.Model.Config);
        return StudyRunner.Run(
            options,
            StudyManifest.Of(
                Name,
                microscope,
                options,
                [
                    ("top", $"{options.Top}"),
                    ("max tokens", $"{options.MaxTokens}"),
                    ("features", $"{options.Features}"),
                    ("labels", $"{options.Labels?.Count}"),
                    ("plant", FormattableString.Invariant($"{options.PlantLayer} {options.PlantStrength:r}")),
                    ("text", $"{options.Text.Description} {options.Text.Tokens} {options.Text.Window}"),
                ],
                [
                    (nameof(options.Words), options.Words),
                    (nameof(options.Templates), options.Templates),
                    (nameof(options.Lens), options.Lens),
                ]
            ),
            folder => new HiddenStudyRun(microscope, options, words, templates, lens, folder, progress, cancellationToken).Measure(),
            HiddenStudyPage.Render,
            progress
        );
    }
}
