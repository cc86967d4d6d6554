using System.Text;
using GemmaScope.Files;
using GemmaScope.Workbench.Html;

namespace GemmaScope.Workbench;

/// <summary>What every study does around its own measurements.</summary>
public static class StudyRunner
{
    /// <summary>The result's file in a run folder.</summary>
    public const string ResultName = "result.json";

    /// <summary>The page's file in a run folder.</summary>
    public const string PageName = "report.html";

    /// <summary>Measures in a run folder, new or broken off, and writes result and page there.</summary>
    /// <param name="options">Names the folder.</param>
    /// <param name="manifest">What decides about the numbers.</param>
    /// <param name="measure">Measures part by part (<see cref="StudyFolder.Part"/>).</param>
    /// <param name="page">Makes the page.</param>
    /// <param name="progress">Told where an earlier run is gone on with.</param>
    /// <exception cref="ArgumentProblemException">The folder holds another study.</exception>
    /// <exception cref="StudyPausedException">Its time is spent.</exception>
    internal static TResult Run<TResult>(
        StudyJobOptions options,
        StudyManifest manifest,
        Func<StudyFolder, TResult> measure,
        Func<TResult, Markup> page,
        IProgress<JobReport>? progress
    )
        where TResult : StudyResult
    {
        using var folder = StudyFolder.Open(options.Out, manifest, options.Restart, options.MaxTime);
        if (folder.Before > 0)
            progress.Note($"{folder.Before} parts were measured before and are in {options.Out}; the study goes on after them.");
        var result = measure(folder);
        AtomicFile.Write(
            folder.File(ResultName),
            stream => stream.Write(Encoding.UTF8.GetBytes(ResultJson.Text(result) + "\n")),
            overwrite: true
        );
        page(result).Save(folder.File(PageName));
        return result;
    }

    /// <summary>Refuses a model that was not tuned to chat.</summary>
    /// <param name="microscope">The model.</param>
    /// <param name="lacks">What it cannot do, for example "it refuses nothing".</param>
    /// <exception cref="ArgumentProblemException">It was not tuned.</exception>
    internal static void RequireChat(Microscope microscope, string lacks)
    {
        if (!ChatTuning.IsTuned(microscope.Model))
            throw new ArgumentProblemException(
                $"was not tuned to chat and has no chat template; {lacks}. Take the model's -it form",
                microscope.ModelName
            );
    }
}
