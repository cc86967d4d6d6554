using System.Text;
using GemmaScope.Files;
using GemmaScope.Safety;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Workbench;

/// <summary>
/// Studies how a chat model refuses: a direction by which it tells harmful requests from harmless ones, what happens when it is taken out
/// or put in, and what that damages, beside random directions. Runs alone are edited: no command writes a model without its refusal.
/// </summary>
public static class RefusalStudyJob
{
    /// <summary>The result's file in the run folder.</summary>
    public const string ResultName = "result.json";

    /// <summary>The page's file in the run folder.</summary>
    public const string PageName = "report.html";

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
        if (!ChatTuning.IsTuned(microscope.Model))
            throw new ArgumentProblemException(
                "was not tuned to chat and has no chat template; it refuses nothing. Take the model's -it form",
                microscope.ModelName
            );
        progress.Stage("reading prompts");
        var sets = new RefusalSets(microscope.Model, options, progress);
        using var folder = StudyFolder.Open(options.Out, Manifest(microscope, options, shield), options.Restart);
        if (folder.Before > 0)
            progress.Note($"{folder.Before} parts were measured before and are in {options.Out}; the study goes on after them.");
        using var judge = shield is null ? null : new ShieldGemma(shield.Model);
        if (shield is not null && ShieldJob.NoteOn(shield.ModelName) is { } note)
            progress.Note(note);
        var run = new RefusalStudyRun(microscope, sets, options, folder, judge, shield?.ModelName, progress, cancellationToken);
        var result = run.Measure();
        AtomicFile.Write(
            folder.File(ResultName),
            stream => stream.Write(Encoding.UTF8.GetBytes(ResultJson.Text(result) + "\n")),
            overwrite: true
        );
        RefusalStudyPage.Render(result).Save(folder.File(PageName));
        return result;
    }

    private static StudyManifest Manifest(Microscope microscope, RefusalStudyJobOptions options, Microscope? shield)
    {
        var files = new[] { options.Harmful, options.Harmless, options.OverRefusal, options.Direction }.OfType<string>();
        static string Numbers(IEnumerable<double> values) =>
            string.Join(' ', values.Select(value => FormattableString.Invariant($"{value:r}")));
        return new(
            "refusal",
            microscope.ModelName,
            new Dictionary<string, string>
            {
                ["weights"] = $"{microscope.Model.WeightBytes} bytes of {microscope.Model.WeightType}",
                ["config"] = StudyManifest.Checksum(Path.Combine(microscope.Model.Folder, "config.json")),
                ["arithmetic"] = $"{microscope.Model.Arithmetic}",
                ["dictionaries"] = string.Join(", ", microscope.DictionaryNames),
                ["shield"] = shield?.ModelName ?? "",
                ["parts"] = $"{options.Train} {options.Validation} {options.Test} {options.HeldOut}",
                ["refusal tokens"] = string.Join('\n', options.RefusalTokens),
                ["rule"] = Numbers([options.MaxKl, options.MinAddedScore, options.LayersBelow]),
                ["strengths"] = Numbers(options.Strengths),
                ["controls"] = $"{options.Controls}",
                ["max tokens"] = $"{options.MaxTokens}",
                ["features"] = $"{options.Features}",
                ["text"] = $"{options.Text.Description} {options.Text.Tokens} {options.Text.Window}",
                ["seed"] = $"{options.Seed}",
            },
            files.Distinct().ToDictionary(file => Path.GetFileName(file), StudyManifest.Checksum)
        );
    }
}
