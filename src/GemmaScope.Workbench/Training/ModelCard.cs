using System.Text;
using GemmaScope.Dictionaries;
using GemmaScope.Training;

namespace GemmaScope.Workbench;

/// <summary>README.md beside a trained dictionary: what it is, what it was made of, how well it does, and how to make it again.</summary>
internal static class ModelCard
{
    public static string Render(TrainResult trained)
    {
        var (configuration, scores) = (trained.Configuration, trained.Scores);
        var card = new StringBuilder();
        card.Append($"# {Kind(configuration.Kind)} of {string.Join(", ", configuration.Sites)}\n\n");
        card.Append($"{configuration.Width} features, trained on {trained.Tokens:#,0} activations in {trained.Steps:#,0} steps ");
        card.Append($"with GemmaScope for .NET; written in the form {trained.Form} at `{trained.Dictionary}`, ");
        card.Append("folded to raw activations.\n\n| | |\n|---|---|\n");
        Row(card, "reads", string.Join(", ", configuration.Sites));
        Row(card, "writes", string.Join(", ", configuration.Outputs));
        Row(
            card,
            "data",
            configuration.Data.Store is { } store ? $"the store `{store}`"
                : configuration.Data.Synthetic is { } synthetic ? $"activations with known features, `{synthetic}`"
                : $"{configuration.Data.Model} on {string.Join(", ", configuration.Data.Text.Select(text => $"`{text}`"))}"
        );
        Row(card, "seed", $"{configuration.Seed}");
        if (trained.SkippedBatches > 0)
            Row(card, "batches left out", $"{trained.SkippedBatches}, whose loss was not finite");
        card.Append($"\n## Scores\n\nMeasured on {scores.Basis}.\n\n| | |\n|---|---|\n");
        foreach (var (name, value) in scores.Measured)
            Row(card, name, value);
        if (trained.MissedTarget is { } missed)
            card.Append($"\nThe target was missed: {missed}.\n");
        card.Append($"\n## Recipe\n\n`gemmascope train {TrainingConfiguration.FileName}` with this file, which lies beside, ");
        card.Append($"makes it again:\n\n```yaml\n{configuration.ToYaml()}```\n");
        return card.ToString();
    }

    /// <summary>A kind in words.</summary>
    public static string Kind(DictionaryKind kind) =>
        kind switch
        {
            DictionaryKind.Sae => "Sparse autoencoder",
            DictionaryKind.Transcoder => "Transcoder",
            DictionaryKind.SkipTranscoder => "Skip-transcoder",
            DictionaryKind.Crosscoder => "Crosscoder",
            _ => "Cross-layer transcoder",
        };

    private static void Row(StringBuilder card, string name, string value) => card.Append($"| {name} | {value} |\n");
}
