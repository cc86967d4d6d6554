using GemmaScope.Safety;

namespace GemmaScope.Workbench;

/// <summary>
/// Studies what wrappers of requests change inside a chat model, and what tells those that succeed from those that fail: pairs of a plain
/// and a wrapped request, features and the refusal direction moved back, and what a monitor would see (METHODS §6.7). Runs alone are edited.
/// </summary>
public static class JailbreakStudyJob
{
    /// <summary>The study's name.</summary>
    internal const string Name = "jailbreak";

    /// <summary>Makes the study, or goes on with one that was broken off, and writes result and page into its folder.</summary>
    /// <param name="microscope">A chat model, and dictionaries of its features if any.</param>
    /// <param name="options">Prompts, and what is tried.</param>
    /// <param name="shield">A ShieldGemma that judges requests and replies; null for none.</param>
    /// <param name="progress">Told what is being done, and what the user should know.</param>
    /// <param name="cancellationToken">Stops between parts; what is done stays in the folder.</param>
    /// <exception cref="ArgumentProblemException">The model was not tuned to chat or refuses no plain request, a prompt is on both sides, the
    /// direction is of another model, or the folder holds another study.</exception>
    /// <exception cref="GemmaScopeException">A file cannot be read or written.</exception>
    public static Task<JailbreakStudyResult> RunAsync(
        Microscope microscope,
        JailbreakStudyJobOptions options,
        Microscope? shield = null,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options.Check();
        return Task.Run(() => Run(microscope, options, shield, progress, cancellationToken), cancellationToken);
    }

    private static JailbreakStudyResult Run(
        Microscope microscope,
        JailbreakStudyJobOptions options,
        Microscope? shield,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        StudyRunner.RequireChat(microscope, "it refuses nothing");
        // A direction of another model is found out before anything is read.
        var direction = GivenDirection.Read(options.Direction, microscope.Model);
        GivenDirection.LayerOf(direction, options.Direction);
        progress.Stage("reading prompts");
        var sets = new JailbreakSets(microscope.Model, options, progress);
        using var judge = shield is null ? null : new ShieldGemma(shield.Model);
        if (shield is not null && ShieldJob.NoteOn(shield.ModelName) is { } note)
            progress.Note(note);
        var shieldName = judge is null ? null : ShieldJob.NameOf(judge, shield!.ModelName);
        return StudyRunner.Run(
            options,
            StudyManifest.Of(
                Name,
                microscope,
                options,
                [
                    ("shield", shield?.ModelName ?? ""),
                    ("parts", $"{options.Limit} {options.HeldOut}"),
                    ("refusal tokens", string.Join('\n', options.RefusalTokens)),
                    ("max tokens", $"{options.MaxTokens}"),
                    ("features", $"{options.Features}"),
                    ("direction", string.Join(' ', direction.Vector.ToArray().Select(value => FormattableString.Invariant($"{value:r}")))),
                    ("layer", $"{direction.Layer}"),
                ],
                [
                    (nameof(options.Pairs), options.Pairs),
                    (nameof(options.Requests), options.Requests),
                    (nameof(options.Wrappers), options.Wrappers),
                    (nameof(options.Harmless), options.Harmless),
                ]
            ),
            folder => new JailbreakStudyRun(microscope, sets, options, folder, judge, shieldName, progress, cancellationToken).Measure(),
            JailbreakStudyPage.Render,
            progress
        );
    }
}
