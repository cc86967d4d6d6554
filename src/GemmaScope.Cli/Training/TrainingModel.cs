using GemmaScope.Models;
using GemmaScope.Text;
using GemmaScope.Training;

namespace GemmaScope.Cli.Training;

/// <summary>The model of a run.</summary>
internal static class TrainingModel
{
    /// <summary>Loads it where a text is read or losses are measured; else null.</summary>
    public static GemmaModel? Load(TrainingConfiguration configuration, Session session)
    {
        var (data, losses) = (configuration.Data, configuration.Evaluation is { Text.Count: > 0, Tokens: > 0 });
        // Each is opened now: that one is missing would else be found out when all is trained.
        if (losses)
            foreach (var text in configuration.Evaluation.Text)
                _ = TextDocuments.Read([text]).Any();
        if (data.Store is not null && !losses)
            return null;
        return session.LoadModel(
            data.Model
                ?? throw new ArgumentProblemException(
                    losses
                        ? "is needed to measure losses on evaluation.text; name the model with --model"
                        : "is needed to read the text; name the model with --model",
                    "data.model"
                )
        );
    }
}
