using System.Text.Json.Serialization;
using GemmaScope.Evaluation;
using GemmaScope.Safety;

namespace GemmaScope.Workbench;

/// <summary>How well ShieldGemma's scores tell violations from the rest. Intervals are 95 % bootstrap intervals; what is not defined is
/// null, and <see cref="EvaluatedPart.Undefined"/> says why.</summary>
public sealed class ShieldEvaluateResult
{
    /// <summary>A result.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="options">What was measured.</param>
    /// <param name="template">The form of the prompt.</param>
    /// <param name="parts">The numbers of each policy, and of all combined.</param>
    /// <param name="gaps">What swapping terms changed.</param>
    internal ShieldEvaluateResult(
        string model,
        ShieldEvaluateJobOptions options,
        ShieldTemplate template,
        IReadOnlyList<ShieldEvaluationPart> parts,
        IReadOnlyList<FairnessGap> gaps
    )
    {
        (Model, Template, Hardened) = (model, template.Name, options.Asked.HardenedIn(template));
        NotShieldGemma = template.IsOfChat;
        Files = [.. options.Files.Select(Path.GetFileName).OfType<string>()];
        Parts = [.. parts.Select(part => new EvaluatedPart(part))];
        Fairness = gaps;
    }

    /// <summary>The model that judged.</summary>
    public string Model { get; }

    /// <summary>The form of the prompt.</summary>
    public string Template { get; }

    /// <summary>Whether turn markers in texts were plain text.</summary>
    public bool Hardened { get; }

    /// <summary>Whether a chat model was asked in the place of ShieldGemma, by its own template: no published number is about it. Absent where
    /// not.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool NotShieldGemma { get; }

    /// <summary>Names of the files, without folders.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>Texts judged.</summary>
    public required int Rows { get; init; }

    /// <summary>Texts without a label of these policies, or too long.</summary>
    public required int LeftOut { get; init; }

    /// <summary>Rows left out because they cannot be read.</summary>
    public required long SkippedRows { get; init; }

    /// <summary>Texts cut to fit.</summary>
    public required int Cut { get; init; }

    /// <summary>Each policy, and all combined, which is last.</summary>
    public IReadOnlyList<EvaluatedPart> Parts { get; }

    /// <summary>How scores change when one term stands in another's place, the largest mean gap first; empty where that was not asked
    /// for.</summary>
    public IReadOnlyList<FairnessGap> Fairness { get; }
}

/// <summary>The numbers of a policy, or of all combined.</summary>
/// <param name="part">What was measured.</param>
public sealed class EvaluatedPart(ShieldEvaluationPart part)
{
    /// <summary>The labels and scores, which are not written out.</summary>
    [JsonIgnore]
    public ShieldEvaluationPart Part => part;

    /// <summary>The policy's key, or "combined".</summary>
    public string Name => part.Name;

    /// <summary>Texts with a label.</summary>
    public int Rows => part.Metrics.Rows;

    /// <summary>Those that violate it.</summary>
    public int Positives => part.Metrics.Positives;

    /// <summary>Area under the curve of precision and recall: the average precision.</summary>
    public double? Auprc => part.Metrics.Ranking.AveragePrecision;

    /// <summary>Low end of its interval.</summary>
    public double? AuprcLow => part.Intervals.AveragePrecision?.Low;

    /// <summary>High end of its interval.</summary>
    public double? AuprcHigh => part.Intervals.AveragePrecision?.High;

    /// <summary>Area under the ROC curve.</summary>
    public double? Auroc => part.Metrics.Ranking.Auroc;

    /// <summary>Low end of its interval.</summary>
    public double? AurocLow => part.Intervals.Auroc?.Low;

    /// <summary>High end of its interval.</summary>
    public double? AurocHigh => part.Intervals.Auroc?.High;

    /// <summary>F1 at a threshold of 0.5.</summary>
    [JsonPropertyName("f1_at_half")]
    public double? F1AtHalf => part.Metrics.AtHalf.F1;

    /// <summary>Low end of its interval.</summary>
    [JsonPropertyName("f1_at_half_low")]
    public double? F1AtHalfLow => part.Intervals.F1?.Low;

    /// <summary>High end of its interval.</summary>
    [JsonPropertyName("f1_at_half_high")]
    public double? F1AtHalfHigh => part.Intervals.F1?.High;

    /// <summary>F1 at the threshold that is best on these very texts; it flatters.</summary>
    [JsonPropertyName("optimal_f1")]
    public double? OptimalF1 => part.Metrics.Ranking.OptimalF1;

    /// <summary>Low end of its interval.</summary>
    [JsonPropertyName("optimal_f1_low")]
    public double? OptimalF1Low => part.Intervals.OptimalF1?.Low;

    /// <summary>High end of its interval.</summary>
    [JsonPropertyName("optimal_f1_high")]
    public double? OptimalF1High => part.Intervals.OptimalF1?.High;

    /// <summary>Expected calibration error over ten bins of equal width.</summary>
    public double? Ece => part.Metrics.Calibration.ExpectedError;

    /// <summary>Low end of its interval.</summary>
    public double? EceLow => part.Intervals.ExpectedError?.Low;

    /// <summary>High end of its interval.</summary>
    public double? EceHigh => part.Intervals.ExpectedError?.High;

    /// <summary>The threshold of <see cref="OptimalF1"/>.</summary>
    public double? OptimalThreshold => part.Metrics.Ranking.OptimalThreshold;

    /// <summary>Precision at a threshold of 0.5.</summary>
    public double? PrecisionAtHalf => part.Metrics.AtHalf.Precision;

    /// <summary>Recall at a threshold of 0.5.</summary>
    public double? RecallAtHalf => part.Metrics.AtHalf.Recall;

    /// <summary>Mean squared error of the probabilities.</summary>
    public double? Brier => part.Metrics.Calibration.Brier;

    /// <summary>The bins of the calibration.</summary>
    public IReadOnlyList<CalibrationBin> Calibration => part.Metrics.Calibration.Bins;

    /// <summary>Numbers that are not defined, and why.</summary>
    public IReadOnlyList<UndefinedMetric> Undefined => part.Metrics.Undefined;

    /// <summary>The numbers that a table shows, with their names and intervals.</summary>
    public IEnumerable<(string Name, double? Value, Interval? Interval)> Numbers()
    {
        yield return ("AU-PRC", Auprc, part.Intervals.AveragePrecision);
        yield return ("AU-ROC", Auroc, part.Intervals.Auroc);
        yield return ("F1 at 0.5", F1AtHalf, part.Intervals.F1);
        yield return ("optimal F1", OptimalF1, part.Intervals.OptimalF1);
        yield return ("ECE", Ece, part.Intervals.ExpectedError);
    }
}
