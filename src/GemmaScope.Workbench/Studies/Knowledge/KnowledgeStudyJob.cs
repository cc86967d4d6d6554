namespace GemmaScope.Workbench;

/// <summary>
/// Studies what a chat model knows and what it says: probes of truth read on its own answers, facts that are known and not said, known and unknown
/// names, and whether probes of traits survive a change of style. Each part runs when its file is given.
/// </summary>
public static class KnowledgeStudyJob
{
    /// <summary>The study's name.</summary>
    internal const string Name = "knowledge";

    /// <summary>Makes the study, or goes on with one that was broken off, and writes result and page into its folder.</summary>
    /// <param name="microscope">A chat model, and dictionaries of its features if any.</param>
    /// <param name="options">Files, and what is tried.</param>
    /// <param name="progress">Told what is being done, and what the user should know.</param>
    /// <param name="cancellationToken">Stops between parts and inside runs; what is done stays in the folder.</param>
    /// <exception cref="ArgumentProblemException">The model was not tuned to chat, a set has one kind only or too few rows, or the folder holds
    /// another study.</exception>
    /// <exception cref="GemmaScopeException">A file cannot be read or written.</exception>
    public static Task<KnowledgeStudyResult> RunAsync(
        Microscope microscope,
        KnowledgeStudyJobOptions options,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options.Check();
        return Task.Run(
            () =>
            {
                StudyRunner.RequireChat(microscope, "it answers no question");
                progress.Stage("reading files");
                // Files are read before a folder is made: a mistake in one of them leaves nothing behind.
                var sets = new KnowledgeSets(options);
                return StudyRunner.Run(
                    options,
                    Manifest(microscope, options),
                    folder => new KnowledgeStudyRun(microscope, sets, options, folder, progress, cancellationToken).Measure(),
                    KnowledgeStudyPage.Render,
                    progress
                );
            },
            cancellationToken
        );
    }

    private static StudyManifest Manifest(Microscope microscope, KnowledgeStudyJobOptions options) =>
        StudyManifest.Of(
            Name,
            microscope,
            options,
            [
                ("traits", string.Join('\n', options.Traits)),
                ("question", options.Question),
                ("answers", $"{options.Yes}\n{options.No}"),
                ("known rank", $"{options.KnownRank}"),
                ("question about names", options.EntityQuestion),
                ("permutations", $"{options.Permutations}"),
                ("resamples", $"{options.Resamples}"),
                ("features", $"{options.Features}"),
                ("controls", $"{options.Controls}"),
                ("max tokens", $"{options.MaxTokens}"),
            ],
            [
                .. options.Statements.Select((file, i) => ($"{nameof(options.Statements)} {i + 1}", (string?)file)),
                (nameof(options.Facts), options.Facts),
                (nameof(options.Entities), options.Entities),
                (nameof(options.Contrast), options.Contrast),
            ]
        );
}
