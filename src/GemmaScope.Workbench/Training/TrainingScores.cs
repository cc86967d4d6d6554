using System.Text.Json.Serialization;
using GemmaScope.Files;

namespace GemmaScope.Workbench;

/// <summary>How well a trained dictionary does, and what that was measured on. What was not measured is null.</summary>
public sealed record TrainingScores
{
    /// <summary>The file beside a trained dictionary that holds them.</summary>
    public const string FileName = "scores.json";

    /// <summary>What they were measured on, in words.</summary>
    public required string MeasuredOn { get; init; }

    /// <summary>Whether that was not trained on; null where it is not known.</summary>
    public bool? HeldOut { get; init; }

    /// <summary>Positions that count.</summary>
    public long Tokens { get; init; }

    /// <summary>Mean number of active features.</summary>
    public double? L0 { get; init; }

    /// <summary>Fraction of variance unexplained (METHODS §2.9).</summary>
    public double? Fvu { get; init; }

    /// <summary>Mean cosine between what was to be reconstructed and its reconstruction.</summary>
    public double? Cosine { get; init; }

    /// <summary>Features that never fired.</summary>
    public int? DeadFeatures { get; init; }

    /// <summary>Features that fired at more than a tenth of the tokens.</summary>
    public int? DenseFeatures { get; init; }

    /// <summary>FVU of the best affine map alone, for transcoders (METHODS §4.2).</summary>
    public double? AffineFvu { get; init; }

    /// <summary>The model's own loss, in nats a token.</summary>
    [JsonPropertyName("ce_clean")]
    public double? CleanLoss { get; init; }

    /// <summary>How much larger the loss is with the reconstruction in place.</summary>
    public double? DeltaLoss { get; init; }

    /// <summary>Which part of what zero-ablation costs the reconstruction wins back.</summary>
    public double? LossRecovered { get; init; }

    /// <summary>The same of the divergence from the model's own predictions.</summary>
    public double? KlScore { get; init; }

    /// <summary>What a training wrote beside its dictionary; null where there is nothing of the kind.</summary>
    /// <param name="folder">The dictionary's folder.</param>
    /// <exception cref="FileFormatException">The file is malformed.</exception>
    public static TrainingScores? Read(string folder)
    {
        var file = Path.Combine(folder, FileName);
        return File.Exists(file) ? Of(JsonFile.Read(file)) : null;
    }

    internal static TrainingScores? Of(JsonSection scores) =>
        scores.Text("measured_on") is not { } on
            ? null
            : new()
            {
                MeasuredOn = on,
                HeldOut = scores.Flag("held_out"),
                Tokens = (long)(scores.Number("tokens") ?? 0),
                L0 = scores.Number("l0"),
                Fvu = scores.Number("fvu"),
                Cosine = scores.Number("cosine"),
                DeadFeatures = scores.Integer("dead_features"),
                DenseFeatures = scores.Integer("dense_features"),
                AffineFvu = scores.Number("affine_fvu"),
                CleanLoss = scores.Number("ce_clean"),
                DeltaLoss = scores.Number("delta_loss"),
                LossRecovered = scores.Number("loss_recovered"),
                KlScore = scores.Number("kl_score"),
            };
}
