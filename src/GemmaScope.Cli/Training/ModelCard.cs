using System.Globalization;
using System.Text;
using GemmaScope.Dictionaries;
using GemmaScope.Training;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Training;

/// <summary>README.md beside a trained dictionary: what it is, what it was made of, how well it does, and how to make it again.</summary>
internal static class ModelCard
{
    public static string Render(TrainingResult trained)
    {
        var (configuration, scores) = (trained.Configuration, trained.Scores);
        var card = new StringBuilder();
        card.Append($"# {Kind(configuration.Kind)} of {string.Join(", ", configuration.Sites)}\n\n");
        card.Append(
            $"{configuration.Width} features, trained on {trained.Tokens:#,0} activations in {trained.Steps:#,0} steps with GemmaScope for .NET; written in the form {trained.Form} at `{trained.Path}`, "
        );
        card.Append("folded to raw activations.\n\n| | |\n|---|---|\n");
        Row(card, "reads", string.Join(", ", configuration.Sites));
        Row(card, "writes", string.Join(", ", configuration.Outputs));
        Row(
            card,
            "data",
            configuration.Data.Store is { } store
                ? $"the store `{store}`"
                : $"{configuration.Data.Model} on {string.Join(", ", configuration.Data.Text.Select(text => $"`{text}`"))}"
        );
        Row(card, "seed", $"{configuration.Seed}");
        if (trained.SkippedBatches > 0)
            Row(card, "batches left out", $"{trained.SkippedBatches}, whose loss was not finite");
        card.Append(
            $"\n## Scores\n\nMeasured on {scores.Tokens:#,0} tokens: {scores.MeasuredOn}{HeldOut(scores.HeldOut)}.\n\n| | |\n|---|---|\n"
        );
        foreach (var (name, value) in Scores(scores))
            if (value is not null)
                Row(card, name, value);
        card.Append(
            $"\n## Recipe\n\n`gemmascope train {TrainingConfiguration.FileName}` with this file, which lies beside, makes it again:\n\n```yaml\n{configuration.ToYaml()}```\n"
        );
        return card.ToString();
    }

    /// <summary>Scores by name; null where not measured.</summary>
    public static IEnumerable<(string Name, string? Value)> Scores(TrainingScores scores) =>
        [
            ("L0", Number(scores.L0, "0.0")),
            ("FVU", Number(scores.Fvu)),
            ("FVU of an affine map alone", Number(scores.AffineFvu)),
            ("cosine", Number(scores.Cosine)),
            ("features that never fired", scores.DeadFeatures?.ToString(CultureInfo.InvariantCulture)),
            ("features that fired at more than 10 % of the tokens", scores.DenseFeatures?.ToString(CultureInfo.InvariantCulture)),
            ("delta loss (nats)", Number(scores.DeltaLoss, "0.0000")),
            ("loss recovered", Number(scores.LossRecovered)),
            ("KL score", Number(scores.KlScore)),
        ];

    public static string HeldOut(bool? heldOut) =>
        heldOut switch
        {
            true => ", not trained on",
            false => ", which it was trained on too",
            _ => "; whether it was trained on some of them is not known",
        };

    private static string Kind(DictionaryKind kind) =>
        kind switch
        {
            DictionaryKind.Sae => "Sparse autoencoder",
            DictionaryKind.Transcoder => "Transcoder",
            DictionaryKind.SkipTranscoder => "Skip-transcoder",
            DictionaryKind.Crosscoder => "Crosscoder",
            _ => "Cross-layer transcoder",
        };

    private static string? Number(double? value, string format = "0.000") =>
        value is { } number && double.IsFinite(number) ? number.ToString(format, CultureInfo.InvariantCulture) : null;

    private static void Row(StringBuilder card, string name, string value) => card.Append($"| {name} | {value} |\n");
}
