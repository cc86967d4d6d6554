using GemmaScope.Safety;

namespace GemmaScope.Workbench;

/// <summary>
/// Studies how a chat model refuses: a direction by which it tells harmful requests from harmless ones, what happens when it is taken out
/// or put in, and what that damages, beside random directions. Runs alone are edited: no command writes a model without its refusal.
/// </summary>
public static class RefusalStudyJob
{
    /// <summary>The study's name.</summary>
    internal const string Name = "refusal";

    /// <summary>The direction's file in the run folder.</summary>
    public const string DirectionName = "direction.safetensors";

    /// <summary>Makes the study, or goes on with one that was broken off, and writes result and page into its folder.</summary>
    /// <param name="microscope">A chat model, and dictionaries of its features if any.</param>
    /// <param name="options">Prompts, and what is tried.</param>
    /// <param name="shield">A ShieldGemma that judges replies to harmful requests; null for none.</param>
    /// <param name="progress">Told what is being done, and what the user should know.</param>
    /// <param name="cancellationToken">Stops between layers and parts; what is done stays in the folder.</param>
    /// <exception cref="ArgumentProblemException">The model was not tuned to chat, refuses nothing or everything, a prompt is on both sides,
    /// a direction is of another model, or the folder holds another study.</exception>
    /// <exception cref="GemmaScopeException">A file cannot be read or written.</exception>
    public static Task<RefusalStudyResult> RunAsync(
        Microscope microscope,
        RefusalStudyJobOptions options,
        Microscope? shield = null,
        IProgress<JobReport>? progress = null,
        CancellationToken cancellationToken = default
    )
    {
        options.Check();
        return Task.Run(() => Run(microscope, options, shield, progress, cancellationToken), cancellationToken);
    }

    private static RefusalStudyResult Run(
        Microscope microscope,
        RefusalStudyJobOptions options,
        Microscope? shield,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        StudyRunner.RequireChat(microscope, "it refuses nothing");
        progress.Stage("reading prompts");
        var sets = new RefusalSets(microscope.Model, options, progress);
        using var judge = shield is null ? null : new ShieldGemma(shield.Model);
        if (shield is not null && ShieldJob.NoteOn(shield.ModelName) is { } note)
            progress.Note(note);
        var shieldName = judge is null ? null : ShieldJob.NameOf(judge, shield!.ModelName);
        return StudyRunner.Run(
            options,
            Manifest(microscope, options, shield),
            folder => new RefusalStudyRun(microscope, sets, options, folder, judge, shieldName, progress, cancellationToken).Measure(),
            RefusalStudyPage.Render,
            progress
        );
    }

    private static StudyManifest Manifest(Microscope microscope, RefusalStudyJobOptions options, Microscope? shield)
    {
        static string Numbers(IEnumerable<double> values) =>
            string.Join(' ', values.Select(value => FormattableString.Invariant($"{value:r}")));
        return StudyManifest.Of(
            Name,
            microscope,
            options,
            [
                ("shield", shield?.ModelName ?? ""),
                ("parts", $"{options.Train} {options.Validation} {options.Test} {options.HeldOut}"),
                ("refusal tokens", string.Join('\n', options.RefusalTokens)),
                ("rule", Numbers([options.MaxKl, options.MinAddedScore, options.LayersBelow])),
                ("strengths", Numbers(options.Strengths)),
                ("controls", $"{options.Controls}"),
                ("max tokens", $"{options.MaxTokens}"),
                ("features", $"{options.Features}"),
                ("text", $"{options.Text.Description} {options.Text.Tokens} {options.Text.Window}"),
            ],
            [
                (nameof(options.Harmful), options.Harmful),
                (nameof(options.Harmless), options.Harmless),
                (nameof(options.OverRefusal), options.OverRefusal),
                (nameof(options.Tasks), options.Tasks),
                (nameof(options.Direction), options.Direction),
            ]
        );
    }
}
