using GemmaScope.Models;
using GemmaScope.Text;
using GemmaScope.Training;

namespace GemmaScope.Workbench;

/// <summary>The model of a run.</summary>
internal static class TrainingModel
{
    /// <summary>Opens it where a text is read or losses are measured; else null.</summary>
    public static async Task<Microscope?> OpenAsync(
        TrainingConfiguration configuration,
        ModelLoadOptions? load,
        IProgress<JobReport>? progress,
        CancellationToken cancellationToken
    )
    {
        var (data, losses) = (
            configuration.Data,
            configuration.Evaluation is { Text.Count: > 0 } and ({ Tokens: > 0 } or { EverySteps: not null })
        );
        // Each is opened now: that one is missing would else be found out when all is trained.
        if (losses)
            foreach (var text in configuration.Evaluation.Text)
                _ = new TextCorpus([text], data.Reading).Rows().Any();
        if ((data.Store ?? data.Synthetic) is not null && !losses)
            return null;
        var options = new MicroscopeOptions
        {
            Model =
                data.Model
                ?? throw new ArgumentProblemException(
                    losses ? "is needed to measure losses on evaluation.text" : "is needed to read the text",
                    "data.model",
                    remedy: new Remedy($"name the model with {new Setting(nameof(data.Model))}")
                ),
            Use = DictionaryUse.None,
            Load = load,
        };
        return await Microscope.OpenAsync(options, progress, cancellationToken).ConfigureAwait(false);
    }
}
