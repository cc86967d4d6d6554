namespace GemmaScope.Evaluation;

/// <summary>A number that the data leave undefined.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Reason">Why.</param>
public sealed record UndefinedMetric(string Name, string Reason);

/// <summary>
/// Everything that is reported of scores against labels. What the data leave undefined is null, never 0, ½ or NaN, and
/// <see cref="Undefined"/> says why.
/// </summary>
/// <param name="Rows">Rows.</param>
/// <param name="Positives">Rows with label 1.</param>
/// <param name="Ranking">AUROC, average precision, optimal F1.</param>
/// <param name="AtHalf">The decisions "score ≥ ½".</param>
/// <param name="Calibration">Of the scores as probabilities.</param>
/// <param name="DecisionCalibration">Of the decision at ½.</param>
public sealed record ClassifierMetrics(
    int Rows,
    int Positives,
    Ranking Ranking,
    Confusion AtHalf,
    Calibration Calibration,
    Calibration DecisionCalibration
)
{
    /// <summary>Measures scores.</summary>
    /// <param name="labels">Whether each row is a positive.</param>
    /// <param name="scores">Their scores.</param>
    /// <exception cref="ArgumentProblemException">There are not as many scores as labels, or one of them is NaN.</exception>
    public static ClassifierMetrics Of(ReadOnlySpan<bool> labels, ReadOnlySpan<double> scores)
    {
        var ranking = Ranking.Of(labels, scores);
        return new ClassifierMetrics(
            labels.Length,
            labels.Count(true),
            ranking,
            Confusion.At(labels, scores, 0.5),
            Calibration.Of(labels, scores),
            Calibration.OfDecision(labels, scores)
        );
    }

    /// <summary>The numbers that are null, with the reason.</summary>
    public IReadOnlyList<UndefinedMetric> Undefined
    {
        get
        {
            var classes =
                Rows == 0 ? "there are no rows"
                : Positives == 0 ? "there are no positives"
                : "there are no negatives";
            (string Name, double? Value, string Reason)[] all =
            [
                ("auroc", Ranking.Auroc, classes),
                ("average_precision", Ranking.AveragePrecision, classes),
                ("optimal_f1", Ranking.OptimalF1, classes),
                ("f1", AtHalf.F1, "there are no positives and nothing is flagged"),
                ("precision", AtHalf.Precision, "nothing is flagged"),
                ("recall", AtHalf.Recall, classes),
                ("accuracy", AtHalf.Accuracy, classes),
                ("balanced_accuracy", AtHalf.BalancedAccuracy, classes),
                ("ece_10", Calibration.ExpectedError, Rows == 0 ? classes : "scores lie outside 0 to 1"),
                ("brier", Calibration.Brier, classes),
            ];
            return [.. all.Where(metric => metric.Value is null).Select(metric => new UndefinedMetric(metric.Name, metric.Reason))];
        }
    }
}
